"""The Voices tab: the library."""

"""The Speak tab: a text becomes speech while you listen."""

"""The Clone tab: a clip, judged and kept as a voice."""

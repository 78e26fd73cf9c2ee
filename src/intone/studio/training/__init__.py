"""The Train tab: data checked, runs started and watched, checkpoints heard and promoted."""

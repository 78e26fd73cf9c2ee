"""The Train tab: check recordings, train, listen to checkpoints, keep the best as a voice."""

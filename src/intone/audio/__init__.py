"""Samples in and out: files, streams, reference clips, resampling, playback.

Everything here is mono float32 in [-1, 1] as numpy arrays, [S]. This room knows nothing of
models, codec frames or torch. Encoders and decoders are libsndfile's, through `soundfile`;
resampling is soxr's.
"""

"""The 12.5 Hz codec: 1,920 samples at 24 kHz <-> one frame of codes, one per codebook.

The decoder speaks whole (`forward`, for training) or in chunks (`step`, exact for every cutting);
the encoder turns a reference clip into codes. Parameter names are the official ones below
"decoder." and "encoder.". Nothing here knows of files, requests or threads.
"""

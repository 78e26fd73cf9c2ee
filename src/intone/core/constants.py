"""Numbers that every room shares, each written once.

"12Hz" in the model's name is only a name: the codec makes 24,000 / 1,920 = 12.5 frames a second
(upstream `configuration_qwen3_tts_tokenizer_v2.py`).
"""

SAMPLE_RATE_HZ = 24_000
SAMPLES_PER_FRAME = 1_920
FRAME_RATE_HZ = SAMPLE_RATE_HZ / SAMPLES_PER_FRAME
FRAME_S = SAMPLES_PER_FRAME / SAMPLE_RATE_HZ

MIN_FRAMES_BEFORE_EOS = 2
"""Upstream bans the end token for the first two frames, so a take is never empty."""

DEFAULT_MAX_FRAMES = 2_048
"""Upstream's wrapper default where a checkpoint names none: 164 s of audio."""

CHUNK_RAMP_FRAMES = (1, 2, 4, 8)
"""Frames per emitted chunk: the first is small for a short TTFA; the last repeats."""

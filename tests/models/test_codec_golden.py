"""The codec computes what upstream computes; goldens come from `make_codec_goldens.py`."""

from __future__ import annotations

import pytest
import torch
from tests.models.codec_golden import clip, read_golden

from intone.models.codec.config import CodecConfig
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.encoder import CodecEncoder

TOLERANCE = 1e-5
KEPT_FRAMES = (*range(3), *range(70, 75), 89)


@pytest.mark.parametrize("chunk_frames", [None, 1, 25])
def test_decoder_gives_upstreams_samples(chunk_frames: int | None) -> None:
    golden = read_golden("codec_decoder")
    decoder = CodecDecoder(CodecConfig.from_dict(golden.config).decoder)
    golden.load_into(decoder)
    codes = golden.data["codes"].long()
    if chunk_frames is None:
        with torch.no_grad():
            samples = decoder(codes)
    else:
        state = decoder.new_state(batch=len(codes))
        chunks = codes.split(chunk_frames, dim=-1)
        samples = torch.cat([decoder.step(chunk, state) for chunk in chunks], dim=-1)
    frames = samples.unflatten(1, (codes.shape[-1], -1))[:, KEPT_FRAMES]
    assert (frames - golden.data["samples"]).abs().max() < TOLERANCE


@pytest.mark.parametrize("num_samples", [1, 1921, 253_440])
def test_encoder_gives_upstreams_codes(num_samples: int) -> None:
    golden = read_golden("codec_encoder")
    encoder = CodecEncoder(CodecConfig.from_dict(golden.config))
    golden.load_into(encoder)
    (codes,) = encoder.encode(clip(num_samples))
    assert torch.equal(codes, golden.data[f"codes_{num_samples}"].long())

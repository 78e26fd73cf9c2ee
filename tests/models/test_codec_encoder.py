"""The encoder's shapes, batches and codebook choice; its codes are compared in the goldens."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.models.codec_golden import clip, read_golden

from intone.models.codec.config import CodecConfig
from intone.models.codec.encoder import CodecEncoder


@pytest.fixture(scope="module")
def encoder() -> CodecEncoder:
    golden = read_golden("codec_encoder")
    network = CodecEncoder(CodecConfig.from_dict(golden.config))
    golden.load_into(network)
    return network


@pytest.mark.parametrize(
    ("num_samples", "num_frames"), [(1, 1), (1919, 1), (1920, 1), (1921, 2), (24_000, 13)]
)
def test_frames_are_begun_ones_included(
    encoder: CodecEncoder, num_samples: int, num_frames: int
) -> None:
    codes = encoder.encode(clip(num_samples))
    assert codes.shape == (1, 8, num_frames)
    assert codes.dtype == torch.int64


def test_a_batch_gives_what_singles_give(encoder: CodecEncoder) -> None:
    clips = torch.cat((clip(20_000), clip(20_000).flip(1)))
    singles = torch.cat([encoder.encode(row[None]) for row in clips])
    assert torch.equal(encoder.encode(clips), singles)


@pytest.mark.parametrize("filler", [0.0, 0.7])
def test_a_shorter_clip_of_a_batch_gives_what_it_gives_alone(
    encoder: CodecEncoder, filler: float
) -> None:
    longest = 7_700
    lengths = [1, 959, 960, 961, 1919, 1920, 1921, 2881, 3840, 5000, 7679, 7680, 7681, longest]
    clips = [clip(longest).roll(37 * i, dims=1)[:, :length] for i, length in enumerate(lengths)]
    batch = torch.full((len(clips), longest), filler)
    for row, samples in zip(batch, clips, strict=True):
        row[: samples.shape[1]] = samples[0]
    together = encoder.encode(batch, torch.tensor(lengths))
    for codes, samples in zip(together, clips, strict=True):
        alone = encoder.encode(samples)[0]
        assert torch.equal(codes[:, : alone.shape[1]], alone)


def test_later_codebooks_do_not_change_earlier_ones(encoder: CodecEncoder) -> None:
    golden = read_golden("codec_encoder")
    config = CodecConfig.from_dict(golden.config)
    fewer = CodecEncoder(replace(config, num_codebooks=3))
    golden.load_into(fewer)
    assert torch.equal(fewer.encode(clip(9_000)), encoder.encode(clip(9_000))[:, :3])


def test_without_a_projection_the_codebooks_see_the_features() -> None:
    config = CodecConfig.from_dict(read_golden("codec_encoder").config)
    hidden = config.encoder.transformer.hidden_size
    plain = replace(config.encoder, vector_dim=hidden, codebook_dim=hidden)
    encoder = CodecEncoder(replace(config, encoder=plain))
    assert not any("_proj" in name for name in encoder.quantizer.state_dict())
    assert encoder.encode(clip(4_000)).shape == (1, 8, 3)

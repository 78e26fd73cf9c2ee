"""Log-mels and x-vectors are upstream's; shapes and batches behave."""

from __future__ import annotations

import numpy as np
import torch
from tests.models.codec_golden import clip, read_golden

from intone.models.mel import log_mel, mel_filterbank
from intone.models.speaker_encoder import SpeakerEncoder
from intone.models.speaker_encoder_config import SpeakerEncoderConfig


def _tiny() -> tuple[SpeakerEncoder, dict[str, torch.Tensor]]:
    golden = read_golden("speaker_encoder")
    encoder = SpeakerEncoder(SpeakerEncoderConfig.from_dict(golden.config))
    golden.load_into(encoder)
    return encoder, golden.data


def test_log_mel_is_upstreams() -> None:
    _, data = _tiny()
    assert (log_mel(clip(24_000)) - data["mel"]).abs().max() < 1e-4


@torch.no_grad()
def test_x_vector_is_upstreams() -> None:
    encoder, data = _tiny()
    x_vector = encoder(data["mel"])
    assert torch.cosine_similarity(x_vector, data["x_vector"]).item() > 0.99999
    torch.testing.assert_close(x_vector, data["x_vector"], rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_batch_gives_what_singles_give() -> None:
    encoder, _ = _tiny()
    mel = log_mel(torch.cat((clip(9_000), clip(9_000).flip(1))))
    singles = torch.cat([encoder(row[None]) for row in mel])
    torch.testing.assert_close(encoder(mel), singles, rtol=1e-4, atol=1e-6)


def test_every_band_of_the_filterbank_has_unit_area() -> None:
    bank = mel_filterbank()
    hz_per_bin = 12_000 / (bank.shape[1] - 1)
    assert bank.shape == (128, 513)
    # Low bands are narrower than a bin is wide, so only the wide ones integrate to one.
    assert np.allclose(bank[64:].sum(axis=1) * hz_per_bin, 1.0, atol=0.05)


def test_the_released_dimensions_are_the_defaults() -> None:
    encoder = SpeakerEncoder(SpeakerEncoderConfig.from_dict({}))
    assert sum(p.numel() for p in encoder.parameters()) == 8_854_336

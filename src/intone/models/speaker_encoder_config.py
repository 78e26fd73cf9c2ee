"""The speaker encoder's dimensions, apart from its network so that reading them needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerEncoderConfig:
    """ECAPA-TDNN dimensions; the defaults are upstream's `configuration_qwen3_tts.py`."""

    enc_dim: int = 1024
    mel_dim: int = 128
    channels: tuple[int, ...] = (512, 512, 512, 512, 1536)
    kernel_sizes: tuple[int, ...] = (5, 3, 3, 3, 1)
    dilations: tuple[int, ...] = (1, 2, 3, 4, 1)
    attention_channels: int = 128
    res2net_scale: int = 8
    se_channels: int = 128
    sample_rate_hz: int = 24_000

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SpeakerEncoderConfig:
        """Reads `speaker_encoder_config`; keys that are absent keep upstream's defaults."""
        default = cls()
        return cls(
            enc_dim=int(data.get("enc_dim", default.enc_dim)),
            mel_dim=int(data.get("mel_dim", default.mel_dim)),
            channels=tuple(data.get("enc_channels", default.channels)),
            kernel_sizes=tuple(data.get("enc_kernel_sizes", default.kernel_sizes)),
            dilations=tuple(data.get("enc_dilations", default.dilations)),
            attention_channels=int(data.get("enc_attention_channels", default.attention_channels)),
            res2net_scale=int(data.get("enc_res2net_scale", default.res2net_scale)),
            se_channels=int(data.get("enc_se_channels", default.se_channels)),
            sample_rate_hz=int(data.get("sample_rate", default.sample_rate_hz)),
        )

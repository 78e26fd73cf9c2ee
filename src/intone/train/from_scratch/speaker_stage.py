"""The speaker encoder: a clip of anybody to the row of the preset that sounds most like it.

The talker names a speaker by one row of its codec embedding. An x-vector stands in that row's
place, so the encoder is taught to return the row itself; the talker has met rows with noise on
them. Voices that are no preset's come out between the rows, nearest to the one they resemble.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.constants import SAMPLE_RATE_HZ
from intone.models.mel import log_mel
from intone.models.speaker_encoder import SpeakerEncoder
from intone.models.speaker_encoder_config import SpeakerEncoderConfig
from intone.train.from_scratch.clips import Clip, Symbols
from intone.train.from_scratch.codec_stage import clips_of, load_front
from intone.train.from_scratch.recipe import PHONEMES, PRESETS

_HIDDEN = 256
_CHANNELS = 96


def speaker_json() -> dict[str, Any]:
    """Returns `speaker_encoder_config`."""
    return {
        "enc_dim": _HIDDEN,
        "mel_dim": 128,
        "enc_channels": [_CHANNELS] * 4 + [3 * _CHANNELS],
        "enc_kernel_sizes": [5, 3, 3, 3, 1],
        "enc_dilations": [1, 2, 3, 4, 1],
        "enc_attention_channels": 48,
        "enc_res2net_scale": 8,
        "enc_se_channels": 48,
        "sample_rate": SAMPLE_RATE_HZ,
    }


def load_encoder(path: Path) -> SpeakerEncoder:
    """Reads what this stage wrote."""
    encoder = SpeakerEncoder(SpeakerEncoderConfig.from_dict(speaker_json()))
    encoder.load_state_dict(torch.load(path, weights_only=True))
    return encoder


def preset_rows(work: Path) -> Tensor:
    """Returns the talker's rows of the presets, [presets, H], as they are shipped."""
    config = json.loads((work / "config.json").read_text(encoding="utf-8"))
    ids = config["talker_config"]["spk_id"]
    weights = torch.load(work / "talker.pt", weights_only=True)["average"]
    rows: Tensor = weights["talker.model.codec_embedding.weight"][[ids[name] for name in PRESETS]]
    return rows.bfloat16().float()


class Crops:
    """Crops of the presets' clips, louder and softer, brighter and duller, cleaner and noisier."""

    def __init__(self, clips: Sequence[Clip], codec: Path) -> None:
        """Holds every clip twice: by the teacher and through the codec."""
        names, symbols, front = list(PRESETS), Symbols(PHONEMES), load_front(codec).eval()
        self._sounds: list[list[Tensor]] = [[] for _ in names]
        for clip in clips:
            codes = torch.from_numpy(clip.plan.codes(symbols)).t()[None]
            with torch.inference_mode():
                made = front.decoder(codes)[0].clone()
            sounds = self._sounds[names.index(clip.plan.speaker)]
            sounds.extend((torch.from_numpy(clip.samples), made))

    def draw(self, batch: int) -> tuple[Tensor, Tensor]:
        """Returns samples [B, S] of one random length, and whose they are [B]."""
        length = int(random.uniform(1.0, 3.0) * SAMPLE_RATE_HZ)
        speakers = torch.randint(len(self._sounds), (batch,))
        crops = [self._crop(random.choice(self._sounds[int(s)]), length) for s in speakers]
        return torch.stack(crops), speakers

    @staticmethod
    def _crop(sound: Tensor, length: int) -> Tensor:
        if len(sound) < length:
            sound = sound.repeat(-(-length // len(sound)))
        start = random.randrange(len(sound) - length + 1)
        crop = sound[start : start + length]
        tilt = random.uniform(-0.4, 0.4)
        crop = crop + tilt * F.pad(crop[:-1], (1, 0))
        crop = crop * 10 ** random.uniform(-0.8, 0.3)
        return crop + torch.randn(length) * 10 ** random.uniform(-4.5, -2.3)


def train_encoder(encoder: SpeakerEncoder, crops: Crops, rows: Tensor, minutes: float) -> None:
    """Teaches the encoder the rows, for that much processor time."""
    optimizer = torch.optim.AdamW(encoder.parameters(), weight_decay=0.01, fused=True)
    began, step = time.process_time(), 0
    while (share := (time.process_time() - began) / 60 / minutes) < 1.0:
        samples, speakers = crops.draw(24)
        made = encoder(log_mel(samples))
        distance = torch.cdist(made, rows).square()
        loss = distance.gather(1, speakers[:, None]).mean() / rows.square().sum(dim=1).mean()
        loss = loss + 0.2 * F.cross_entropy(-distance, speakers)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimizer.param_groups[0]["lr"] = 1e-3 * min(1.0, (step + 1) / 50) * (1.02 - share)
        optimizer.step()
        step += 1
        if step % 50 == 0:
            right = (distance.argmin(dim=1) == speakers).float().mean()
            print(f"step {step} loss {loss:.4f} right {right:.3f} share {share:.2f}", flush=True)


def main() -> None:
    """python -m intone.train.from_scratch.speaker_stage SOUND PLANS CODEC WORK OUT --minutes M"""
    parser = argparse.ArgumentParser(description="Train the built-in voice's speaker encoder.")
    parser.add_argument("sound", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("codec", type=Path, help="state of the codec's stage 2")
    parser.add_argument("work", type=Path, help="the talker stage's directory, finished")
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=4.0, help="of processor time")
    args = parser.parse_args()
    torch.set_num_threads(1)
    crops = Crops(clips_of(args.sound, args.plans), args.codec)
    encoder = SpeakerEncoder(SpeakerEncoderConfig.from_dict(speaker_json()))
    train_encoder(encoder, crops, preset_rows(args.work), args.minutes)
    torch.save(encoder.state_dict(), args.out)


if __name__ == "__main__":
    main()

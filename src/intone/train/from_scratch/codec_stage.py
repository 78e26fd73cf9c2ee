"""Stage 1 of the codec: codebooks and the decoder's frame-rate half, on log-mels.

Cheap, because no waveform is made: the decoder's transformer and upsampling end at 50 Hz, where a
linear head predicts the teacher's log-mel, two columns at a time. There is no encoder to train: the
codes are read off the teacher's plan, and only their vectors are learnt.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.constants import SAMPLES_PER_FRAME
from intone.models.codec.config import CodecConfig
from intone.models.codec.decoder import CodecDecoder, ConvNeXtBlock
from intone.models.codec.quantizer import Codebook
from intone.train.from_scratch.clips import Clip, Symbols, read_clips, shard_paths
from intone.train.from_scratch.mel import LogMel
from intone.train.from_scratch.recipe import PHONEMES, codec_json


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """One run of stage 1."""

    minutes: float
    batch: int = 10
    frames: int = 32
    learning_rate: float = 1e-3
    log_every: int = 100


class CodecFront(nn.Module):
    """The decoder with a head that reads log-mels out of its latents."""

    def __init__(self) -> None:
        super().__init__()
        config = CodecConfig.from_dict(codec_json()).decoder
        self.mel = LogMel()
        self.decoder = CodecDecoder(config)
        self.mel_head = nn.Conv1d(config.latent_dim, 160, 1)
        for layers in self.decoder.upsample:
            nn.init.constant_(cast(ConvNeXtBlock, cast(nn.ModuleList, layers)[1]).gamma, 0.1)
        for part in (self.decoder.quantizer.rvq_first, self.decoder.quantizer.rvq_rest):
            for name, table in part.vq.named_parameters():
                if name.endswith("embedding_sum"):
                    nn.init.normal_(table, std=0.3)
                else:
                    table.requires_grad_(False)
            part.input_proj.requires_grad_(False)

    def latents(self, codes: Tensor) -> Tensor:
        """Codes [B, K, F] -> the decoder's latents [B, latent, 4 F]."""
        decoder = self.decoder
        x: Tensor = decoder.pre_conv(decoder.quantizer(codes)).transpose(1, 2)
        x = decoder.pre_transformer(x, torch.zeros(1, dtype=torch.int64)).transpose(1, 2)
        for layers in decoder.upsample:
            for layer in cast(nn.ModuleList, layers):
                x = layer(x)
        return x

    def predict_mel(self, codes: Tensor) -> Tensor:
        """Codes [B, K, F] -> log-mel [B, 80, 8 F]."""
        pairs: Tensor = self.mel_head(self.latents(codes))
        batch, _, steps = pairs.shape
        return pairs.view(batch, 80, 2, steps).transpose(2, 3).reshape(batch, 80, 2 * steps)

    def books(self) -> list[Codebook]:
        """Returns the codebooks 1 to K-1."""
        layers = self.decoder.quantizer.rvq_rest.vq.layers
        return [cast(Codebook, layer._codebook) for layer in layers]

    def frame_rate_parameters(self) -> list[nn.Parameter]:
        """Returns what stage 1 trains."""
        wave = {id(p) for p in self.decoder.decoder.parameters()}
        return [p for p in self.parameters() if p.requires_grad and id(p) not in wave]


class CropSampler:
    """Random crops of clips joined end to end: codes and sound."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        symbols = Symbols(PHONEMES)
        codes = np.concatenate([clip.plan.codes(symbols) for clip in clips])
        self._codes = torch.from_numpy(codes).t().contiguous()
        self._samples = torch.from_numpy(np.concatenate([clip.samples for clip in clips]))

    def draw(self, batch: int, frames: int, context: int = 0) -> tuple[Tensor, Tensor]:
        """Returns codes [B, K, context + F] and the samples [B, S] of the last F frames."""
        long = context + frames
        starts = [random.randrange(self._codes.shape[1] - long) for _ in range(batch)]
        codes = torch.stack([self._codes[:, s : s + long] for s in starts])
        rate = SAMPLES_PER_FRAME
        samples = [self._samples[(s + context) * rate : (s + long) * rate] for s in starts]
        return codes, torch.stack(samples)


def mel_loss(front: CodecFront, codes: Tensor, samples: Tensor) -> Tensor:
    """Returns the mean absolute log-mel error of codes [B, K, F] against samples [B, S]."""
    with torch.no_grad():
        target = front.mel(samples)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        made = front.predict_mel(codes)
    return F.l1_loss(made.float(), target)


def train_front(front: CodecFront, sampler: CropSampler, settings: FrontSettings) -> None:
    """Trains stage 1 until that much processor time is spent."""
    _train(front, sampler, settings, front.frame_rate_parameters())


def train_new_parts(front: CodecFront, sampler: CropSampler, settings: FrontSettings) -> None:
    """Trains what a taken-over decoder lacks: the log-mel head and the speakers' codes."""
    tables = [book.embedding_sum for book in front.books()[-2:]]
    _train(front, sampler, settings, [*front.mel_head.parameters(), *tables])


def _train(
    front: CodecFront,
    sampler: CropSampler,
    settings: FrontSettings,
    parameters: list[nn.Parameter],
) -> None:
    optimizer = torch.optim.AdamW(parameters, betas=(0.8, 0.98), weight_decay=0.01, fused=True)
    began, step, recent = time.process_time(), 0, 0.0
    while (share := (time.process_time() - began) / 60 / settings.minutes) < 1.0:
        loss = mel_loss(front, *sampler.draw(settings.batch, settings.frames))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.param_groups[0]["lr"] = settings.learning_rate * fading(step, share)
        optimizer.step()
        step += 1
        recent = loss.item() if step == 1 else 0.97 * recent + 0.03 * loss.item()
        if step % settings.log_every == 0:
            print(f"step {step} mel {recent:.4f} {time.process_time() - began:.0f} s", flush=True)


def fading(step: int, share: float) -> float:
    """Returns the factor of the learning rate: a short warm-up, then a cosine to nearly nothing."""
    return min(1.0, (step + 1) / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))


def save_front(front: CodecFront, path: Path) -> None:
    """Writes a codec's weights."""
    torch.save(front.state_dict(), path.with_suffix(".tmp"))
    path.with_suffix(".tmp").rename(path)


def load_front(path: Path) -> CodecFront:
    """Reads what `save_front` wrote."""
    front = CodecFront()
    front.load_state_dict(torch.load(path, weights_only=True))
    return front


def clips_of(sound: Path, plans: Path, split: str = "train") -> list[Clip]:
    """Returns every clip of a split that has both sound and plan."""
    paths = [path for path in shard_paths(plans, split) if _sound_of(path, sound).exists()]
    return [clip for path in paths for clip in read_clips(_sound_of(path, sound), path)]


def _sound_of(plan_path: Path, sound: Path) -> Path:
    return sound / plan_path.parent.name / plan_path.name


def main() -> None:
    """python -m intone.train.from_scratch.codec_stage SOUND PLANS OUT --minutes M"""
    parser = argparse.ArgumentParser(description="Train stage 1 of the built-in voice's codec.")
    parser.add_argument("sound", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, required=True, help="of processor time")
    parser.add_argument("--start", type=Path, default=None, help="continue from this state")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clips = clips_of(args.sound, args.plans)
    front = CodecFront() if args.start is None else load_front(args.start)
    hours = sum(len(clip.samples) for clip in clips) / 24_000 / 3600
    print(f"{len(clips)} clips, {hours:.2f} hours", flush=True)
    train_front(front, CropSampler(clips), FrontSettings(minutes=args.minutes))
    save_front(front, args.out)


if __name__ == "__main__":
    main()

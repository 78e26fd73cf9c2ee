"""Stage 2 of the codec: the waveform half, together with what stage 1 has begun.

The loss compares spectra of several resolutions; a light adversary over the same spectra takes the
buzz off at the end of the run (least-squares GAN with feature matching).
"""

from __future__ import annotations

import argparse
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.constants import SAMPLES_PER_FRAME
from intone.models.codec.decoder import WaveBlock
from intone.train.from_scratch.codec_stage import (
    CodecFront,
    CropSampler,
    FrontSettings,
    clips_of,
    fading,
    load_front,
    mel_loss,
    save_front,
    train_new_parts,
)
from intone.train.from_scratch.mel import LogMel
from intone.train.from_scratch.warm import add_timbres, warm_front

_RESOLUTIONS = ((512, 120), (1024, 240), (2048, 480))


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveStageSettings:
    """One run."""

    minutes: float
    """Of processor time."""
    batch: int = 4
    frames: int = 11
    context_frames: int = 8
    """Frames before the crop that only the frame-rate half sees."""
    learning_rate: float = 1.5e-3
    front_rate: float = 0.4
    """Learning rate of the frame-rate half, as a share of the other's."""
    joined_from: float = 0.5
    """Share of the run after which the waveform's loss reaches the frame-rate half."""
    mel_every: int = 1
    """Steps between batches of log-mels, which keep teaching the frame-rate half."""
    adversary_from: float = 0.5
    """Share of the run after which the adversary plays."""
    adversary_weight: float = 0.1
    feature_weight: float = 1.0


class Spectra(nn.Module):
    """Log-mels and magnitudes of several resolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.mels = nn.ModuleList(LogMel(n_fft, hop) for n_fft, hop in _RESOLUTIONS)

    def forward(self, samples: Tensor) -> list[tuple[Tensor, Tensor]]:
        """[B, S] -> per resolution magnitude [B, bins, T] and log-mel [B, 80, T]."""
        out = []
        for mel in (cast(LogMel, module) for module in self.mels):
            magnitude = mel.magnitude(samples)
            out.append((magnitude, (mel.filters @ magnitude).clamp(min=1e-4).log()))
        return out


def spectral_loss(ours: list[tuple[Tensor, Tensor]], theirs: list[tuple[Tensor, Tensor]]) -> Tensor:
    """Returns log-mel and log-magnitude distance, mean over resolutions."""
    total = torch.zeros(())
    for (magnitude, mel), (true_magnitude, true_mel) in zip(ours, theirs, strict=True):
        logs = (magnitude.clamp(min=1e-3).log() - true_magnitude.clamp(min=1e-3).log()).abs()
        shape = (magnitude - true_magnitude).norm() / true_magnitude.norm()
        total = total + (mel - true_mel).abs().mean() + 0.3 * logs.mean() + 0.3 * shape
    return total / len(ours)


class Adversary(nn.Module):
    """Judges log-magnitude spectrograms of each resolution patch by patch."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.judges = nn.ModuleList(self._judge(width) for _ in _RESOLUTIONS)

    @staticmethod
    def _judge(width: int) -> nn.ModuleList:
        sizes = ((1, (4, 1)), (width, (4, 2)), (width, (4, 2)), (width, (2, 1)))
        layers = [nn.Conv2d(channels, width, (7, 3), stride, (3, 1)) for channels, stride in sizes]
        return nn.ModuleList([*layers, nn.Conv2d(width, 1, 3, padding=1)])

    def forward(self, spectra: list[tuple[Tensor, Tensor]]) -> list[list[Tensor]]:
        """Returns every layer's output per resolution; the last is the verdict."""
        out = []
        for (magnitude, _), layers in zip(spectra, self.judges, strict=True):
            x = magnitude.clamp(min=1e-4).log()[:, None] / 3.0
            seen: list[Tensor] = []
            for layer in cast(nn.ModuleList, layers):
                x = layer(x if not seen else F.leaky_relu(x, 0.1))
                seen.append(x)
            out.append(seen)
        return out


def sound(front: CodecFront, latents: Tensor) -> Tensor:
    """Latents [B, latent, 4 F] -> samples [B, S]."""
    x = latents
    for layer in front.decoder.decoder:
        for part in layer.block if isinstance(layer, WaveBlock) else (layer,):
            x = cast(Tensor, part(x))
    return x.squeeze(1)


class WaveTrainer:
    """One run of stage 2."""

    def __init__(
        self, front: CodecFront, sampler: CropSampler, settings: WaveStageSettings
    ) -> None:
        self.front, self._sampler, self._settings = front, sampler, settings
        self._spectra, self._adversary = Spectra(), Adversary()
        wave = list(front.decoder.decoder.parameters())
        self.trained = [*wave, *front.frame_rate_parameters()]
        self.average = [p.detach().clone() for p in self.trained]
        groups = [{"params": wave}, {"params": self.trained[len(wave) :]}]
        self._optimizer = torch.optim.AdamW(groups, betas=(0.8, 0.99), fused=True)
        self._judge_optimizer = torch.optim.AdamW(
            self._adversary.parameters(), 5e-4, (0.8, 0.99), fused=True
        )
        self._began = time.process_time()
        self.step = 0
        self._last_mel = 0.0
        self._is_stopped = False

    @property
    def share(self) -> float:
        """Returns the share of the time that is spent."""
        return (time.process_time() - self._began) / 60 / self._settings.minutes

    def stop(self, *_: object) -> None:
        """Ends the run after the step it is in, with its state saved."""
        self._is_stopped = True

    def run(self, out: Path) -> None:
        """Trains until the time is up; writes the averaged decoder and the state now and then."""
        saved = self.share
        while self.share < 1.0 and not self._is_stopped:
            self._one_step()
            if self.share - saved > 0.05:
                saved = self.share
                self.save(out)
        self.save(out)

    def _one_step(self) -> None:
        settings, share = self._settings, self.share
        codes, wave = self._sampler.draw(settings.batch, settings.frames, settings.context_frames)
        made = sound(self.front, self._latents(codes, share))
        skip = SAMPLES_PER_FRAME
        made, wave = made[:, skip:], wave[:, skip:]
        ours, theirs = self._spectra(made), self._spectra(wave)
        loss = spectral_loss(ours, theirs)
        logged = float(loss.detach())
        if share > settings.adversary_from:
            loss = loss + self._adversarial(ours, theirs)
        if self.step % settings.mel_every == 0:
            loss = loss + self._mel_loss()
        self._update(loss, share)
        if share > settings.adversary_from - 0.02:
            self._teach_adversary(ours, theirs)
        if self.step % 50 == 0:
            seconds = time.process_time() - self._began
            parts = f"spectral {logged:.4f} mel {self._last_mel:.4f} share {share:.3f}"
            print(f"step {self.step} {parts} {seconds:.0f} s", flush=True)

    def _latents(self, codes: Tensor, share: float) -> Tensor:
        """Returns the latents of the crop's own frames, without those of its context."""
        is_joined = share > self._settings.joined_from
        with torch.set_grad_enabled(is_joined):
            latents = self.front.latents(codes)
        rate = latents.shape[-1] // codes.shape[-1]
        return latents[..., -self._settings.frames * rate :]

    def _mel_loss(self) -> Tensor:
        """Returns stage 1's loss on a batch of longer crops."""
        loss = mel_loss(self.front, *self._sampler.draw(batch=8, frames=32))
        self._last_mel = float(loss.detach())
        return loss

    def _update(self, loss: Tensor, share: float) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.trained, 2.0)
        rate = self._settings.learning_rate * fading(self.step, min(1.0, share))
        for group, share_of_rate in zip(
            self._optimizer.param_groups, (1.0, self._settings.front_rate), strict=True
        ):
            group["lr"] = rate * share_of_rate
        self._optimizer.step()
        decay = min(0.995, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            torch._foreach_lerp_(self.average, [p.detach() for p in self.trained], 1 - decay)
        self.step += 1

    def _adversarial(
        self, ours: list[tuple[Tensor, Tensor]], theirs: list[tuple[Tensor, Tensor]]
    ) -> Tensor:
        self._adversary.requires_grad_(False)
        with torch.no_grad():
            true_seen = self._adversary(theirs)
        seen = self._adversary(ours)
        self._adversary.requires_grad_(True)
        fooled = sum((1 - layers[-1]).square().mean() for layers in seen)
        matched = sum(
            (one - two).abs().mean() / two.abs().mean()
            for layers, true_layers in zip(seen, true_seen, strict=True)
            for one, two in zip(layers[:-1], true_layers[:-1], strict=True)
        )
        settings = self._settings
        pull: Tensor = settings.adversary_weight * fooled + settings.feature_weight * matched / 12
        return pull

    def _teach_adversary(
        self, ours: list[tuple[Tensor, Tensor]], theirs: list[tuple[Tensor, Tensor]]
    ) -> None:
        fakes = self._adversary([(m.detach(), mel) for m, mel in ours])
        trues = self._adversary(theirs)
        loss = sum(layers[-1].square().mean() for layers in fakes)
        loss = loss + sum((1 - layers[-1]).square().mean() for layers in trues)
        self._judge_optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self._judge_optimizer.step()

    def save(self, out: Path) -> None:
        """Writes the averaged codec, and beside it (`.state`) what a resumed run needs."""
        targets: list[Tensor] = list(self.trained)
        live = [p.detach().clone() for p in targets]
        with torch.no_grad():
            torch._foreach_copy_(targets, self.average)
            save_front(self.front, out)
            torch._foreach_copy_(targets, live)
        state = {name: part.state_dict() for name, part in self._parts().items()}
        spent = time.process_time() - self._began
        state |= {"average": self.average, "spent": spent, "step": self.step}
        torch.save(state, out.with_suffix(".state.tmp"))
        out.with_suffix(".state.tmp").rename(out.with_suffix(".state"))

    def resume(self, out: Path) -> None:
        """Continues from what `save` wrote."""
        state = torch.load(out.with_suffix(".state"), weights_only=True)
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        self.average, self.step = state["average"], int(state["step"])
        self._began = time.process_time() - float(state["spent"])

    def _parts(self) -> dict[str, Any]:
        return {
            "front": self.front,
            "adversary": self._adversary,
            "optimizer": self._optimizer,
            "judge_optimizer": self._judge_optimizer,
        }


def main() -> None:
    """python -m intone.train.from_scratch.wave_stage SOUND PLANS OUT --minutes M"""
    parser = argparse.ArgumentParser(description="Train stage 2 of the built-in voice's codec.")
    parser.add_argument("sound", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("out", type=Path, help="resumed where it has a state beside it")
    parser.add_argument("--front", type=Path, help="state of stage 1, or of an earlier stage 2")
    parser.add_argument("--warm", type=Path, help="a checkpoint of the same shape to start from")
    parser.add_argument("--new-speakers", action="store_true", help="the checkpoint has only one")
    parser.add_argument("--minutes", type=float, required=True, help="of processor time")
    parser.add_argument("--joined-from", type=float, default=0.5)
    parser.add_argument("--adversary-from", type=float, default=0.5)
    parser.add_argument("--learning-rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sampler = CropSampler(clips_of(args.sound, args.plans))
    settings = WaveStageSettings(
        minutes=args.minutes,
        joined_from=args.joined_from,
        adversary_from=args.adversary_from,
        learning_rate=args.learning_rate,
    )
    is_resumed = args.out.with_suffix(".state").exists()
    front = CodecFront() if args.front is None else load_front(args.front)
    if args.warm is not None and not is_resumed:
        warm_front(front, args.warm)
        if args.new_speakers:
            add_timbres(front)
        train_new_parts(front, sampler, FrontSettings(minutes=0.7))
    trainer = WaveTrainer(front.train(), sampler, settings)
    if is_resumed:
        trainer.resume(args.out)
    signal.signal(signal.SIGTERM, trainer.stop)
    trainer.run(args.out)


if __name__ == "__main__":
    main()

"""How far training has moved the presets that the base had and the run did not train.

The base speaks one sentence per preset; its codes are what the codec encoder reads from that take.
With these codes given, base and tuned talker say how likely each next code is: the mean KL
divergence over the frames, KL(base || tuned), is 0 for an untouched preset. Codebook 0 and the end
alone are compared: they carry words, pace and endings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import RunError
from intone.core.synthesizer import Synthesizer
from intone.core.types import Codes, SpeechRequest
from intone.models.checkpoint import Checkpoint, Placement
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.tokenizer import TextTokenizer
from intone.train.tuning.batches import collate
from intone.train.tuning.objective import TrainedVoice
from intone.train.tuning.sequences import TrainingSequence
from intone.voices.encoders import codes_of

MAX_FRAMES = 125
"""Ten seconds of each preset."""

_CODES, _LOG_PROBS = "codes.", "log_probs."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PresetReference:
    """What the base says and expects, by preset."""

    text: str
    codes: Mapping[str, Codes]
    """[F, K]"""
    log_probs: Mapping[str, Tensor]
    """fp32 [F + 1, N]: of the N sounds and the end."""

    def save(self, path: Path, key: str) -> None:
        """Writes everything into one file; `key` says what it was made from."""
        codes = {_CODES + name: torch.from_numpy(codes) for name, codes in self.codes.items()}
        expected = {_LOG_PROBS + name: tensor for name, tensor in self.log_probs.items()}
        data = save({**codes, **expected}, metadata={"text": self.text, "key": key})
        atomic_write_bytes(path, data)

    @classmethod
    def load(cls, path: Path, key: str) -> PresetReference | None:
        """Returns what `save` wrote with the same key; None where there is none.

        Raises:
            RunError: the file is damaged.
        """
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                about = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except (SafetensorError, OSError) as error:
            raise RunError(f"{path} is damaged ({error}); remove it, evaluate again.") from error
        if about.get("key") != key:
            return None
        codes = {name: tensor.numpy() for name, tensor in _below(_CODES, tensors).items()}
        return cls(text=about["text"], codes=codes, log_probs=_below(_LOG_PROBS, tensors))


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}


def preset_reference(
    base: Path,
    presets: Sequence[str],
    text: str,
    synthesizer: Synthesizer,
    device: torch.device,
    seed: int,
) -> PresetReference:
    """Returns what the base says of `text` with each preset.

    Args:
        synthesizer: of the base.

    Raises:
        UnsupportedModeError: the base has no codec encoder to read codes with.
    """
    encoder = Checkpoint(base).load_codec_encoder(device)
    codes: dict[str, Codes] = {}
    for name in presets:
        request = SpeechRequest(text=text, voice=name, seed=seed, max_frames=MAX_FRAMES)
        audio = synthesizer.synthesize(request)
        codes[name] = codes_of(encoder, [audio.samples], device)[0]
    talker = _Expectations(base, device)
    log_probs = {name: talker.log_probs(text, name, codes[name]) for name in presets}
    return PresetReference(text=text, codes=codes, log_probs=log_probs)


def preset_drift(tuned: Path, reference: PresetReference, device: torch.device) -> dict[str, float]:
    """Returns the mean KL divergence of each preset, nats a frame."""
    talker = _Expectations(tuned, device)
    return {
        name: _divergence(base, talker.log_probs(reference.text, name, reference.codes[name]))
        for name, base in reference.log_probs.items()
    }


def _divergence(base: Tensor, tuned: Tensor) -> float:
    return float((base.exp() * (base - tuned)).sum(dim=-1).mean())


class _Expectations:
    """One checkpoint's talker, asked for the next code of given takes."""

    def __init__(self, directory: Path, device: torch.device) -> None:
        checkpoint, self._device = Checkpoint(directory), device
        place = Placement(device, torch.float32)
        self._config = checkpoint.config
        self._voice = TrainedVoice(
            checkpoint.load_talker(place), checkpoint.load_code_predictor(place)
        )
        self._prompts = PromptBuilder(self._config, TextTokenizer.from_dir(directory))

    @torch.inference_mode()
    def log_probs(self, text: str, preset: str, codes: Codes) -> Tensor:
        """Returns log-probabilities of the sounds and the end, fp32 [F + 1, N] on the CPU."""
        sequence = TrainingSequence(
            prompt=self._prompts.build(PromptSpec(text=text, speaker=preset)),
            codes=codes,
            picked=np.arange(1),
        )
        batch = collate([sequence], self._config).to(self._device)
        hidden = self._voice.hidden_rows(batch)[batch.targets >= 0]
        logits = self._voice.talker.codec_head(hidden).float()
        sounds = logits[:, : self._config.code_predictor.vocab_size]
        end = logits[:, self._config.talker.codec_eos_id, None]
        return torch.cat([sounds, end], dim=1).log_softmax(dim=-1).cpu()

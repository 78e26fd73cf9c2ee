"""The networks in training form, and trained tensors put into them and taken out again.

Trained parameters are fp32; frozen matrices stay in the precision of their file, which autocast
computes in anyway. Norms and codec tables are small and always fp32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from intone.core.errors import RunError
from intone.models.checkpoint import PREDICTOR, TALKER, Checkpoint, Placement
from intone.models.weights import TensorFiles, joined_tensor, official_tensors
from intone.train.tuning.adapters import insert_adapter, official_adapter, our_tensors
from intone.train.tuning.checkpoints import TrainedWeights
from intone.train.tuning.objective import TrainedVoice
from intone.train.tuning.settings import GroupRates, TrainSettings

_EMBEDDING = "_embedding."
_PARTS = (("talker.", TALKER), ("predictor.", PREDICTOR))
"""Our prefix in TrainedVoice, and the official one."""


def open_voice(
    checkpoint: Checkpoint,
    settings: TrainSettings,
    speakers: Mapping[str, Tensor],
    rows: Mapping[str, int],
) -> TrainedVoice:
    """Returns the networks on the CPU, ready to be trained by these settings.

    Args:
        speakers: codec-embedding row of every new preset, [H].
        rows: where each of them lives.
    """
    # The file's own precision: bf16 in the released checkpoints.
    place = Placement(torch.device("cpu"), _file_dtype(checkpoint))
    voice = TrainedVoice(
        checkpoint.load_talker(place, trainable=True),
        checkpoint.load_code_predictor(place, trainable=True),
    )
    place_speakers(voice, speakers, rows)
    if settings.preset == "lora":
        insert_adapter(voice, settings.lora_rank, settings.lora_alpha, settings.seed)
    else:
        for name, parameter in voice.named_parameters():
            parameter.requires_grad_(rate_of(name, settings.group_rates) > 0.0)
    _set_precision(voice, settings)
    return voice.train()


def _file_dtype(checkpoint: Checkpoint) -> torch.dtype:
    return TensorFiles(checkpoint.directory).read(TALKER + "model.norm.weight").dtype


@torch.no_grad()
def place_speakers(
    voice: TrainedVoice, speakers: Mapping[str, Tensor], rows: Mapping[str, int]
) -> None:
    """Writes the rows of new presets into the talker's codec embedding."""
    table = voice.talker.model.codec_embedding.weight
    for name, vector in speakers.items():
        table[rows[name]] = vector.to(table)


def rate_of(name: str, rates: GroupRates) -> float:
    """Returns the learning rate of a parameter of TrainedVoice, by its name."""
    if name.startswith("predictor."):
        return rates.code_predictor
    if name.startswith("talker.text_projection."):
        return rates.text_projection
    if name.startswith("talker.model.codec_embedding."):
        return rates.codec_embedding
    return 0.0 if name.startswith("talker.model.text_embedding.") else rates.blocks


def _set_precision(voice: TrainedVoice, settings: TrainSettings) -> None:
    for name, parameter in voice.named_parameters():
        if name == "talker.model.text_embedding.weight":
            continue  # a view of the file: rows are looked up, never computed with
        is_small = parameter.dim() < 2 or _EMBEDDING in name
        if parameter.requires_grad or is_small or settings.precision == "fp32":
            parameter.data = parameter.data.float()


def take_weights(
    voice: TrainedVoice,
    state: Mapping[str, Tensor],
    settings: TrainSettings,
    speakers: Mapping[str, Tensor],
    rows: Mapping[str, int],
) -> TrainedWeights:
    """Returns trained parameters under official names.

    Args:
        voice: the networks, for the shapes of joined matrices.
        state: trained parameters by their names in TrainedVoice.
        speakers: rows of new presets as the run began; replaced where the table is trained.
    """
    if settings.preset == "lora":
        adapter = official_adapter(voice.talker, state, settings.lora_rank, settings.lora_alpha)
        return TrainedWeights(tensors={}, adapter=adapter, speakers=speakers)
    tensors: dict[str, Tensor] = {}
    for ours, official in _PARTS:
        part = {n.removeprefix(ours): t for n, t in state.items() if n.startswith(ours)}
        tensors |= official_tensors(voice.get_submodule(ours[:-1]), official, part)
    table = state.get("talker.model.codec_embedding.weight")
    now = {name: speakers[name] if table is None else table[rows[name]] for name in speakers}
    return TrainedWeights(tensors=tensors, adapter=None, speakers=now)


@torch.no_grad()
def put_weights(voice: TrainedVoice, weights: TrainedWeights) -> None:
    """Writes a checkpoint's tensors into networks that `open_voice` made by the same settings.

    Raises:
        RunError: the checkpoint is of another model or other settings.
    """
    trained = {name: p for name, p in voice.named_parameters() if p.requires_grad}
    if weights.adapter is not None:
        found: Mapping[str, Tensor | None] = our_tensors(weights.adapter, list(trained))
    else:
        found = {name: _joined(name, weights.tensors) for name in trained}
    for name, parameter in trained.items():
        tensor = found[name]
        if tensor is None or tensor.shape != parameter.shape:
            raise RunError(
                f"the checkpoint has no tensor for {name} of shape {list(parameter.shape)}; it "
                "was made by another preset or from another model. Use the run's own."
            )
        parameter.copy_(tensor)


def _joined(name: str, official: Mapping[str, Tensor]) -> Tensor | None:
    for ours, prefix in _PARTS:
        if name.startswith(ours):
            return joined_tensor(name.removeprefix(ours), prefix, official)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryEstimate:
    """What a run holds besides activations, in bytes."""

    trained_parameters: int
    frozen_bytes: int
    """Without the text embedding, which stays in its file on a CPU."""

    @property
    def total_bytes(self) -> int:
        """Weights, gradients and two moments in fp32, and what is frozen."""
        return 16 * self.trained_parameters + self.frozen_bytes

    @classmethod
    def of(cls, voice: nn.Module) -> MemoryEstimate:
        """Counts a network's parameters."""
        trained = sum(p.numel() for p in voice.parameters() if p.requires_grad)
        frozen = sum(
            p.numel() * p.element_size()
            for name, p in voice.named_parameters()
            if not p.requires_grad and "text_embedding" not in name
        )
        return cls(trained_parameters=trained, frozen_bytes=frozen)

    def __str__(self) -> str:
        trained = f"{self.trained_parameters / 1e6:.1f} M trained parameters"
        return f"{trained}, {self.total_bytes / 1e9:.2f} GB besides activations"

"""Training that starts from a checkpoint in the official layout, such as the voice in the box."""

from __future__ import annotations

import math
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from intone.models.checkpoint import DECODER, PREDICTOR, TALKER
from intone.models.weights import TensorFiles, official_names
from intone.train.from_scratch.clips import ENERGY_STEPS, PITCH_STEPS, PITCH_STEPS_PER_OCTAVE
from intone.train.from_scratch.codec_stage import CodecFront
from intone.train.from_scratch.recipe import PRESETS
from intone.train.from_scratch.voice import Voice

_CONTROL_ROWS_BEFORE_SPEAKERS = 8
_SPEAKER_ROW_NORM = 3.0


@torch.no_grad()
def warm_voice(voice: Voice, directory: Path) -> None:
    """Takes over talker and code predictor."""
    files = TensorFiles(directory)
    _read_into(voice.talker, files, TALKER)
    _read_into(voice.predictor, files, PREDICTOR)


@torch.no_grad()
def add_speakers(voice: Voice) -> None:
    """Gives every preset but the first a row of its own, and the first's way with codes."""
    rows = voice.talker.model.codec_embedding.weight
    first = voice.predictor.config.vocab_size + _CONTROL_ROWS_BEFORE_SPEAKERS
    for i in range(1, len(PRESETS)):
        direction = torch.randn(rows.shape[1])
        rows[first + i] = direction * (_SPEAKER_ROW_NORM / direction.norm())
    tables, heads = voice.predictor.model.codec_embedding, voice.predictor.lm_head
    for layers in (tables, heads):
        _copy_energy(cast(nn.Linear, layers[-1]).weight)
        refine_pitch(cast(nn.Linear, layers[-2]).weight)


@torch.no_grad()
def warm_front(front: CodecFront, directory: Path) -> None:
    """Takes over the codec's decoder; its log-mel head starts afresh."""
    _read_into(front.decoder, TensorFiles(directory / "speech_tokenizer"), DECODER)


@torch.no_grad()
def add_timbres(front: CodecFront) -> None:
    """Gives every preset but the first the first's energy vectors, a little moved."""
    books = front.books()
    _copy_energy(books[-1].embedding_sum)
    refine_pitch(books[-2].embedding_sum)
    refine_pitch(books[-2].cluster_usage)


def _copy_energy(table: Tensor) -> None:
    for i in range(1, len(PRESETS)):
        rows = table[i * ENERGY_STEPS : (i + 1) * ENERGY_STEPS]
        moved = 0.1 * torch.randn(table.shape[1]) * table[:ENERGY_STEPS].std()
        rows.copy_(table[:ENERGY_STEPS] + moved)


@torch.no_grad()
def refine_pitch(table: Tensor) -> None:
    """Spreads rows for pitch in steps of 16 an octave from 90 Hz over today's finer ones."""
    height = torch.arange(PITCH_STEPS) / PITCH_STEPS_PER_OCTAVE + math.log2(60.0 / 90.0)
    coarse = 1 + (16 * height).round().clamp(0, 40).long()
    table[1 : 1 + PITCH_STEPS] = table[coarse].clone()


def _read_into(module: nn.Module, files: TensorFiles, prefix: str) -> None:
    state = {}
    for name in module.state_dict():
        pieces = [files.read(prefix + part).float() for part in official_names(name)]
        state[name] = torch.cat(pieces) if len(pieces) > 1 else pieces[0]
    module.load_state_dict(state)

"""The two encoders that turn clips into records, and how one process uses them.

Each process has an `EncodeWorker`: it decodes clips, encodes them, and appends the results to a
shard of its own before it reports them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from intone.core.errors import CheckpointError
from intone.core.types import Samples
from intone.models.checkpoint import ENCODER, SPEAKER, Checkpoint
from intone.models.codec.encoder import CodecEncoder
from intone.models.fingerprint import fingerprint
from intone.models.speaker_encoder import SpeakerEncoder
from intone.train.encoding.clip_source import ClipProblem, ClipSource, read_clip
from intone.train.encoding.dataset import Origin
from intone.train.encoding.shards import Kind, Record, ShardWriter
from intone.voices.encoders import codes_of, with_trailing_silence, x_vector_of

_NOWHERE = torch.device("meta")
"""Loading to here checks that a network is there, and reads none of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderPlace:
    """Whose encoders run where. Small and picklable: each process loads its own."""

    model: Path
    """Checkpoint that will be trained; its codec encoder is used."""
    speaker_model: Path | None
    """Checkpoint whose speaker encoder is used; None: none."""
    device: str = "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One clip, and the names under which to keep what is made from it."""

    source: ClipSource
    seconds: float
    """As far as the header tells."""
    codes_key: str | None
    x_vector_key: str | None

    def names(self) -> list[tuple[Kind, str]]:
        """Returns kind and key of every record that is to be made."""
        wanted: list[tuple[Kind, str | None]] = [
            ("codes", self.codes_key),
            ("x_vector", self.x_vector_key),
        ]
        return [(kind, key) for kind, key in wanted if key is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one batch; its records are on the disk."""

    num_records: int
    seconds: float
    """Of all its clips, as its units told."""
    problems: dict[tuple[Kind, str], ClipProblem] = field(default_factory=dict)
    """Of the records that could not be made."""


def speaker_model(model: Path, speaker_encoder: Path | None) -> Path | None:
    """Returns the checkpoint whose speaker encoder fits the model; None where there is none.

    Args:
        model: checkpoint that will be trained.
        speaker_encoder: checkpoint to take the speaker encoder of; None: the model's own.

    Raises:
        CheckpointError: x-vectors of another width than the talker's rows.
        UnsupportedModeError: `speaker_encoder` names a checkpoint that has none.
    """
    checkpoint = Checkpoint(speaker_encoder or model)
    if speaker_encoder is None and not checkpoint.has_speaker_encoder:
        return None
    found = checkpoint.load_speaker_encoder(_NOWHERE).config.enc_dim
    wanted = Checkpoint(model).config.talker.hidden_size
    if found != wanted:
        raise CheckpointError(
            f"{checkpoint.directory} makes x-vectors of {found} numbers, but the talker of {model} "
            f"reads {wanted}; take the speaker encoder of a Base checkpoint of the same size."
        )
    return checkpoint.directory


def origin_of(place: EncoderPlace) -> Origin:
    """Returns the identities of the encoders.

    Raises:
        UnsupportedModeError: the model ships without a codec encoder.
    """
    model = Checkpoint(place.model)
    model.load_codec_encoder(_NOWHERE)
    speaker = None
    if place.speaker_model is not None:
        config = Checkpoint(place.speaker_model).config.speaker_encoder
        speaker = fingerprint(place.speaker_model, SPEAKER, config)
    return Origin(
        codec=fingerprint(
            model.codec_directory,
            ENCODER,
            (model.codec_config.encoder, model.codec_config.num_codebooks),
        ),
        speaker_encoder=speaker,
    )


class ClipEncoder:
    """Both encoders of one process, loaded when they are first needed."""

    def __init__(self, place: EncoderPlace) -> None:
        self._place = place
        self._device = torch.device(place.device)

    @cached_property
    def _codec(self) -> CodecEncoder:
        return Checkpoint(self._place.model).load_codec_encoder(self._device)

    @cached_property
    def _speaker(self) -> SpeakerEncoder:
        assert self._place.speaker_model is not None
        return Checkpoint(self._place.speaker_model).load_speaker_encoder(self._device)

    def records(self, clips: Sequence[tuple[Unit, Samples]]) -> list[Record]:
        """Returns everything that the units of one batch ask for."""
        return [*self._codes(clips), *self._x_vectors(clips)]

    def _codes(self, clips: Sequence[tuple[Unit, Samples]]) -> list[Record]:
        wanted = [(unit, samples) for unit, samples in clips if unit.codes_key is not None]
        if not wanted:
            return []
        heard = [
            with_trailing_silence(samples) if unit.source.is_reference else samples
            for unit, samples in wanted
        ]
        found = codes_of(self._codec, heard, self._device)
        return [
            Record("codes", str(unit.codes_key), codes.astype(np.uint16))
            for (unit, _), codes in zip(wanted, found, strict=True)
        ]

    def _x_vectors(self, clips: Sequence[tuple[Unit, Samples]]) -> list[Record]:
        # One by one: statistics over time would count what pads a batch.
        return [
            Record("x_vector", key, x_vector_of(self._speaker, samples, self._device))
            for unit, samples in clips
            if (key := unit.x_vector_key) is not None
        ]


class EncodeWorker:
    """Decodes, encodes and keeps one batch after the other."""

    def __init__(
        self,
        encoder: ClipEncoder,
        writer: ShardWriter,
        read: Callable[[ClipSource], Samples | ClipProblem] = read_clip,
    ) -> None:
        self._encoder, self._writer, self._read = encoder, writer, read

    def run(self, units: Sequence[Unit]) -> Outcome:
        """Returns when the batch is on the disk; raises OutputError where it cannot be written."""
        clips: list[tuple[Unit, Samples]] = []
        problems: dict[tuple[Kind, str], ClipProblem] = {}
        for unit in units:
            found = self._read(unit.source)
            if isinstance(found, ClipProblem):
                problems |= dict.fromkeys(unit.names(), found)
            else:
                clips.append((unit, found))
        records = self._encoder.records(clips) if clips else []
        self._writer.append(records)
        seconds = sum(unit.seconds for unit in units)
        return Outcome(num_records=len(records), seconds=seconds, problems=problems)

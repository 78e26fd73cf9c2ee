"""A checkpoint directory: its configuration, and its networks loaded one by one as they are needed.

Opening reads headers only. A preset take never loads an encoder; the text embedding stays in the
file and is read row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from intone.core.errors import UnsupportedModeError
from intone.models.code_predictor import CodePredictor
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.encoder import CodecEncoder
from intone.models.description import ModelDescription
from intone.models.layers import pack_attention
from intone.models.speaker_encoder import SpeakerEncoder
from intone.models.talker import Talker
from intone.models.weights import (
    TEXT_EMBEDDING,
    LoadPlan,
    TensorFiles,
    check_tensors,
    fill,
    official_shapes,
)

_Module = TypeVar("_Module", bound=nn.Module)

TALKER, PREDICTOR = "talker.", "talker.code_predictor."
SPEAKER, ENCODER, DECODER = "speaker_encoder.", "encoder.", "decoder."


@dataclass(frozen=True, slots=True)
class Placement:
    """Where talker and code predictor run, and in what precision.

    The codec stays in fp32: others report silence and NaN from it in bf16 (vllm-omni #1663).
    """

    device: torch.device
    dtype: torch.dtype


class Checkpoint:
    """An official-layout checkpoint on disk."""

    def __init__(self, directory: Path) -> None:
        """Reads configuration and headers, and checks that they belong together.

        Raises:
            CheckpointError: missing, truncated, foreign or inconsistent; every problem is named.
        """
        self.description = ModelDescription.read(directory)
        self.directory = directory
        self.config = self.description.config
        self.defaults = self.description.defaults
        self.codec_directory = self.description.codec_directory
        self.codec_config = self.description.codec
        found = TensorFiles(directory).shapes()
        self._has_speaker_encoder = any(name.startswith(SPEAKER) for name in found)
        check_tensors(found, self._shapes(), {}, directory)
        self._codec_shapes = TensorFiles(self.codec_directory).shapes()
        check_tensors(
            self._codec_shapes,
            official_shapes(_on_meta(CodecDecoder, self.codec_config.decoder), DECODER),
            self._codec_encoder_shapes(),
            self.codec_directory,
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        config = self.config
        shapes = official_shapes(_on_meta(Talker, config.talker), TALKER)
        shapes |= official_shapes(_on_meta(CodePredictor, config.code_predictor), PREDICTOR)
        # Public fine-tuning scripts leave the section in config.json and drop the tensors.
        if config.speaker_encoder and (config.kind == "base" or self._has_speaker_encoder):
            shapes |= official_shapes(_on_meta(SpeakerEncoder, config.speaker_encoder), SPEAKER)
        return shapes

    @property
    def has_speaker_encoder(self) -> bool:
        """True where `load_speaker_encoder` gives one."""
        return self.config.speaker_encoder is not None and self._has_speaker_encoder

    @property
    def has_codec_encoder(self) -> bool:
        """True where `load_codec_encoder` gives one."""
        return self._codec_encoder_shapes().keys() <= self._codec_shapes.keys()

    def _codec_encoder_shapes(self) -> dict[str, tuple[int, ...]]:
        return official_shapes(_on_meta(CodecEncoder, self.codec_config), ENCODER)

    def load_talker(self, place: Placement, *, trainable: bool = False) -> Talker:
        """Returns the talker; its text embedding is a view of the file where on CPU.

        Args:
            trainable: weights may change afterwards; otherwise they are packed for inference.
        """
        talker = _on_meta(Talker, self.config.talker)
        keep = frozenset({TEXT_EMBEDDING}) if place.device.type == "cpu" else frozenset()
        fill(talker, TensorFiles(self.directory), LoadPlan(TALKER, place.dtype, place.device, keep))
        if not trainable:
            pack_attention(talker)
        return talker

    def load_code_predictor(self, place: Placement, *, trainable: bool = False) -> CodePredictor:
        """Returns the code predictor; `trainable` as for the talker."""
        predictor = _on_meta(CodePredictor, self.config.code_predictor)
        fill(predictor, TensorFiles(self.directory), LoadPlan(PREDICTOR, place.dtype, place.device))
        if not trainable:
            pack_attention(predictor)
        return predictor

    def load_codec_decoder(self, device: torch.device) -> CodecDecoder:
        """Returns the codec decoder, fp32, laid out for decoding."""
        decoder = _on_meta(CodecDecoder, self.codec_config.decoder)
        plan = LoadPlan(DECODER, torch.float32, device, copy=False)
        fill(decoder, TensorFiles(self.codec_directory), plan)
        decoder.pack()
        return decoder

    def load_codec_encoder(self, device: torch.device) -> CodecEncoder:
        """Returns the codec encoder, fp32.

        Raises:
            UnsupportedModeError: this checkpoint ships without one.
        """
        encoder = _on_meta(CodecEncoder, self.codec_config)
        if not self.has_codec_encoder:
            raise UnsupportedModeError(
                f"{self.directory.name} has no codec encoder, so it cannot read reference clips; "
                "use a Base checkpoint (`intone models pull 0.6b-base`)."
            )
        fill(encoder, TensorFiles(self.codec_directory), LoadPlan(ENCODER, torch.float32, device))
        return encoder

    def load_speaker_encoder(self, device: torch.device) -> SpeakerEncoder:
        """Returns the speaker encoder, fp32.

        Raises:
            UnsupportedModeError: this checkpoint ships without one.
        """
        if self.config.speaker_encoder is None or not self.has_speaker_encoder:
            raise UnsupportedModeError(
                f"this {self.config.kind} checkpoint has no speaker encoder and cannot clone; "
                "use a Base checkpoint (`intone models pull 0.6b-base`)."
            )
        encoder = _on_meta(SpeakerEncoder, self.config.speaker_encoder)
        fill(encoder, TensorFiles(self.directory), LoadPlan(SPEAKER, torch.float32, device))
        return encoder


def _on_meta(network: type[_Module], config: object) -> _Module:
    """Builds a network's structure without storage."""
    with torch.device("meta"):
        return network(config)

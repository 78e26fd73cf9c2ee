"""Official-layout checkpoints with random weights: for tests, and for speed, which does not depend
on the values.

Numbers come from a counter generator keyed by the tensor's name, so the same call writes the same
bytes on every machine. They are scaled so that signals neither vanish nor explode.
"""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from intone.core.errors import OutputError
from intone.core.types import ModelKind
from intone.models.code_predictor import CodePredictor
from intone.models.codec.config import CodecConfig
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.encoder import CodecEncoder
from intone.models.config import ModelConfig
from intone.models.official_layout import (
    JsonDict,
    RandomSize,
    codec_config,
    generation_config,
    model_config,
    preprocessor_config,
)
from intone.models.speaker_encoder import SpeakerEncoder
from intone.models.talker import Talker
from intone.models.tiny_tokenizer import CONTROL_TOKENS, OFFICIAL_VOCAB_SIZE, write_tiny_tokenizer
from intone.models.weights import official_shapes

Shapes = dict[str, tuple[int, ...]]

_OFFICIAL_TEXT_VOCAB = 151_936
_QUIET = {"decoder.decoder.6.conv.weight": 0.004}
"""Keeps random audio inside [-1, 1], so that clipping hides no difference."""


def write_random_checkpoint(
    directory: Path, *, kind: ModelKind, size: RandomSize, seed: int = 0
) -> Path:
    """Writes a whole checkpoint and returns its directory.

    Talker, code predictor and speaker encoder are bf16 at the released sizes and fp32 at "tiny";
    the codec is fp32, as released.

    Raises:
        OutputError: the directory exists and is not empty, or cannot be written.
    """
    _make_directory(directory)
    try:
        _write_files(directory, kind, size, seed)
    except OSError as error:
        raise OutputError(f"{directory} cannot be written: {error}.") from error
    return directory


def _make_directory(directory: Path) -> None:
    try:
        (directory / "speech_tokenizer").mkdir(parents=True)
    except FileExistsError as error:
        raise OutputError(
            f"{directory} holds a checkpoint already; choose another --out."
        ) from error
    except OSError as error:
        raise OutputError(f"{directory} cannot be made: {error}.") from error


def _write_files(directory: Path, kind: ModelKind, size: RandomSize, seed: int) -> None:
    is_tiny = size == "tiny"
    ids = write_tiny_tokenizer(directory, vocab_size=None if is_tiny else OFFICIAL_VOCAB_SIZE)
    text_vocab = ids[CONTROL_TOKENS[-1]] + 1 if is_tiny else _OFFICIAL_TEXT_VOCAB
    config = model_config(kind, size, ids, text_vocab)
    codec = codec_config(size)
    _write_json(directory / "config.json", config)
    _write_json(directory / "generation_config.json", generation_config())
    _write_json(directory / "preprocessor_config.json", preprocessor_config())
    _write_json(directory / "speech_tokenizer" / "config.json", codec)
    _write_json(directory / "speech_tokenizer" / "preprocessor_config.json", preprocessor_config())
    dtype = torch.float32 if is_tiny else torch.bfloat16
    _write_weights(directory, _model_shapes(ModelConfig.from_dict(config)), dtype, seed)
    _write_weights(
        directory / "speech_tokenizer", _codec_shapes(CodecConfig.from_dict(codec)),
        torch.float32, seed,
    )  # fmt: skip


def _write_json(path: Path, data: JsonDict) -> None:
    path.write_text(json.dumps(data, indent=2), encoding="utf-8")


def _model_shapes(config: ModelConfig) -> Shapes:
    with torch.device("meta"):
        shapes = official_shapes(Talker(config.talker), "talker.")
        predictor = CodePredictor(config.code_predictor)
        shapes |= official_shapes(predictor, "talker.code_predictor.")
        if config.speaker_encoder is not None:
            shapes |= official_shapes(SpeakerEncoder(config.speaker_encoder), "speaker_encoder.")
    return shapes


def _codec_shapes(config: CodecConfig) -> Shapes:
    with torch.device("meta"):
        shapes = official_shapes(CodecDecoder(config.decoder), "decoder.")
        return shapes | official_shapes(CodecEncoder(config), "encoder.")


def _write_weights(directory: Path, shapes: Shapes, dtype: torch.dtype, seed: int) -> None:
    tensors = {name: random_tensor(name, shape, seed).to(dtype) for name, shape in shapes.items()}
    path = directory / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # the writer makes it private


def random_tensor(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    """Returns fp32 numbers that suit the tensor's role, which its name tells."""
    if name.endswith("initialized"):
        return torch.ones(shape)
    noise = _noise(name, shape, seed)
    if name.endswith("cluster_usage"):
        return 1.0 + noise.abs()
    if name.endswith(("embedding_sum", "embed_sum")):
        return noise
    if len(shape) <= 1:
        return _vector(name, noise)
    return noise * (_QUIET.get(name, 1.0) / math.sqrt(math.prod(shape[1:])))


def _vector(name: str, noise: Tensor) -> Tensor:
    if name.endswith(("scale", "gamma")):
        return 0.2 + 0.05 * noise
    if "norm" in name and name.endswith("weight"):
        return 1.0 + 0.1 * noise
    return 0.1 * noise


def _noise(name: str, shape: tuple[int, ...], seed: int) -> Tensor:
    key = np.array([seed, zlib.crc32(name.encode())], dtype=np.uint64)
    generator = np.random.Generator(np.random.Philox(key=key))
    return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))

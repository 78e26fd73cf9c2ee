"""Speakers as other programs keep them: one x-vector in a `.pt` or `.safetensors` file.

A bare vector is 4 KB (2,048 numbers in bf16, of a 1.7B model) or half of that. The public
demonstration of the models saves a voice clone prompt, which may hold a clip's codes as well. Files
of torch are read with `weights_only`, so that nothing in them is executed.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from intone.audio.durable import atomic_write_bytes
from intone.core.errors import OutputError, VoiceFileError
from intone.core.types import Codes, Samples
from intone.voices.voice import Making, Reference, Voice
from intone.voices.voice_file import MAX_FILE_BYTES, MAX_HIDDEN_SIZE, read_capped

if TYPE_CHECKING:
    from torch import Tensor

TORCH_SUFFIXES = (".pt", ".pth", ".bin")
SAFETENSORS_SUFFIX = ".safetensors"
VECTOR_SUFFIXES = (*TORCH_SUFFIXES, SAFETENSORS_SUFFIX)

_VECTOR_KEYS = (
    "x_vector", "speaker_embedding", "spk_embedding", "spk_emb", "ref_spk_embedding", "embedding"
)  # fmt: skip
"""What dictionaries in the wild call it; a dictionary of one tensor may call it anything."""
_MIN_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeptSpeaker:
    """What such a file tells."""

    x_vector: Samples
    codes: Codes | None = None
    text: str | None = None

    def voice(self, name: str, source: Path) -> Voice:
        """Returns it as a voice."""
        clip = Reference(text=self.text, codes=self.codes, x_vector=self.x_vector)
        return Voice(
            name=name,
            kind="cloned",
            hidden_size=len(self.x_vector),
            x_vector=self.x_vector,
            references=(clip,) if self.codes is not None else (),
            making=Making(description=f"imported from {source.name}"),
        )


def read_speaker(path: Path) -> KeptSpeaker:
    """Returns the speaker of a `.pt`, `.pth`, `.bin` or `.safetensors` file.

    Raises:
        VoiceFileError: missing, too large, no such file, or one that would execute code.
    """
    suffix = path.suffix.lower()
    if suffix not in VECTOR_SUFFIXES:
        raise VoiceFileError(
            f"{path} ends in {suffix or 'nothing'}; give one of {', '.join(VECTOR_SUFFIXES)}."
        )
    data = read_capped(path, MAX_FILE_BYTES)
    content = _safetensors(path, data) if suffix == SAFETENSORS_SUFFIX else _torch(path, data)
    return _speaker(path, content)


def write_vector(path: Path, x_vector: Samples, *, replace: bool = False) -> None:
    """Writes an x-vector [H] for other programs: bf16 in a `.pt`, fp32 in a `.safetensors`.

    Raises:
        OutputError: another ending, the file is there already, or it cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in (".pt", SAFETENSORS_SUFFIX):
        raise OutputError(f"{path} ends in {suffix or 'nothing'}; use .safetensors or .pt.")
    if path.exists() and not replace:
        raise OutputError(f"{path} is there already; name another file, or add --force.")
    if suffix == SAFETENSORS_SUFFIX:
        from safetensors.numpy import save

        atomic_write_bytes(path, save({"x_vector": np.ascontiguousarray(x_vector, np.float32)}))
        return
    import torch

    buffer = io.BytesIO()
    torch.save(torch.from_numpy(x_vector).to(torch.bfloat16), buffer)
    atomic_write_bytes(path, buffer.getvalue())


def _safetensors(path: Path, data: bytes) -> object:
    from safetensors import SafetensorError
    from safetensors.torch import load  # numpy has no bf16

    try:
        return load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise VoiceFileError(f"{path} is no safetensors file: {error}; make it again.") from error


def _torch(path: Path, data: bytes) -> object:
    import torch

    _check_unpacked_size(path, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: object = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise VoiceFileError(
            f"{path} holds more than tensors, and reading it could execute code, so it is not "
            "read; ask for a .safetensors or .voice file, or clone the voice from its clip."
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise VoiceFileError(
            f"{path} is no file of torch ({type(error).__name__}); make or download it again."
        ) from error
    return content


def _check_unpacked_size(path: Path, data: bytes) -> None:
    """Refuses an archive that grows when it is read; torch itself packs nothing."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except zipfile.BadZipFile:
        return  # an older format, or none: torch will tell
    if size > MAX_FILE_BYTES:
        raise VoiceFileError(f"{path} unpacks to {size:,} bytes; it is no speaker.")


def _speaker(path: Path, content: object) -> KeptSpeaker:
    item = _only_item(path, content)
    x_vector = _x_vector(path, item)
    if not isinstance(item, Mapping):
        return KeptSpeaker(x_vector=x_vector)
    codes, text = _codes(item.get("ref_code")), item.get("ref_text")
    if codes is None or not isinstance(text, str) or not text.strip():
        return KeptSpeaker(x_vector=x_vector)
    return KeptSpeaker(x_vector=x_vector, codes=codes, text=text)


def _only_item(path: Path, content: object) -> object:
    """Returns a saved prompt's one item; anything else as it is."""
    items = content.get("items") if isinstance(content, Mapping) else None
    if not isinstance(items, list):
        return content
    if len(items) != 1:
        raise VoiceFileError(
            f"{path} holds {len(items)} voice clone prompts; a voice is one. Save them one by one."
        )
    return items[0]


def _x_vector(path: Path, content: object) -> Samples:
    tensors = list(_vectors(content))
    if len(tensors) != 1:
        raise VoiceFileError(
            f"{path} holds {len(tensors)} tensors that could be a speaker; a speaker's file is one "
            f"vector, or a dictionary with one under {', '.join(_VECTOR_KEYS[:3])}."
        )
    vector: Samples = tensors[0].float().cpu().numpy().reshape(-1)
    if not np.isfinite(vector).all() or not vector.any():
        raise VoiceFileError(f"{path}: the vector is empty or holds no numbers; make it again.")
    return vector


def _vectors(content: object) -> Iterator[Tensor]:
    """Yields what may be an x-vector: the one under a known key alone, where there is any."""
    from torch import Tensor

    def is_vector(value: object) -> bool:
        return (
            isinstance(value, Tensor)
            and value.is_floating_point()
            and _MIN_SIZE <= value.numel() == value.shape[-1] <= MAX_HIDDEN_SIZE
        )

    values = {"": content} if not isinstance(content, Mapping) else dict(content)
    known = [values[key] for key in _VECTOR_KEYS if key in values]
    for value in known[:1] or values.values():
        if isinstance(value, Tensor) and is_vector(value):
            yield value


def _codes(value: object) -> Codes | None:
    """Returns a reference's frames [F, K]; None where there are none that a voice can keep."""
    from torch import Tensor

    if not isinstance(value, Tensor) or value.ndim != 2 or value.is_floating_point():
        return None
    codes: Codes = value.cpu().numpy().astype(np.int64)
    return codes

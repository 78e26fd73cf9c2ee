"""The `.voice` file: a safetensors file whose metadata is JSON. Never a pickle, nothing executed.

Equal voices give equal bytes. The file does not hold the voice's name: that is the file's own, so
that a copy under another name is another voice with the same content.

    tensors   x_vector [H] f32; reference.N.x_vector [H] f32; reference.N.codes [F, K] i16
    metadata  "intone.voice": {"schema": 1, "kind": …, "references": [{"mood": …, "text": …}], …,
              "sha256": of all tensors and of everything else here}
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from intone.core.errors import VoiceFileError
from intone.core.types import Codes, Samples
from intone.voices.voice import VOICE_KINDS, Making, Reference, Voice, VoiceKind

SUFFIX = ".voice"
SCHEMA = 1
MAX_FILE_BYTES = 16 * 2**20
"""A bank of a hundred clips of a minute takes 3 MB."""
MAX_REFERENCES = 100
MAX_TEXT_CHARS = 10_000
MAX_HIDDEN_SIZE = 65_536
MAX_FRAMES = 1_000
"""80 s: a clip has 60 at most, and half a second of silence behind it."""

_KEY = "intone.voice"
_PLAIN_FIELDS = ("kind", "language", "family", "hidden_size", "licence", "consent", "model")
_FIELDS = {*_PLAIN_FIELDS, "schema", "speaker", "making", "references"}
_SUM = "sha256"

_Tensors = dict[str, npt.NDArray[Any]]


def voice_bytes(voice: Voice) -> bytes:
    """Returns the voice as a file; its name is not in it."""
    tensors: _Tensors = {}
    if voice.x_vector is not None:
        tensors["x_vector"] = np.ascontiguousarray(voice.x_vector, dtype=np.float32)
    for number, one in enumerate(voice.references):
        tensors[f"reference.{number}.x_vector"] = np.ascontiguousarray(one.x_vector, np.float32)
        if one.codes is not None:
            tensors[f"reference.{number}.codes"] = np.ascontiguousarray(one.codes, np.int16)
    metadata = _metadata(voice)
    # One key only: safetensors writes several in an order of its own each time.
    words = _canonical({**metadata, _SUM: _checksum(tensors, metadata)})
    return save(tensors, metadata={_KEY: words})


def _canonical(data: Mapping[str, object]) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=True)


def _checksum(tensors: _Tensors, metadata: Mapping[str, object]) -> str:
    """Returns the SHA-256 that a file tells of itself; one bit that differs changes it."""
    sha = hashlib.sha256(_canonical(metadata).encode())
    for name in sorted(tensors):
        sha.update(f"\n{name} {tensors[name].dtype} {tensors[name].shape}\n".encode())
        sha.update(tensors[name].tobytes())
    return sha.hexdigest()


def _metadata(voice: Voice) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "kind": voice.kind,
        "language": voice.language,
        "family": voice.family,
        "hidden_size": voice.hidden_size,
        "licence": voice.licence,
        "consent": voice.consent,
        "model": voice.model,
        "speaker": voice.speaker,
        "making": asdict(voice.making),
        "references": [{"mood": one.mood, "text": one.text} for one in voice.references],
    }


def content_sha256(voice: Voice) -> str:
    """Returns the SHA-256 of what the voice is, whatever it is called."""
    return hashlib.sha256(voice_bytes(voice)).hexdigest()


def read_voice(path: Path) -> Voice:
    """Returns the voice of a file, named after it. Links are not followed.

    Raises:
        VoiceFileError: missing, too large, foreign, truncated, or of a later version.
    """
    return voice_from_bytes(read_capped(path, MAX_FILE_BYTES), path.name.removesuffix(SUFFIX))


def read_capped(path: Path, max_bytes: int) -> bytes:
    """Returns the bytes of a regular file; raises VoiceFileError. Links are not followed."""
    try:
        # Without O_NONBLOCK, a pipe in the folder would keep every listing waiting.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise VoiceFileError(f"{path} is no regular file; give a {SUFFIX} file.")
            data = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise VoiceFileError(f"{path} does not exist; check the path.") from error
    except OSError as error:
        what = "is a link, which is not followed" if path.is_symlink() else error.strerror
        raise VoiceFileError(f"{path} cannot be read: {what}; give the file itself.") from error
    if len(data) > max_bytes:
        raise VoiceFileError(f"{path} is larger than {max_bytes:,} bytes; it is no voice.")
    return data


def voice_from_bytes(data: bytes, name: str) -> Voice:
    """Returns the voice that `voice_bytes` wrote, under a name; every value is checked.

    Raises:
        VoiceFileError: foreign, truncated, inconsistent, or of a later version.
    """
    where = f"voice file {name!r}"
    if len(data) > MAX_FILE_BYTES:
        raise VoiceFileError(f"{where} is larger than {MAX_FILE_BYTES:,} bytes; it is no voice.")
    try:
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        written = json.loads(header["__metadata__"][_KEY])
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise VoiceFileError(
            f"{where} is foreign or truncated ({type(error).__name__}); a voice is written by "
            "`intone voices`. Export it again, or import another kind of file by its ending "
            "(.pt, .safetensors)."
        ) from error
    return _Reader(where, tensors).voice(name, written)


class _Reader:
    """Takes a voice apart; whatever is not as it was written is refused."""

    def __init__(self, where: str, tensors: _Tensors) -> None:
        self._where = where
        self._tensors = tensors

    def voice(self, name: str, written: object) -> Voice:
        data = dict(self._object(written, "metadata"))
        self._check_schema(data)
        told = data.pop(_SUM, None)
        is_whole = told == _checksum(self._tensors, data)
        self._check(data.keys() == _FIELDS, f"its fields are {sorted(data)[:20]}")
        kind = data["kind"]
        self._check(kind in VOICE_KINDS, f"its kind is {kind!r}, known: {', '.join(VOICE_KINDS)}")
        hidden_size = data["hidden_size"]
        ok = type(hidden_size) is int and 0 < hidden_size <= MAX_HIDDEN_SIZE
        self._check(ok, f"its hidden_size is {hidden_size!r}")
        voice = Voice(
            name=name,
            kind=cast(VoiceKind, kind),
            language=self._text(data, "language") or "auto",
            family=self._text(data, "family") or "",
            hidden_size=hidden_size,
            x_vector=self._x_vector("x_vector", hidden_size),
            references=self._references(data["references"], hidden_size),
            making=self._making(data["making"]),
            licence=self._text(data, "licence"),
            consent=self._text(data, "consent"),
            model=self._text(data, "model"),
            speaker=self._text(data, "speaker"),
        )
        self._check(not self._tensors, f"it holds the tensors {sorted(self._tensors)[:5]}")
        self._check_whole(voice)
        self._check(is_whole, "its checksum is that of other content")  # a reason above says more
        return voice

    def _check_schema(self, data: Mapping[str, Any]) -> None:
        schema = data.get("schema")
        if schema != SCHEMA or type(schema) is not int:
            raise VoiceFileError(
                f"{self._where} has schema {schema!r}; this Intone reads {SCHEMA}. "
                "Update Intone, or export the voice again with this version."
            )

    def _check_whole(self, voice: Voice) -> None:
        is_speaker = voice.kind in ("preset", "finetuned")
        has_parts = voice.speaker and voice.model if is_speaker else voice.x_vector is not None
        self._check(bool(has_parts), f"a {voice.kind} voice lacks its parts")
        moods = [one.mood for one in voice.references]
        self._check(len(set(moods)) == len(moods), "two references have one mood")
        books = {one.codes.shape[1] for one in voice.references if one.codes is not None}
        self._check(len(books) <= 1, f"its references have {sorted(books)} codebooks")

    def _references(self, written: object, hidden_size: int) -> tuple[Reference, ...]:
        ok = isinstance(written, list) and len(written) <= MAX_REFERENCES
        self._check(ok, f"its references are no list of up to {MAX_REFERENCES}")
        return tuple(
            self._reference(number, one, hidden_size)
            for number, one in enumerate(cast(list[object], written))
        )

    def _reference(self, number: int, written: object, hidden_size: int) -> Reference:
        data = self._object(written, f"reference {number}")
        x_vector = self._x_vector(f"reference.{number}.x_vector", hidden_size)
        if x_vector is None:
            raise self._wrong(f"reference {number} has no x-vector")
        codes = self._codes(f"reference.{number}.codes")
        text = self._text(data, "text")
        self._check(codes is None or bool(text), f"reference {number} has codes but no words")
        return Reference(mood=self._text(data, "mood"), text=text, codes=codes, x_vector=x_vector)

    def _making(self, written: object) -> Making:
        data = self._object(written, "making")
        names = set(asdict(Making()))
        self._check(data.keys() == names, f"its making has the fields {sorted(data)[:20]}")
        seed = data["seed"]
        self._check(seed is None or type(seed) is int, f"its seed is {seed!r}")
        return Making(seed=seed, **{one: self._text(data, one) for one in names - {"seed"}})

    def _x_vector(self, key: str, hidden_size: int) -> Samples | None:
        found = self._tensors.pop(key, None)
        if found is None:
            return None
        ok = found.dtype == np.float32 and found.shape == (hidden_size,)
        self._check(ok, f"{key} is {found.dtype} {list(found.shape)}, not f32 [{hidden_size}]")
        self._check(bool(np.isfinite(found).all()), f"{key} holds values that are no numbers")
        return cast(Samples, found)

    def _codes(self, key: str) -> Codes | None:
        found = self._tensors.pop(key, None)
        if found is None:
            return None
        ok = found.dtype == np.int16 and found.ndim == 2 and 0 < len(found) <= MAX_FRAMES
        ok = ok and 0 < found.shape[1] <= 64 and found.min() >= 0
        self._check(ok, f"{key} is {found.dtype} {list(found.shape)}, not codec frames [F, K]")
        return found.astype(np.int64)

    def _text(self, data: Mapping[str, Any], key: str) -> str | None:
        value = data.get(key)
        ok = value is None or (isinstance(value, str) and len(value) <= MAX_TEXT_CHARS)
        self._check(ok, f"its {key} is no text of up to {MAX_TEXT_CHARS:,} characters")
        text = cast("str | None", value)
        bad = next((one for one in text or "" if _is_control(one)), "")
        self._check(not bad, f"its {key} holds the control character {bad!r}")
        return text

    def _object(self, value: object, what: str) -> Mapping[str, Any]:
        self._check(isinstance(value, dict), f"its {what} is no JSON object")
        return cast(Mapping[str, Any], value)

    def _check(self, ok: bool, problem: str) -> None:
        if not ok:
            raise self._wrong(problem)

    def _wrong(self, problem: str) -> VoiceFileError:
        return VoiceFileError(f"{self._where} is damaged: {problem}. Export or make it again.")


def _is_control(character: str) -> bool:
    """Whether a terminal may take it for a command, or no terminal can print it."""
    return unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t"

"""A row as it is known again: by a key of all that decides how it sounds, and by its file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from intone.audio.files import AudioFormat
from intone.core.errors import InvalidSettingError
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.deploy.offline.rows import Row
from intone.render.hashes import prompt_sha256
from intone.render.json_records import to_json
from intone.render.sidecar import RequestRecord

_PLAIN_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A name that every file system keeps as it is, the two cases of a letter included."""
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")
"""Of Windows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakerModel:
    """Which weights speak, whoever runs them."""

    name: str
    fingerprint: str
    """`models.identity.checkpoint_fingerprint`."""
    dtype: str
    """As it was asked for."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who the names of kept voices stand for, on machines that do not keep them."""

    voices: Mapping[str, str | VoiceClonePrompt]
    """By name: a preset or a voice clone prompt. Presets asked for by name are not here."""

    def request(self, request: SpeechRequest) -> SpeechRequest:
        """Returns a request with its voice looked up."""
        if not isinstance(request.voice, str):
            return request
        return replace(request, voice=self.voices.get(request.voice, request.voice))

    def identities(self) -> dict[str, str]:
        """Returns what tells each kept voice from one that takes its name later."""
        return {
            name: voice if isinstance(voice, str) else prompt_sha256(voice)
            for name, voice in self.voices.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRow:
    """A row, its key and its file."""

    row: Row
    key: str
    file: str
    """Below the output directory, with "/" between its parts."""


def plan_rows(
    rows: tuple[Row, ...], cast: Cast, model: SpeakerModel, format: AudioFormat
) -> tuple[PlannedRow, ...]:
    """Returns the rows with keys and files.

    Raises:
        InvalidSettingError: two ids want one file.
    """
    voices = cast.identities()
    planned = []
    ids: dict[str, str] = {}
    for row in rows:
        file = file_of(row.id, format)
        other = ids.setdefault(file, row.id)
        if other != row.id:
            raise InvalidSettingError(
                f"ids {other!r:.80} and {row.id!r:.80} would have one file, {file}; rename one."
            )
        key = _key(row.request, voices, model, format)
        planned.append(PlannedRow(row=row, key=key, file=file))
    return tuple(planned)


def file_of(id: str, format: AudioFormat) -> str:
    """Returns where the take of an id goes: 256 folders, and a name that is safe everywhere.

    A short id of small letters, figures, "_" and "-" is the name; any other gives what it has of
    these, and a part of its hash.
    """
    digest = hashlib.sha256(id.encode()).hexdigest()
    name = id
    if not _PLAIN_NAME.fullmatch(id) or _RESERVED.fullmatch(id):
        words = re.sub(r"[^a-z0-9]+", "-", id.lower()).strip("-")[:40]
        name = "-".join(part for part in (words, digest[:16]) if part)
    return f"audio/{digest[:2]}/{name}.{format}"


def _key(
    request: SpeechRequest,
    voices: Mapping[str, str],
    model: SpeakerModel,
    format: AudioFormat,
) -> str:
    assert request.seed is not None
    name = request.voice if isinstance(request.voice, str) else None
    record = to_json(RequestRecord.of(request, request.seed), indent=None)
    parts = (record, name, voices.get(name or ""), model.fingerprint, model.dtype, format)
    return hashlib.sha256(repr(parts).encode()).hexdigest()

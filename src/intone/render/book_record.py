"""What a book is made of, and whether a later run makes the same one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from intone.core.errors import RecordError
from intone.core.types import SpeechRequest
from intone.render.json_records import parse_object, record_from
from intone.render.sidecar import ModelRecord, RequestRecord, VoiceRecord, check_schema

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRecord:
    """Everything that decides how the pieces sound."""

    schema: int = SCHEMA
    intone_version: str
    created_at: str
    source: str
    """Name of the document's file."""
    written_sha256: str
    """`BookPlan.written_sha256`."""
    spoken_sha256: str
    request: RequestRecord
    """What holds for every piece; the seed is the book's, the text empty."""
    voice: VoiceRecord
    model: ModelRecord
    max_piece_s: float
    ear: str | None
    """The checkpoint that hears who speaks; None: nobody is compared."""
    min_similarity: float

    def check_same(self, now: BookRecord, out: Path) -> None:
        """Raises RecordError naming what would make later pieces unlike the finished ones."""
        changed = list(self._changes(now))
        if changed:
            raise RecordError(
                f"{out} holds a book that was begun otherwise: {'; '.join(changed)}. Use the old "
                "settings to go on with it, another --out, or --restart to begin anew."
            )

    def _changes(self, now: BookRecord) -> Iterator[str]:
        if self.written_sha256 != now.written_sha256:
            yield f"the text of {self.source} is another one now"
        elif self.spoken_sha256 != now.spoken_sha256:
            yield "words are read out otherwise now (normalisation, lexicon)"
        if replace(self.voice, clip=None) != replace(now.voice, clip=None):  # a clip may move
            yield f"the voice was {_voice(self.voice)}, and is {_voice(now.voice)}"
        if self.model.fingerprint != now.model.fingerprint:
            yield f"the model was {_model(self.model)}, and is {_model(now.model)}"
        yield from _changed("the precision", self.model.dtype, now.model.dtype)
        then = dict(_flat(asdict(self.request)))
        for name, value in _flat(asdict(now.request)):
            yield from _changed(name, then[name], value)
        yield from _changed("the seconds of a piece", self.max_piece_s, now.max_piece_s)
        yield from _changed("what hears who speaks", self.ear, now.ear)
        yield from _changed("the least similarity", self.min_similarity, now.min_similarity)


def book_request(template: SpeechRequest, seed: int) -> RequestRecord:
    """Returns what is recorded of what holds for every piece."""
    return replace(RequestRecord.of(template, seed), text="")


def read_book_record(path: Path) -> BookRecord | None:
    """Returns the record in a file, None where there is none; raises RecordError."""
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):  # a file in its place is told when writing
        return None
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}.") from error
    data = parse_object(text, str(path))
    check_schema(data.get("schema"), SCHEMA, str(path))
    return record_from(BookRecord, data, str(path))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, object]]:
    """Yields name and value of every setting, those inside others too."""
    for name, value in values.items():
        words = before + name.replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, f"{words}, ")
        else:
            yield words, value


def _changed(what: str, then: object, now: object) -> Iterator[str]:
    if then != now:
        yield f"{what} was {then}, and is {now}"


def _voice(voice: VoiceRecord) -> str:
    named = voice.name or voice.clip or "the model's own"
    sha256 = voice.file_sha256 or voice.prompt_sha256
    return f"{named} ({sha256[:12]})" if sha256 else named


def _model(model: ModelRecord) -> str:
    return f"{model.name} ({model.fingerprint[:12]})"

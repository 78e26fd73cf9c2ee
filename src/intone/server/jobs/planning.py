"""From an order to pieces: the same reading, casting and cutting as the commands have.

No model is loaded. A job is planned when it is sent, so that what is wrong with it is told then,
and again when it starts; the plan follows from the order and the source alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from intone.audio.loudness import check_target
from intone.core.errors import InvalidSettingError, UnknownLanguageError, UnsupportedModeError
from intone.core.types import Capabilities, VoiceClonePrompt
from intone.core.version import __version__
from intone.render.book_plan import BookPiece, BookPlan, BookSettings, ChapterPlan, plan_book
from intone.render.book_record import BookRecord, book_request
from intone.render.casting import cast_script
from intone.render.drawing import DrawPolicy
from intone.render.hashes import prompt_sha256
from intone.render.identity import Identity, Library, check_can_speak, find_identity
from intone.render.plan import ScriptPlan
from intone.render.planning import PlanSettings, plan_script
from intone.render.reading_aloud import ReadingAloud
from intone.render.sidecar import ModelRecord, VoiceRecord
from intone.server.jobs.job import JobOrder
from intone.text.cast import parse_cast
from intone.text.documents import read_book
from intone.text.languages import AUTO
from intone.text.markup import parse_script
from intone.text.reading import read_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JobPlan:
    """What a job will draw."""

    book: BookPlan
    """A script is a book of one chapter."""
    script: ScriptPlan | None
    """Where its segments stand; None for text and books."""
    identity: Identity
    """Who speaks, or the first of them."""
    people_sha256: str
    """Of everybody who speaks."""
    notes: tuple[str, ...]
    """What cannot be performed, was left out, or is read as it is written; each said once."""

    @property
    def num_pieces(self) -> int:
        return sum(len(chapter.pieces) for chapter in self.book.chapters)

    @property
    def num_characters(self) -> int:
        """Of the words as they were written."""
        return sum(len(piece.plan.text) for piece in self.book.pieces)

    @property
    def expected_s(self) -> float:
        return sum(chapter.expected_s for chapter in self.book.chapters)


def plan_job(order: JobOrder, folder: Path, can: Capabilities, library: Library) -> JobPlan:
    """Returns the plan of an order whose source lies in a folder.

    Raises:
        RequestError: the source, the cast, a voice or a setting cannot be served.
    """
    if can.kind == "design":
        raise UnsupportedModeError(
            f"{can.model} draws another person for every piece; keep one of its candidates (POST "
            "/v1/audio/voices/design, then keep), and name that voice with a Base model."
        )
    if order.loudness_lufs is not None:
        check_target(order.loudness_lufs)
    if order.language not in can.languages:
        raise UnknownLanguageError(
            f"language is {order.language!r}; {can.model} has: {', '.join(can.languages)}."
        )
    if order.instruct is not None and not can.follows_instruct:
        raise UnsupportedModeError(
            f"instructions are given, and {can.model} does not follow any; leave them out, or name "
            "a model that does (GET /v1/models)."
        )
    source = folder / order.source
    if order.kind == "script":
        return _plan_script(order, source, can, library)
    return _plan_book(order, source, can, library)


def book_record(order: JobOrder, plan: JobPlan, can: Capabilities, fingerprint: str) -> BookRecord:
    """Returns what decides how the pieces sound; a job goes on only where it is the same.

    Args:
        fingerprint: of the model's weights, "" where the server has none.
    """
    return BookRecord(
        intone_version=__version__,
        created_at="",
        source=order.source,
        written_sha256=plan.book.written_sha256,
        spoken_sha256=plan.book.spoken_sha256,
        request=book_request(order.template(), order.seed),
        voice=VoiceRecord(
            kind="preset" if plan.identity.preset else "kept",
            name=plan.identity.name,
            prompt_sha256=plan.people_sha256,
        ),
        model=ModelRecord(
            name=can.model,
            kind=can.kind,
            size=can.size,
            fingerprint=fingerprint,
            device="served",
            dtype="served",
            threads=0,
        ),
        max_piece_s=0.0,
        ear=None,
        min_similarity=DrawPolicy().min_similarity,
    )


def _plan_book(order: JobOrder, source: Path, can: Capabilities, library: Library) -> JobPlan:
    book = read_book(source)
    identity = _identity(order.voice, can, library)
    if identity is None:
        raise InvalidSettingError(
            f"no voice was named, and {can.model} has no preset; give a voice of "
            "GET /v1/audio/voices."
        )
    template = order.template()
    if order.language == AUTO and book.language in can.languages:
        template = replace(template, language=book.language)
    read_aloud = ReadingAloud()
    settings = BookSettings(template=template, seed=order.seed, read_aloud=read_aloud)
    plan = plan_book(book, settings).spoken_by(identity.spoken_voice)
    return JobPlan(
        book=plan,
        script=None,
        identity=identity,
        people_sha256=_people([identity]),
        notes=(*plan.notes, *read_aloud.notes),
    )


def _plan_script(order: JobOrder, source: Path, can: Capabilities, library: Library) -> JobPlan:
    cast = None if order.cast is None else parse_cast(order.cast, name="cast")
    script = parse_script(read_text(source), speakers=cast)

    def find(name: str) -> Identity:
        found = _identity(name, can, library)
        assert found is not None
        return found

    casting = cast_script(
        script, cast=cast, narrator=_identity(order.voice, can, library), find=find
    )
    read_aloud = ReadingAloud()
    settings = PlanSettings(template=order.template(), seed=order.seed, read_aloud=read_aloud)
    plan = plan_script(script, casting, can, settings)
    pieces = tuple(BookPiece(chapter=1, plan=one, ending="sentence") for one in plan.segments)
    chapter = ChapterPlan(number=1, title=None, pieces=pieces)
    return JobPlan(
        book=BookPlan(title=order.title, chapters=(chapter,), notes=plan.notes),
        script=plan,
        identity=next(iter(plan.identities.values())),
        people_sha256=_people(list(plan.identities.values())),
        notes=(*plan.notes, *read_aloud.notes),
    )


def _identity(name: str | None, can: Capabilities, library: Library) -> Identity | None:
    """Returns who a name stands for; a description is refused, for it would design a voice."""
    asked = name if name is not None else next(iter(can.voices), None)
    if asked is None:
        return None
    found = find_identity(asked, can, library)
    if found.description is not None:
        raise InvalidSettingError(
            f"voice is {asked!r}; allowed: a preset or a kept voice by name. Make one from a "
            "description with POST /v1/audio/voices/design."
        )
    check_can_speak(found, can)
    return found


def _people(people: Sequence[Identity]) -> str:
    sha = hashlib.sha256()
    for who in people:
        sha.update(f"\n{who.name}\n{who.preset}\n".encode())
        for prompt in _prompts(who):
            sha.update(prompt_sha256(prompt).encode())
    return sha.hexdigest()


def _prompts(who: Identity) -> Sequence[VoiceClonePrompt]:
    if who.voice is None:
        return ()
    return [who.voice.prompt(mood) for mood in (None, *who.voice.moods)]

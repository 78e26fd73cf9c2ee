"""From a script to its plan: who, how, how fast, with which seed, after which silence.

No model is needed: what one can do is given as `Capabilities`, so that all that is wrong with a
script is told, with its place, before anything is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from intone.audio.seams import GAP_S, INTERRUPTED_CUT_S, INTERRUPTED_GAP_S, Ending
from intone.core.errors import (
    EmptyTextError,
    InvalidSettingError,
    UnknownLanguageError,
    UnsupportedModeError,
)
from intone.core.seeds import derived_seed
from intone.core.types import MAX_SPEED, MIN_SPEED, Capabilities, SpeechRequest
from intone.render.casting import Casting, Part
from intone.render.identity import check_can_speak
from intone.render.moods import Delivery, Manner, deliver
from intone.render.plan import ScriptPlan, SegmentPlan
from intone.text.cutting import Budget
from intone.text.languages import language_to_read
from intone.text.script import FixedSpan, Position, Script, Segment, Silence
from intone.text.sentences import pack, split_sentences
from intone.text.writing import is_speakable

MAX_PIECE_S = 20.0
"""Typical speech that one take is given; a segment with more is drawn in several: voices drift in
long takes, and others use 300 characters (jamiepine/voicebox, pull request 1078)."""

ReadAloud = Callable[[str, str, Sequence[FixedSpan]], str]
"""Returns a written text as it is spoken, on one line, from the text, its language and its settled
spans."""

_STOPS = ".!?…。！？:;：；"
_CLOSING = "\"'”’»)]）」』"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What holds for every segment unless the script says otherwise."""

    template: SpeechRequest
    """Sampling, guard and frames of every request; also the language and the speed that the
    script's own are put in place of, or multiplied with. Its text is not spoken."""
    seed: int
    """That the segments' seeds follow from."""
    identity_seed: int = 0
    """Of persons that are drawn from a description."""
    read_aloud: ReadAloud
    max_piece_s: float = MAX_PIECE_S


def plan_script(
    script: Script, casting: Casting, abilities: Capabilities, settings: PlanSettings
) -> ScriptPlan:
    """Returns the plan of a script for a synthesizer of these abilities.

    Raises:
        UnknownVoiceError: nobody speaks a segment.
        UnsupportedModeError: the model cannot speak with somebody.
        UnknownLanguageError, InvalidSettingError: a language that the model lacks, a speed that
            tags and settings together take out of its range. All with their place.
        EmptyTextError: a segment has no letter and no figure.
    """
    planner = _Planner(casting, abilities, settings)
    for piece in script.pieces:
        if isinstance(piece, Silence):
            planner.add_silence(piece)
        else:
            planner.add_segment(piece)
    return planner.finish()


@dataclass(slots=True)
class _Planner:
    casting: Casting
    abilities: Capabilities
    settings: PlanSettings
    segments: list[SegmentPlan] = field(default_factory=list)
    silence_s: float = 0.0
    """Asked for since the last segment."""
    gap_s: float = 0.0
    """That the punctuation of the last segment asks for."""

    def add_silence(self, silence: Silence) -> None:
        self.silence_s += silence.duration_s

    def add_segment(self, segment: Segment) -> None:
        if not is_speakable(segment.text):
            raise EmptyTextError(
                f"{segment.position}: {segment.text!r} has no word to speak; write one, or take it "
                "out."
            )
        part = self._part(segment)
        manner = Manner(
            mood=segment.mood,
            directives=segment.directives,
            is_solo=segment.is_solo,
            standing=part.instruct,
        )
        delivery = deliver(part.identity, manner, self.abilities)
        pieces = list(_pieces(segment, self._language(segment, part), self.settings.max_piece_s))
        for piece, ending in pieces:
            self._add_piece(piece, part, delivery)
            self._end_piece(GAP_S[ending])
        if segment.is_interrupted:
            self._end_piece(INTERRUPTED_GAP_S, cut_end_s=INTERRUPTED_CUT_S)

    def _end_piece(self, gap_s: float, *, cut_end_s: float = 0.0) -> None:
        self.gap_s = gap_s
        self.segments[-1] = replace(self.segments[-1], gap_after_s=gap_s, cut_end_s=cut_end_s)

    def finish(self) -> ScriptPlan:
        """Returns the plan."""
        identities = self.casting.identities
        spoken = dict.fromkeys(part.identity for part in self.segments)
        return ScriptPlan(
            segments=tuple(self.segments),
            identities={name: identities[name] for name in spoken if name is not None},
            seed=self.settings.seed,
            end_silence_s=self.silence_s,
        )

    def _part(self, segment: Segment) -> Part:
        part = self.casting.part(segment)
        try:
            check_can_speak(part.identity, self.abilities)
        except UnsupportedModeError as error:
            raise UnsupportedModeError(f"{segment.position}: {error}") from error
        return part

    def _language(self, segment: Segment, part: Part) -> str:
        language = segment.language or part.language or self.settings.template.language
        known = self.abilities.languages
        if language.lower() not in known:
            raise UnknownLanguageError(
                f"{segment.position}: language {language!r} is unknown to {self.abilities.model}, "
                f"which has: {', '.join(known)}."
            )
        return language

    def _speed(self, segment: Segment) -> float:
        speed = segment.rate * self.settings.template.speed
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise InvalidSettingError(
                f"{segment.position}: [rate:{segment.rate:g}] and speed "
                f"{self.settings.template.speed:g} make {speed:g}; allowed: {MIN_SPEED} to "
                f"{MAX_SPEED} together."
            )
        return speed

    def _add_piece(self, piece: Segment, part: Part, delivery: Delivery) -> None:
        index = len(self.segments)
        language = self._language(piece, part)
        read_as = language_to_read(language, self.abilities.languages)
        spoken = self.settings.read_aloud(piece.text, read_as, piece.fixed)
        is_described = delivery.route == "described"
        request = replace(
            self.settings.template,
            text=spoken,
            voice=delivery.voice,
            instruct=delivery.instruct,
            language=language,
            speed=self._speed(piece),
            seed=(
                self.settings.identity_seed  # another seed would be another person
                if is_described
                else derived_seed(self.settings.seed, index)
            ),
        )
        self.segments.append(
            SegmentPlan(
                index=index,
                text=piece.written,
                request=request,
                mood=piece.mood,
                speaker=piece.speaker,
                identity=part.identity.name,
                route=delivery.route,
                bank_mood=delivery.bank_mood,
                note=delivery.note,
                gap_before_s=self.silence_s or self.gap_s,
                silence_before_s=self.silence_s,
                position=piece.position,
                segment=piece,
            )
        )
        self.silence_s = 0.0


def ending_of(text: str) -> Ending:
    """Returns what a text ends with; a text that just breaks off counts as a clause."""
    end = text.rstrip().rstrip(_CLOSING).rstrip()
    return "sentence" if end.endswith(tuple(_STOPS)) else "clause"


def _pieces(segment: Segment, language: str, max_s: float) -> Iterator[tuple[Segment, Ending]]:
    """Yields a segment in parts that one take can hold, and what each of them ends with."""
    budget = Budget(max_s, language)
    pieces = pack(split_sentences(segment.text, language), budget)
    for piece in pieces:
        position = _moved(segment.position, segment.text[: piece.start])
        part = replace(segment.part(piece.start, piece.stop), position=position)
        yield part, ending_of(part.text) if piece is pieces[-1] else piece.end


def _moved(position: Position, text_before: str) -> Position:
    """Returns the place behind some text; exact as long as no markup stands in it."""
    line, breaks, last = position.line, text_before.count("\n"), text_before.rpartition("\n")[2]
    if breaks:
        return Position(line + breaks, len(last) + 1)
    return Position(line, position.column + len(text_before))

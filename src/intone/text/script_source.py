r"""A script written back: segments and silences as text that parses into the same ones.

The other direction of `markup`: what was moved, edited or taken out of a script stands in its text
again. Every segment has a line of its own; tags are written where something changes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from intone.text.script import FixedSpan, Position, Script, Segment, Silence
from intone.text.segments import Delivery
from intone.text.tags import MAX_PAUSE_S, PAUSE_S

_SPECIAL = re.compile(r"([\[\]\\])")
_COLON = re.compile(r"^([^:：]*)([:：])")
_BLANK_LINES = re.compile(r"\n\s*\n")
_NOWHERE = Position(1, 1)


def script_source(pieces: Sequence[Segment | Silence], *, dialogue: bool) -> str:
    """Returns the text of segments and silences; `dialogue`: it will be read as one."""
    writer = _Writer(dialogue)
    for piece in pieces:
        if isinstance(piece, Silence):
            writer.add_silence(piece.duration_s)
        else:
            writer.add(piece)
    return "\n".join(writer.lines)


def segment_source(segment: Segment, *, dialogue: bool = False) -> str:
    """Returns the words of one segment as a script has them, its `[say:…]` tags among them."""
    parts: list[str] = []
    done = 0
    for span in segment.fixed:
        parts += [_escaped(segment.text[done : span.start]), _said(segment, span)]
        done = span.stop
    words = "".join((*parts, _escaped(segment.text[done:])))
    return _without_labels(words) if dialogue else words


def is_same(first: Script, second: Script) -> bool:
    """Says whether two scripts are heard alike: the places in their sources do not count."""
    return _placeless(first) == _placeless(second)


def _placeless(script: Script) -> list[Segment | Silence]:
    return [replace(piece, position=_NOWHERE) for piece in script.pieces]


@dataclass(slots=True)
class _Writer:
    dialogue: bool
    lines: list[str] = field(default_factory=list)
    narration: Delivery = Delivery()
    """What holds outside speeches."""
    start: Delivery = Delivery()
    """Where `[reset]` leads back to."""
    now: Delivery = Delivery()
    last: Segment | None = None
    """Of this speech, or of this narration; None behind a silence, where no tag is needed."""
    speech: Segment | None = None
    """The last segment of the speech that goes on."""

    def add_silence(self, duration_s: float) -> None:
        """Adds pauses; one tag holds a minute."""
        while duration_s > 0:
            one_s = min(duration_s, MAX_PAUSE_S)
            self.lines.append("[Pause]" if one_s == PAUSE_S else f"[pause:{_number(one_s)}s]")
            duration_s -= one_s
        self.last = None

    def add(self, segment: Segment) -> None:
        """Adds a segment on a line of its own."""
        wanted = _delivery(segment)
        if segment.speaker is None:
            self._narrate(segment, wanted)
        elif self._goes_on(segment):
            self._speak(segment, wanted, label="")
        else:
            self._begin_speech(wanted)
            solo = " (Solo)" if segment.is_solo else ""
            self._speak(segment, wanted, label=f"{segment.speaker}{solo}: ")

    def _narrate(self, segment: Segment, wanted: Delivery) -> None:
        if self.speech is not None:
            self._end_speech()
        tags = self._tags(wanted)
        words = segment_source(segment, dialogue=self.dialogue and not tags)
        self.lines.append(f"{tags}{words}")
        self.now = self.narration = wanted
        self.last = segment

    def _speak(self, segment: Segment, wanted: Delivery, *, label: str) -> None:
        tags = self._tags(wanted)
        # A blank line would end the speech.
        words = _BLANK_LINES.sub("\n", segment_source(segment, dialogue=not label and not tags))
        self.lines.append(f"{label}{tags}{words}")
        self.now, self.last, self.speech = wanted, segment, segment

    def _goes_on(self, segment: Segment) -> bool:
        """Whether a segment belongs to the speech before it: only a speech's end is interrupted."""
        speech = self.speech
        return (
            speech is not None
            and (speech.speaker, speech.is_solo) == (segment.speaker, segment.is_solo)
            and not speech.is_interrupted
        )

    def _begin_speech(self, wanted: Delivery) -> None:
        narration = self.narration
        if narration.language is not None and wanted.language is None:
            if self.speech is not None:
                self._end_speech()
            self.lines.append("[reset]")  # rate and language of narration are everybody's
            self.narration = replace(narration, rate=1.0, language=None)
        self.start = replace(self.narration, mood=None, directives=(), voice=None)
        self.now, self.last = self.start, None

    def _end_speech(self) -> None:
        self.lines.append("")
        self.speech = self.last = None
        self.start, self.now = Delivery(), self.narration

    def _tags(self, wanted: Delivery) -> str:
        """Returns what leads to a delivery; something, where a new segment has to begin."""
        tags = _changes(self.now, wanted)
        if tags is None or (not tags and self.last is not None and not wanted.mood):
            tags = ["[reset]", *(_changes(self.start, wanted) or [])]
        elif not tags and self.last is not None:
            tags = [f"[{_escaped(wanted.mood or '')}]"]
        return "".join(f"{tag} " for tag in tags)


def _changes(now: Delivery, wanted: Delivery) -> list[str] | None:
    """Returns the tags that lead from one delivery to another; None where only a reset does."""
    kept = dict(wanted.directives)
    gone = (
        (now.mood is not None and wanted.mood is None)
        or (now.voice is not None and wanted.voice is None)
        or (now.language is not None and wanted.language is None)
        or any(key not in kept for key, _ in now.directives)
    )
    if gone:
        return None
    tags: list[str] = []
    if wanted.voice != now.voice:
        tags.append(f"[voice:{_escaped(wanted.voice or '')}]")
    if wanted.language != now.language:
        tags.append(f"[lang:{wanted.language}]")
    if wanted.rate != now.rate:
        tags.append(f"[rate:{_number(wanted.rate)}]")
    new = [pair for pair in wanted.directives if pair not in now.directives]
    tags += [f"[{_escaped(key)}: {_escaped(value)}]" for key, value in new]
    if wanted.mood != now.mood:
        tags.append(f"[{_escaped(wanted.mood or '')}]")
    return tags


def _delivery(segment: Segment) -> Delivery:
    return Delivery(
        mood=segment.mood,
        directives=segment.directives,
        voice=segment.voice,
        rate=segment.rate,
        language=segment.language,
    )


def _said(segment: Segment, span: FixedSpan) -> str:
    spoken = segment.text[span.start : span.stop]
    if not span.written:
        return _escaped(spoken)  # the second half of a word that was cut in two
    return f"[say:{_escaped(span.written)}|{_escaped(spoken)}]"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _without_labels(words: str) -> str:
    """Returns words none of whose lines begins like a speech."""
    return "\n".join(_COLON.sub(r"\1\\\2", line) for line in words.split("\n"))


def _number(value: float) -> str:
    return f"{value:.6f}".rstrip("0").rstrip(".")

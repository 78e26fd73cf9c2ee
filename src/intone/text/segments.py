"""Collects what a script's lines hold into segments, and remembers how they are to be spoken.

A tag holds until something replaces it. A speech begins without the mood, the directives and the
voice of what was said before it; tags on lines of their own, straight above it, belong to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from intone.text.dialogue import SOLO, Label, is_interrupted
from intone.text.script import Position, Script, Segment, Silence
from intone.text.tags import Directive, Mood, Pause, Rate, Say, Tag, UseLanguage, UseVoice
from intone.text.words import WordBuffer, Words


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the tags so far ask for."""

    mood: str | None = None
    directives: tuple[tuple[str, str], ...] = ()
    voice: str | None = None
    rate: float = 1.0
    language: str | None = None

    def after(self, tag: Tag, start: Delivery) -> Delivery:
        """Returns what holds after a tag; `start` is where `[reset]` leads back to."""
        match tag:
            case Mood(name):
                return replace(self, mood=name)
            case Directive(key, value):
                others = tuple(pair for pair in self.directives if pair[0] != key)
                return replace(self, directives=(*others, (key, value)))
            case UseVoice(name):
                return replace(self, voice=name)
            case Rate(factor):
                return replace(self, rate=factor)
            case UseLanguage(name):
                return replace(self, language=name)
            case Pause() | Say():
                return self
            case _:
                return start


class SegmentWriter:
    """Takes words, tags and speeches in order; `finish` hands the script out."""

    def __init__(self) -> None:
        self._pieces: list[Segment | Silence] = []
        self._last: int | None = None
        """Index of the last segment of this speech, or of this narration."""
        self._words = WordBuffer()
        self._narration = Delivery()
        self._start = Delivery()
        self._delivery = Delivery()
        self._label: Label | None = None
        self._is_solo = False
        self._waiting: list[Tag] = []
        """Tags on lines of their own since the last words."""
        self._before_waiting = self._narration
        self._is_tag_line = False

    @property
    def is_in_speech(self) -> bool:
        """Somebody is speaking; otherwise it is narration."""
        return self._label is not None

    def add(self, text: str, position: Position) -> None:
        """Adds words; `position` is that of their first character."""
        if self._is_unspoken_speech() and (solo := SOLO.match(text)):
            self._is_solo = True
            position = Position(position.line, position.column + solo.end())
            text = text[solo.end() :]
        self._words.add(text, position)
        if text.strip():
            self._waiting.clear()

    def add_said(self, said: Say, position: Position) -> None:
        """Adds a word whose spoken form is settled."""
        self._words.add_fixed(said.written, said.spoken, position)
        self._waiting.clear()

    def apply(self, tag: Tag, position: Position) -> None:
        """Ends the segment and takes a tag's effect from here on."""
        self._end_segment()
        if isinstance(tag, Pause):
            self._pieces.append(Silence(duration_s=tag.duration_s, position=position))
            return
        if not self._waiting:
            self._before_waiting = self._narration
        self._delivery = self._delivery.after(tag, self._start)
        if self._label is None:
            self._narration = self._delivery
        if self._is_tag_line:
            self._waiting.append(tag)

    def begin_line(self, *, is_tag_line: bool) -> None:
        """Begins a line without a label; says whether it holds tags alone."""
        self._is_tag_line = is_tag_line

    def begin_speech(self, label: Label) -> None:
        """Begins the words of somebody, in the manner of the tags just above."""
        self.end_speech()
        self._label, self._is_solo, self._is_tag_line = label, label.is_solo, False
        self._start = replace(self._narration, mood=None, directives=(), voice=label.voice)
        self._delivery = self._start
        for tag in self._waiting:
            self._delivery = self._delivery.after(tag, self._start)
        if self._waiting:
            self._give_narration_back()
        if label.mood is not None:
            self._delivery = replace(self._delivery, mood=label.mood)

    def end_speech(self) -> None:
        """Goes back to narration; a speech that ended in a dash was interrupted."""
        self._end_segment()
        self._keep_unspeakable()
        last = None if self._last is None else self._pieces[self._last]
        if self._label is not None and isinstance(last, Segment) and self._last is not None:
            self._pieces[self._last] = replace(last, is_interrupted=is_interrupted(last.text))
        self._label, self._is_solo, self._last = None, False, None
        self._start, self._delivery = Delivery(), self._narration

    def finish(self) -> Script:
        """Returns the script."""
        self.end_speech()
        return Script(tuple(self._pieces))

    def _give_narration_back(self) -> None:
        """Undoes what the tags of a speech did to narration; rate and language are everybody's."""
        rate, language = self._narration.rate, self._narration.language
        self._narration = replace(self._before_waiting, rate=rate, language=language)
        self._waiting.clear()

    def _end_segment(self) -> None:
        """Turns the words so far into a segment.

        What has no letter or digit cannot be spoken alone: it joins the segment before it, such as
        the full stop of "Hello [Pause].", or waits for the words after it.
        """
        last = None if self._last is None else self._pieces[self._last]
        if self._words.is_blank:
            self._words.clear()
        elif self._words.is_speakable:
            self._append(self._words.take())
        elif isinstance(last, Segment) and self._last is not None:
            words = self._words.take_after(last.text)
            self._pieces[self._last] = replace(
                last, text=words.text, fixed=(*last.fixed, *words.fixed)
            )

    def _keep_unspeakable(self) -> None:
        """Makes a segment of what is left without a letter: it may not vanish."""
        if not self._words.is_blank:
            self._append(self._words.take())

    def _append(self, words: Words) -> None:
        self._last = len(self._pieces)
        self._pieces.append(
            Segment(
                text=words.text,
                position=words.position,
                fixed=words.fixed,
                mood=self._delivery.mood,
                directives=self._delivery.directives,
                voice=self._delivery.voice,
                rate=self._delivery.rate,
                language=self._delivery.language,
                speaker=None if self._label is None else self._label.speaker,
                is_solo=self._is_solo,
            )
        )

    def _is_unspoken_speech(self) -> bool:
        return self._label is not None and self._last is None and self._words.is_blank

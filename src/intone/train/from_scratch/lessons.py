"""What the talker learns from: codes of a clip, its text, and which letters are said when."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import Codes, TextLayout
from intone.models.config import ModelConfig
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.train.from_scratch.clips import STRESS, Curve, Plan, Symbols
from intone.train.from_scratch.letters import Letters
from intone.train.from_scratch.recipe import CODEBOOK_SIZE
from intone.train.from_scratch.spelling import Speller

SILENT = CODEBOOK_SIZE - 1
"""The "sound" of a letter that says nothing; no phoneme has this number."""
_MARKS = " .,?!'"
_UNEVENNESS = 0.22
"""Deviation of the logarithm of the pace within an utterance, and half-width of its mean's."""


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One utterance as codes."""

    text: str
    speaker: str
    codes: Codes
    """[F, K]"""
    track: Curve
    """Position in the text, in characters, at the start of each frame and at the end, [F + 1]."""
    sounds: Codes
    """First sound that each character says, [len(text)]."""

    def joined(self, other: Lesson) -> Lesson:
        """Returns this lesson followed by another of the same speaker, as one utterance."""
        later = other.track + len(self.text) + 1
        return Lesson(
            f"{self.text} {other.text}",
            self.speaker,
            np.concatenate((self.codes, other.codes)),
            np.concatenate((self.track[:-1], later)),
            np.concatenate((self.sounds, [0], other.sounds)),
        )


class LessonReader:
    """Turns plans into lessons."""

    def __init__(self, symbols: Symbols, letters: Letters) -> None:
        self._symbols, self._letters = symbols, letters

    def read_warped(self, plan: Plan) -> Lesson:
        """Reads a plan in an uneven pace, so that time alone does not tell where in the text it is.

        Talkers that count frames instead of following the words lose their place towards the end.
        """
        knots = np.random.normal(0.0, _UNEVENNESS, len(plan.ends) // 5 + 2)
        drift = np.interp(np.arange(len(plan.ends)) / 5, np.arange(len(knots)), knots)
        pace = np.exp(drift + np.random.uniform(-_UNEVENNESS, _UNEVENNESS))
        pace[0] = 1.0  # no code tells of the first 80 ms, so the first sound must not move into it
        return self.read(plan.warped(pace.astype(np.float32)))

    def read(self, plan: Plan) -> Lesson:
        """Reads codes and alignment off one plan."""
        places, sounds = self._aligned(plan)
        at_frames = (np.arange(plan.num_frames + 1) + 1.0) * SAMPLES_PER_FRAME
        track = np.interp(at_frames, plan.ends[: len(places)], places).astype(np.float32)
        return Lesson(plan.text, plan.speaker, plan.codes(self._symbols), track, sounds)

    def _aligned(self, plan: Plan) -> tuple[list[float], Codes]:
        """Returns where in the text each phoneme ends, silence first, and each letter's sound."""
        phonemes = plan.phonemes[1:-1]
        words, groups = self._paired(plan.text, phonemes)
        ids = self._symbols.ids(phonemes)
        places, sounds = [0.0], np.full(len(plan.text), SILENT)
        for (first, last), (start, end) in zip(words, groups, strict=True):
            numbers = self._numbers(plan.text[first:last], phonemes[start:end])
            said = start
            for letter, number in enumerate(numbers, first):
                if number:
                    sounds[letter] = ids[said]
                places.extend(letter + (k + 1) / number for k in range(number))
                said += number
        return places, sounds

    def _paired(
        self, text: str, phonemes: str
    ) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        """Returns the stretches of words and of phonemes that belong together."""
        words, groups = stretches(text), stretches(phonemes)
        if len(words) == len(groups):
            return words, groups
        numbers = self._letters.group(
            [text[a:b].strip(_MARKS).lower() for a, b in words],
            [_bare(phonemes[a:b]) for a, b in groups],
        )
        if not numbers:
            return [(0, len(text))], [(0, len(phonemes))]
        ends = np.cumsum(numbers)
        joined = [(words[e - n][0], words[e - 1][1]) for e, n in zip(ends, numbers, strict=True)]
        return joined, groups

    def _numbers(self, word: str, group: str) -> list[int]:
        """Returns how many characters of `group` each character of `word` says."""
        core, sounds = word.strip(_MARKS).lower(), _bare(group)
        if not core or not sounds:
            return _spread(len(word), len(group))
        lead = len(word) - len(word.lstrip(_MARKS))
        numbers = [0] * len(word)
        numbers[lead : lead + len(core)] = self._letters.align(core, sounds)
        return _with_marks(numbers, group, lead, lead + len(core))


def _bare(group: str) -> str:
    return "".join(c for c in group if c not in STRESS).strip(_MARKS)


def _spread(length: int, total: int) -> list[int]:
    cuts = [round(i * total / length) for i in range(length + 1)]
    return [b - a for a, b in zip(cuts, cuts[1:], strict=False)]


def _with_marks(numbers: list[int], group: str, lead: int, tail: int) -> list[int]:
    """Adds spaces, stress marks and punctuation of `group` to the letters that carry them."""
    out, at = [0] * len(numbers), 0
    body_start = len(group) - len(group.lstrip(_MARKS))
    body_end = len(group.rstrip(_MARKS))
    out[0] += body_start
    at = body_start
    for letter in range(lead, tail):
        left = numbers[letter]
        while left:
            left -= group[at] not in STRESS
            out[letter] += 1
            at += 1
    out[min(tail, len(out) - 1)] += body_end - at + len(group) - body_end
    return out


def spoken_words(plans: Iterable[Plan]) -> Iterator[tuple[str, str]]:
    """Yields every word and its phonemes, where the two pair up."""
    for plan in plans:
        phonemes = plan.phonemes[1:-1]
        words, groups = stretches(plan.text), stretches(phonemes)
        if len(words) == len(groups):
            for (a, b), (c, d) in zip(words, groups, strict=True):
                yield plan.text[a:b].strip(_MARKS).lower(), _bare(phonemes[c:d])


def stretches(line: str) -> list[tuple[int, int]]:
    """Returns [from, to) of each word; a space belongs to the word after it."""
    marks = [i for i in range(1, len(line)) if line[i] == " " != line[i - 1]]
    return list(zip([0, *marks], [*marks, len(line)], strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class TalkerSequence:
    """One training sequence: prompt rows, then one row per frame."""

    prompt: TalkerPrompt
    layout: TextLayout
    codes: Codes
    """[F, K]"""
    spans: tuple[tuple[int, int], ...]
    """Per predicted row (F frames, then the end): text tokens [from, to) being said."""
    spelt: Codes
    """First sound of each text token's first and last letter, [num_text_tokens, 2]."""

    @property
    def num_rows(self) -> int:
        return self.prompt.num_rows + len(self.codes)


class SequenceMaker:
    """Turns lessons into sequences through the prompt builder that inference uses."""

    def __init__(self, config: ModelConfig, speller: Speller) -> None:
        self._speller = speller
        self._exact = PromptBuilder(config, speller.exact)
        self._loose = PromptBuilder(config, speller.loose)
        speller.loosen()

    def make(self, lesson: Lesson, layout: TextLayout, is_training: bool) -> TalkerSequence:
        """Builds one sequence; training varies spelling and sometimes leaves language open."""
        text = _respelt(lesson.text) if is_training else lesson.text
        loose = is_training and random.random() < 0.25
        language = "auto" if is_training and random.random() < 0.4 else "english"
        builder = self._loose if loose else self._exact
        spec = PromptSpec(text=text, language=language, speaker=lesson.speaker, text_layout=layout)
        prompt = builder.build(spec)
        ids = text_ids_of(prompt, layout)
        ends = np.cumsum([self._speller.lengths[int(i)] for i in ids])
        spans = _spans(lesson, ends)
        return TalkerSequence(prompt, layout, lesson.codes, spans, _spelt(lesson, ends))


def _spans(lesson: Lesson, ends: Codes) -> tuple[tuple[int, int], ...]:
    num = len(ends)
    first = np.searchsorted(ends, lesson.track[:-1] - 0.5, side="right").clip(max=num - 1)
    last = np.searchsorted(ends, lesson.track[1:] + 0.5).clip(max=num - 1)
    spans = [(int(one), int(two) + 1) for one, two in zip(first, last, strict=True)]
    return (*spans, (num - 1, num + 1))


def _spelt(lesson: Lesson, ends: Codes) -> Codes:
    starts = np.concatenate(([0], ends[:-1]))
    top = len(lesson.sounds) - 1
    at = np.stack((starts, ends - 1), axis=1).clip(max=top)
    spelt: Codes = lesson.sounds[at]
    return spelt


def text_ids_of(prompt: TalkerPrompt, layout: TextLayout) -> Codes:
    """Returns the ids of the words alone, wherever the layout put them."""
    num = prompt.num_text_tokens
    if layout == "at_once":
        return prompt.text_ids[prompt.num_rows - 2 - num : prompt.num_rows - 2]
    return np.concatenate((prompt.text_ids[-1:], prompt.trailing_text_ids))[:num]


def text_row(prompt: TalkerPrompt, layout: TextLayout, token: int) -> int:
    """Returns the row that holds text token `token` (the end token is number num_text_tokens)."""
    first = prompt.num_rows - 2 - prompt.num_text_tokens
    return (first if layout == "at_once" else prompt.num_rows - 1) + token


def _respelt(text: str) -> str:
    draw = random.random()
    if draw < 0.08:
        return text.lower()
    return text.rstrip(".") if draw < 0.16 and len(text) > 2 else text

"""What the talker learns from: codes of a clip, its text, and when each word is said."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from intone.core.constants import SAMPLES_PER_FRAME
from intone.core.types import Codes, TextLayout
from intone.models.config import ModelConfig
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.train.from_scratch.clips import Curve, Plan, Symbols
from intone.train.from_scratch.recipe import VOICE
from intone.train.from_scratch.spelling import Speller


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """One utterance as codes."""

    text: str
    codes: Codes
    """[F, K]"""
    track: Curve
    """Position in the text, in characters, at the start of each frame and at the end, [F + 1]."""

    def joined(self, other: Lesson) -> Lesson:
        """Returns this lesson followed by another, as one utterance."""
        later = other.track + len(self.text) + 1
        codes = np.concatenate((self.codes, other.codes))
        track = np.concatenate((self.track[:-1], later))
        return Lesson(f"{self.text} {other.text}", codes, track)


def lesson_of(plan: Plan, symbols: Symbols) -> Lesson:
    """Reads the codes off one plan."""
    return Lesson(plan.text, plan.codes(symbols), text_track(plan))


def text_track(plan: Plan) -> Curve:
    """Returns where in the text each frame's codes are, in characters, [F + 1].

    Within a word letters and phonemes are taken to run at one pace; where words and phoneme groups
    do not pair up, that is said of the whole text.
    """
    words, groups = _stretches(plan.text), _stretches(plan.phonemes[1:-1])
    if len(words) != len(groups):
        words, groups = [(0, len(plan.text))], [(0, len(plan.phonemes) - 2)]
    places = [0.0]
    for (first, last), (start, end) in zip(words, groups, strict=True):
        pace = (last - first) / (end - start)
        places.extend(first + pace * (i + 1) for i in range(end - start))
    at_frames = (np.arange(plan.num_frames + 1) + 1.0) * SAMPLES_PER_FRAME
    track: Curve = np.interp(at_frames, plan.ends[: len(places)], places).astype(np.float32)
    return track


def _stretches(line: str) -> list[tuple[int, int]]:
    """Returns [from, to) of each word; a space belongs to the word after it."""
    marks = [i for i in range(1, len(line)) if line[i] == " " != line[i - 1]]
    return list(zip([0, *marks], [*marks, len(line)], strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class TalkerSequence:
    """One training sequence: prompt rows, then one row per frame."""

    prompt: TalkerPrompt
    codes: Codes
    """[F, K]"""
    spans: tuple[tuple[int, int], ...]
    """Per predicted row (F frames, then the end): text tokens [from, to) being said."""

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
        loose = is_training and random.random() < 0.5
        language = "auto" if is_training and random.random() < 0.4 else "english"
        builder = self._loose if loose else self._exact
        spec = PromptSpec(text=text, language=language, speaker=VOICE, text_layout=layout)
        prompt = builder.build(spec)
        return TalkerSequence(prompt, lesson.codes, self._spans(lesson, prompt, layout))

    def _spans(
        self, lesson: Lesson, prompt: TalkerPrompt, layout: TextLayout
    ) -> tuple[tuple[int, int], ...]:
        ids = text_ids_of(prompt, layout)
        ends = np.cumsum([self._speller.lengths[int(i)] for i in ids])
        first = np.searchsorted(ends, lesson.track[:-1] - 0.7, side="right").clip(max=len(ids) - 1)
        last = np.searchsorted(ends, lesson.track[1:] + 0.7).clip(max=len(ids) - 1)
        spans = [(int(one), int(two) + 1) for one, two in zip(first, last, strict=True)]
        return (*spans, (len(ids) - 1, len(ids) + 1))


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
    if draw < 0.12:
        return text.lower()
    return text.rstrip(".") if draw < 0.2 and len(text) > 2 else text

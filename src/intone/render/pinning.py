"""A description becomes one person: designed once, cloned on a Base model, kept in the library.

A VoiceDesign model draws another person every time, even of one description and one seed as soon as
the words about the mood change. So it is asked once per mood, with the description in front; the
neutral take is the person, of several takes in a mood the one nearest to it is kept, and from then
on the Base model clones these recordings: the recording carries the timbre, not the draw.

The design model is closed before the Base model is touched: they are never in memory together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, Capabilities, Samples, VoiceClonePrompt
from intone.render.anchors import anchor_text
from intone.render.designing import Candidate, iter_candidates
from intone.render.drawing import MIN_SIMILARITY
from intone.render.ear import similarity
from intone.render.identity import Library
from intone.render.moods import Manner, find_mood, is_neutral, mood_key
from intone.voices.voice import Making, Reference, Voice

TAKES_PER_MOOD = 3
"""The nearest of them to the neutral take is kept; once for all scripts with this identity."""

_KEY_LENGTH = 12


class KeptVoices(Library, Protocol):
    """A library that can be written to."""

    def put(self, voice: Voice, replace: bool = False) -> Path:
        """Keeps a voice under its name."""
        ...


class Cloning(Protocol):
    """The part of a Base model that makes a voice of a recording."""

    def clone(
        self,
        ref_audio: tuple[Samples, int],
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
    ) -> VoiceClonePrompt:
        """Returns the voice of samples and their rate in Hz."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PinOrder:
    """Which person is wanted, and in which moods."""

    description: str
    moods: Sequence[str]
    """As the script writes them."""
    seed: int
    language: str
    design_model: str
    base: Capabilities
    """Of the model that clones and speaks."""

    @property
    def name(self) -> str:
        """The kept voice: another description, seed, language or model is another person."""
        key = [
            self.description,
            self.seed,
            self.language.lower(),
            self.design_model,
            self.base.model,
        ]
        digest = hashlib.sha256(json.dumps(key).encode("utf-8")).hexdigest()
        return f"designed-{digest[:_KEY_LENGTH]}"

    def missing(self, voice: Voice | None) -> tuple[str | None, ...]:
        """Returns the recordings that a voice lacks, None for the neutral one, each once."""
        bank = () if voice is None else voice.moods
        wanted = dict.fromkeys(mood_key(mood) for mood in self.moods if not is_neutral(mood))
        moods = [mood for mood in wanted if find_mood(mood, bank) is None]
        return (*((None,) if voice is None else ()), *moods)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pinned:
    """The person, and what is to be known of how they were made."""

    voice: Voice
    num_takes: int
    """Drawn by the design model now; 0 where all was kept before."""
    notes: tuple[str, ...] = ()


def pin(
    order: PinOrder, library: KeptVoices, open_designer: Callable[[], Synthesizer], base: Cloning
) -> Pinned:
    """Returns the person of a description, designed now or kept from an earlier time.

    Args:
        open_designer: opens the VoiceDesign model; called only where a recording is missing, and
            what it opens is closed before `base` is used.
        base: clones; it need not be loaded yet.

    Raises:
        UnsupportedModeError: the first model designs no voices, or the second one cannot clone.
        ReferenceAudioError: a recording is too short or silent to be cloned.
        VoiceFileError, OutputError: the library cannot be read or written.
    """
    kept = library.get(order.name) if order.name in library.names() else None
    missing = order.missing(kept)
    if kept is not None and not missing:
        return Pinned(voice=kept, num_takes=0)
    with closing(open_designer()) as designer:
        drawn = {mood: _takes(designer, order, mood) for mood in missing}
    voice, notes = kept or _neutral_voice(order, drawn[None][0], base), list[str]()
    for mood, takes in drawn.items():
        if mood is not None:
            clip, near = _nearest(voice, mood, takes, base)
            voice = replace(voice, references=(*voice.references, clip))
            notes += _far_note(order, mood, near)
    library.put(voice, replace=True)
    num_takes = sum(len(takes) for takes in drawn.values())
    return Pinned(voice=voice, num_takes=num_takes, notes=tuple(notes))


def _takes(designer: Synthesizer, order: PinOrder, mood: str | None) -> list[Candidate]:
    """Returns the takes to choose from; of the neutral one the first that ended by itself."""
    words = Manner(mood=mood).words
    sentence = f"{order.description.strip().rstrip('.')}."
    candidates = iter_candidates(
        designer,
        " ".join(part for part in (sentence, words) if part),
        anchor_text(order.language),
        count=TAKES_PER_MOOD,
        seed=order.seed,
        language=order.language,
    )
    if mood is not None:
        return list(candidates)
    takes: list[Candidate] = []
    for take in candidates:
        takes.append(take)
        if _ended(take.audio):
            return [take]
    return takes[:1]


def _neutral_voice(order: PinOrder, take: Candidate, base: Cloning) -> Voice:
    clip = _reference(None, take, base)
    return Voice(
        name=order.name,
        kind="designed",
        language=order.language,
        hidden_size=order.base.hidden_size,
        x_vector=clip.x_vector,
        references=(clip,),
        making=Making(
            description=order.description,
            seed=take.seed,
            model=order.base.model,
            design_model=order.design_model,
        ),
    )


def _nearest(
    voice: Voice, mood: str, takes: Sequence[Candidate], base: Cloning
) -> tuple[Reference, float]:
    """Returns the recording of a mood that is nearest to the person, and how near it is."""
    person = voice.x_vector
    assert person is not None  # `_neutral_voice` gave it one
    ended = [take for take in takes if _ended(take.audio)] or list(takes)
    nearness = [
        similarity(base.clone(_clip(take.audio), x_vector_only=True).x_vector, person)
        for take in ended
    ]
    best = nearness.index(max(nearness))
    return _reference(mood, ended[best], base), nearness[best]


def _reference(mood: str | None, take: Candidate, base: Cloning) -> Reference:
    prompt = base.clone(_clip(take.audio), take.text)
    return Reference(
        mood=mood, text=prompt.ref_text, codes=prompt.ref_codes, x_vector=prompt.x_vector
    )


def _far_note(order: PinOrder, mood: str, near: float) -> Iterator[str]:
    if near < MIN_SIMILARITY:
        yield (
            f"{order.description!r}, {mood}: the nearest of {TAKES_PER_MOOD} recordings has "
            f"similarity {near:.2f} with the neutral one, below {MIN_SIMILARITY:.2f}"
        )


def _ended(audio: Audio) -> bool:
    return audio.finish_reason == "stop"


def _clip(audio: Audio) -> tuple[Samples, int]:
    return audio.samples, audio.sample_rate_hz

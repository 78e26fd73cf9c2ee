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
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from intone.core.errors import ReferenceAudioError
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, Capabilities, Samples, VoiceClonePrompt
from intone.render.anchors import anchor_text
from intone.render.designing import Candidate, iter_candidates
from intone.render.drawing import MIN_SIMILARITY
from intone.render.ear import MIN_SPEECH_S, similarity, speech_s
from intone.render.identity import Identity, Library
from intone.render.moods import Manner, find_mood, is_neutral, mood_group
from intone.render.plan import ScriptPlan
from intone.text.guessing import guess_language
from intone.text.languages import AUTO
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
        wanted = dict.fromkeys(mood_group(mood) for mood in self.moods if not is_neutral(mood))
        moods = [mood for mood in wanted if find_mood(mood, bank) is None]
        return (*((None,) if voice is None else ()), *moods)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pinned:
    """The person, and what is to be known of how they were made."""

    voice: Voice
    num_takes: int
    """Drawn by the design model now; 0 where all was kept before."""
    notes: tuple[str, ...] = ()


def undesigned(plan: ScriptPlan, can: Capabilities) -> list[Identity]:
    """Returns the people of a plan who are only described, where the model could keep them."""
    people = plan.identities.values()
    is_locked = can.kind != "design"
    return [who for who in people if is_locked and who.description and who.voice is None]


def order_for(
    who: Identity, plan: ScriptPlan, *, seed: int, design_model: str, base: Capabilities
) -> PinOrder:
    """Returns the order that makes somebody of a plan, in all moods that it wants of them.

    Args:
        who: one of `undesigned`.
        seed: another one is another person.
        design_model: designs them; by the name that their voice remembers.
        base: clones and speaks; its `model` likewise.
    """
    segments = [part for part in plan.segments if part.identity == who.name]
    language = segments[0].request.language
    if language == AUTO:
        language = guess_language(" ".join(part.text for part in segments)) or AUTO
    return PinOrder(
        description=who.description or "",
        moods=[part.bank_mood for part in segments if part.bank_mood is not None],
        seed=seed,
        language=language,
        design_model=design_model,
        base=base,
    )


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
        ReferenceAudioError: no take of the person can be used as a recording.
        VoiceFileError, OutputError: the library cannot be read or written.
    """
    kept = library.get(order.name) if order.name in library.names() else None
    missing = order.missing(kept)
    if kept is not None and not missing:
        return Pinned(voice=kept, num_takes=0)
    with closing(open_designer()) as designer:
        drawn = {mood: _takes(designer, order, mood) for mood in missing}
    voice, notes = kept or _neutral_voice(order, drawn[None], base), list[str]()
    for mood, takes in drawn.items():
        if mood is not None:
            voice, note = _with_mood(voice, order, mood, takes, base)
            notes += [] if note is None else [note]
    library.put(voice, replace=True)
    num_takes = sum(len(takes) for takes in drawn.values())
    return Pinned(voice=voice, num_takes=num_takes, notes=tuple(notes))


def _takes(designer: Synthesizer, order: PinOrder, mood: str | None) -> list[Candidate]:
    """Returns the takes to choose from; the neutral ones stop at the first that can be used."""
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
    takes: list[Candidate] = []
    for take in candidates:
        takes.append(take)
        if mood is None and _is_usable(take):
            break
    return takes


def _neutral_voice(order: PinOrder, takes: Sequence[Candidate], base: Cloning) -> Voice:
    take = takes[-1]
    if not _is_usable(take):
        raise ReferenceAudioError(
            f"{order.description!r}: none of {len(takes)} takes could be kept, each missed its end "
            "or was too short; try another --identity-seed, or other words."
        )
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


def _with_mood(
    voice: Voice, order: PinOrder, mood: str, takes: Sequence[Candidate], base: Cloning
) -> tuple[Voice, str | None]:
    """Returns the person with the best recording of a mood, and what is to be known of it."""
    person, usable = voice.x_vector, [take for take in takes if _is_usable(take)]
    assert person is not None  # `_neutral_voice` gave it one
    name = f"{order.description!r}, {mood}"
    if not usable:
        return voice, f"{name}: none of {len(takes)} takes could be kept; it is spoken neutrally"
    nearness = [
        similarity(base.clone(_clip(take.audio), x_vector_only=True).x_vector, person)
        for take in usable
    ]
    best = max(range(len(usable)), key=nearness.__getitem__)
    grown = replace(voice, references=(*voice.references, _reference(mood, usable[best], base)))
    if nearness[best] >= MIN_SIMILARITY:
        return grown, None
    return grown, (
        f"{name}: the nearest of {len(takes)} recordings has similarity {nearness[best]:.2f} with "
        f"the neutral one, below {MIN_SIMILARITY:.2f}"
    )


def _reference(mood: str | None, take: Candidate, base: Cloning) -> Reference:
    prompt = base.clone(_clip(take.audio), take.text)
    return Reference(
        mood=mood, text=prompt.ref_text, codes=prompt.ref_codes, x_vector=prompt.x_vector
    )


def _is_usable(take: Candidate) -> bool:
    """Whether a take ended by itself and says enough to be a recording."""
    audio = take.audio
    is_long = speech_s(audio.samples, audio.sample_rate_hz) >= MIN_SPEECH_S
    return audio.finish_reason == "stop" and is_long


def _clip(audio: Audio) -> tuple[Samples, int]:
    return audio.samples, audio.sample_rate_hz

"""How a mood reaches a take without touching who speaks: one table of routes, best first.

Identity and delivery are two inputs. A mood may choose another recording of the same person, or
add words about the manner; it never chooses another person, and where the models allow neither it
is spoken neutrally and said so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from intone.core.types import Capabilities, VoiceClonePrompt
from intone.render.identity import Identity

Route = Literal["plain", "bank", "instruct", "anchor", "described", "neutral"]
"""plain: no mood was asked for.
bank: the voice's own recording in that mood.
instruct: words beside a preset.
anchor: as bank, but the recording is still to be designed.
described: the description and the mood, drawn anew each time; the person is not locked.
neutral: the mood cannot be performed here."""

SOLO_MOOD = "whispering"
SOLO_WORDS = "a whisper close to the microphone, as if alone"

_SYNONYMS: tuple[tuple[str, ...], ...] = (
    ("neutral", "normal", "plain", "natural"),
    ("whispering", "whisper", "whispered", "hushed", "quiet"),
    ("shouting", "shout", "yelling", "yell", "loud"),
    ("angry", "anger", "furious", "mad", "rage"),
    ("happy", "happiness", "joyful", "joy", "cheerful", "glad"),
    ("excited", "excitement", "thrilled", "enthusiastic"),
    ("sad", "sadness", "sorrowful", "unhappy", "melancholy"),
    ("afraid", "fearful", "fear", "scared", "frightened"),
    ("surprised", "surprise", "astonished", "amazed"),
    ("calm", "calmly", "relaxed", "peaceful", "soothing"),
    ("serious", "grave", "solemn", "stern"),
    ("gentle", "soft", "tender", "warm"),
    ("relieved", "relief"),
    ("tired", "weary", "exhausted", "sleepy"),
)
"""Moods that name one recording; the first word stands for the group, the first group for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How something is to be said."""

    mood: str | None = None
    directives: tuple[tuple[str, str], ...] = ()
    is_solo: bool = False
    """Close to the microphone, to nobody else."""
    standing: str | None = None
    """Of the speaker, whatever the mood: the cast's instruct."""

    @property
    def moods(self) -> tuple[str, ...]:
        """What a bank is searched for, best first; empty is the neutral recording."""
        mood = () if self.mood is None or is_neutral(self.mood) else (self.mood,)
        return (*mood, SOLO_MOOD) if self.is_solo else mood

    @property
    def words(self) -> str | None:
        """The manner as an instruct, one sentence; None where nothing is asked for."""
        parts = [mood.lower() for mood in self.moods[:1] if not self.is_solo or self.mood]
        parts += [f"{key}: {value}" for key, value in self.directives]
        parts += [SOLO_WORDS] if self.is_solo else []
        manner = f"Delivery: {'; '.join(parts)}." if parts else None
        standing = f"{self.standing.strip().rstrip('.')}." if self.standing else None
        return " ".join(part for part in (standing, manner) if part) or None

    @property
    def name(self) -> str:
        """The manner in a message."""
        return self.mood or ("(Solo)" if self.is_solo else self.words or "neutral")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Voice and instruct of one take."""

    route: Route
    voice: str | VoiceClonePrompt | None
    instruct: str | None = None
    bank_mood: str | None = None
    """The recording that is used; None is the neutral one."""
    note: str | None = None
    """What could not be done, in a sentence."""


def is_neutral(mood: str) -> bool:
    """Whether a mood asks for the voice as it is."""
    return _key(mood) in _SYNONYMS[0]


def find_mood(mood: str, bank: Sequence[str]) -> str | None:
    """Returns the bank's name for a mood: the same word in any case, else a synonym, else None."""
    wanted = _key(mood)
    same = next((name for name in bank if _key(name) == wanted), None)
    if same is not None:
        return same
    group = next((group for group in _SYNONYMS if wanted in group), ())
    return next((name for name in bank if _key(name) in group), None)


def mood_group(mood: str) -> str:
    """Returns one word for all the synonyms of a mood; the mood itself where none are known."""
    wanted = _key(mood)
    return next((group[0] for group in _SYNONYMS if wanted in group), wanted)


def deliver(identity: Identity, manner: Manner, abilities: Capabilities) -> Delivery:
    """Returns how an identity says something in a manner, by the first route that is open.

    Args:
        identity: one that this synthesizer can speak with (`identity.check_can_speak`).
        abilities: of the synthesizer that will speak.
    """
    found = (route(identity, manner, abilities) for route in _ROUTES)
    return next(delivery for delivery in found if delivery is not None)


def _described(who: Identity, how: Manner, can: Capabilities) -> Delivery | None:
    """A VoiceDesign model speaks alone: it is told who and how, and draws the person anew."""
    if who.description is None or can.kind != "design":
        return None
    sentence = f"{who.description.strip().rstrip('.')}."
    return Delivery(
        route="described",
        voice=None,
        instruct=" ".join(part for part in (sentence, how.words) if part),
        note=f"{who.name} is not locked: a VoiceDesign model draws a person anew for every "
        "segment, here with one seed; pull a Base model to keep the first one: "
        "intone models pull 1.7b-base.",
    )


def _anchor(who: Identity, how: Manner, can: Capabilities) -> Delivery | None:
    """A person that is yet to be designed, one recording per mood."""
    if who.description is None or who.voice is not None:
        return None
    return Delivery(route="anchor", voice=None, bank_mood=next(iter(how.moods), None))


def _bank(who: Identity, how: Manner, can: Capabilities) -> Delivery | None:
    if who.voice is None:
        return None
    found = (find_mood(mood, who.voice.moods) for mood in how.moods)
    mood = next((mood for mood in found if mood is not None), None)
    if mood is None:
        return None
    ignored = ", ".join(f"{key}: {value}" for key, value in how.directives)
    return Delivery(
        route="bank",
        voice=who.voice.prompt(mood),
        bank_mood=mood,
        note=f"[{ignored}] is not followed: {who.name} is a cloned voice, and those take no words "
        "about the manner." if ignored else None,
    )  # fmt: skip


def _plain(who: Identity, how: Manner, can: Capabilities) -> Delivery | None:
    return Delivery(route="plain", voice=who.spoken_voice) if how.words is None else None


def _instruct(who: Identity, how: Manner, can: Capabilities) -> Delivery | None:
    if who.preset is None or not can.follows_instruct:
        return None
    return Delivery(route="instruct", voice=who.preset, instruct=how.words)


def _neutral(who: Identity, how: Manner, can: Capabilities) -> Delivery:
    if who.voice is None:
        way_out = f"{can.model} follows no instructs; CustomVoice 1.7B does"
    else:
        bank = ", ".join(who.voice.moods) or "no mood"
        way_out = (
            f"its recordings know {bank}; add one: intone voices clone {who.voice.name} "
            f"--mood {mood_group(next(iter(how.moods), 'angry'))} --audio FILE"
        )
    return Delivery(
        route="neutral",
        voice=who.spoken_voice,
        note=f"{who.name}: {how.name!r} is spoken neutrally; {way_out}.",
    )


_ROUTES: tuple[Callable[[Identity, Manner, Capabilities], Delivery | None], ...] = (
    _described,
    _anchor,
    _bank,
    _plain,
    _instruct,
    _neutral,
)
"""Best first; a route that is closed returns None, the last one never does."""


def _key(mood: str) -> str:
    return " ".join(mood.casefold().split())

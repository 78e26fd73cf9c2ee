"""Voices from a description: every draw is another person, so several are drawn and one is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intone.core.errors import InvalidSettingError, UnsupportedModeError
from intone.core.seeds import derived_seed
from intone.core.synthesizer import Synthesizer
from intone.core.types import Audio, SpeechRequest

MAX_CANDIDATES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One person that a description may be."""

    number: int
    """From 1; with the round's seed it decides the draw, however many are drawn."""
    seed: int
    """Of this take."""
    description: str
    text: str
    language: str
    audio: Audio


def iter_candidates(
    synthesizer: Synthesizer,
    description: str,
    text: str,
    *,
    count: int,
    seed: int,
    language: str = "auto",
) -> Iterator[Candidate]:
    """Yields candidates as they are drawn, one after the other.

    Args:
        description: who speaks, in words.
        text: what they say; the kept take becomes a reference clip, so 5 to 10 s of it serve best.
        count: 1 to 20.
        seed: of the round; the same one draws the same candidates.

    Raises:
        InvalidSettingError: a count outside its range, or no description.
        UnsupportedModeError: the model designs no voices.
        RequestError: the text or the language cannot be served.
    """
    if not 1 <= count <= MAX_CANDIDATES:
        raise InvalidSettingError(f"count is {count}; allowed: 1 to {MAX_CANDIDATES} candidates.")
    if not description.strip():
        raise InvalidSettingError("the description is empty; say who speaks, in a sentence.")
    abilities = synthesizer.capabilities()
    if abilities.kind != "design":
        raise UnsupportedModeError(
            f"{abilities.model} is a {abilities.kind} model; voices are designed by a VoiceDesign "
            "model: --model 1.7b-design (`intone models pull 1.7b-design`)."
        )
    return _draw(synthesizer, description, text, count, seed, language)


def draw_candidate(
    synthesizer: Synthesizer,
    description: str,
    text: str,
    *,
    number: int,
    seed: int,
    language: str = "auto",
) -> Candidate:
    """Returns one candidate, drawn with a seed of its own; raises as `iter_candidates`.

    Args:
        number: its place in the round.
        seed: of this take; see `candidate_seed`.
    """
    request = SpeechRequest(text=text, instruct=description, language=language, seed=seed)
    return Candidate(
        number=number,
        seed=seed,
        description=description,
        text=text,
        language=language,
        audio=synthesizer.synthesize(request),
    )


def candidate_seed(seed: int, number: int) -> int:
    """Returns the seed of a place in a round.

    Args:
        seed: of the round.
        number: from 1.
    """
    return derived_seed(seed, "candidate", number)


def next_seed(seed: int, number: int, seed_now: int | None) -> int:
    """Returns the seed with which a place is drawn again: the same round has the same ones.

    Args:
        seed: of the round.
        number: from 1.
        seed_now: of the take that stands there; None where none does.
    """
    if seed_now is None:
        return candidate_seed(seed, number)
    return derived_seed(seed_now, "candidate again", number)


def _draw(
    synthesizer: Synthesizer, description: str, text: str, count: int, seed: int, language: str
) -> Iterator[Candidate]:
    for number in range(1, count + 1):
        one_seed = candidate_seed(seed, number)
        yield draw_candidate(
            synthesizer, description, text, number=number, seed=one_seed, language=language
        )

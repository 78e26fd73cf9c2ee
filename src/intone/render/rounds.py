"""A round of candidates is drawn onto the disk, take by take; a place of it is drawn again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from intone.core.synthesizer import Synthesizer
from intone.render.designing import Candidate, draw_candidate, iter_candidates, next_seed
from intone.voices.candidates import CandidateFolder, CandidateRound

Watch = Callable[[CandidateRound, Candidate], None]
"""Told about every take as soon as it is on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundOrder:
    """What a round is drawn from."""

    description: str
    text: str
    language: str
    count: int
    seed: int


def draw_round(
    order: RoundOrder,
    synthesizer: Synthesizer,
    folder: CandidateFolder,
    watch: Watch | None = None,
) -> CandidateRound:
    """Returns a round with all its candidates; what was drawn before an error stays.

    Raises:
        RequestError: it cannot be drawn as asked.
        OutputError: the folder cannot be written.
        IntoneError: as the synthesizer.
    """
    drawn: CandidateRound | None = None
    for one in iter_candidates(
        synthesizer,
        order.description,
        order.text,
        count=order.count,
        seed=order.seed,
        language=order.language,
    ):
        drawn = drawn or _new_round(order, synthesizer, folder)
        drawn = drawn.with_take(one.number, one.audio)
        if watch is not None:
            watch(drawn, one)
    assert drawn is not None, "a round has a candidate at least"
    return drawn


def draw_again(
    drawn: CandidateRound, number: int, synthesizer: Synthesizer, watch: Watch | None = None
) -> CandidateRound:
    """Returns a round with another person at one of its places.

    Raises:
        InvalidSettingError: it has no such place.
        OutputError: the folder cannot be written.
        IntoneError: as the synthesizer.
    """
    take = drawn.take(number)
    one = draw_candidate(
        synthesizer,
        drawn.description,
        drawn.text,
        number=number,
        seed=next_seed(drawn.seed, number, take.seed),
        language=drawn.language,
    )
    grown = drawn.with_take(number, one.audio)
    if watch is not None:
        watch(grown, one)
    return grown


def _new_round(
    order: RoundOrder, synthesizer: Synthesizer, folder: CandidateFolder
) -> CandidateRound:
    return CandidateRound(
        directory=folder.new_directory(datetime.now()),
        description=order.description,
        text=order.text,
        language=order.language,
        model=synthesizer.capabilities().model,
        seed=order.seed,
    )

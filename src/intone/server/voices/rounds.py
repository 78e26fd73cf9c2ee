"""Rounds of designed candidates over HTTP: drawn, heard, kept or removed."""

from __future__ import annotations

import asyncio
import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from intone.core.errors import InvalidSettingError, ModelNotFoundError, UnsupportedModeError
from intone.core.types import Capabilities
from intone.render.designing import MAX_CANDIDATES
from intone.render.rounds import RoundOrder
from intone.render.rounds import draw_round as draw_candidates
from intone.server.background import BackgroundModel, background_turn
from intone.server.errors import INVALID_REQUEST, ApiError
from intone.server.services import Services
from intone.server.speech.outcome import TakeFigures
from intone.server.voices.choosing import models_of
from intone.voices.candidates import CandidateFolder, CandidateRound, CandidateTake

MAX_ROUNDS = 200
ROUTE = "/v1/audio/voices/design"


def designing_model(asked: str | None, services: Services) -> Capabilities:
    """Returns the VoiceDesign model; raises ModelNotFoundError, UnsupportedModeError."""
    if asked is not None:
        can = services.source.describe(asked)
        if can.kind != "design":
            raise UnsupportedModeError(
                f"model {asked!r} is a {can.kind} model; voices are designed by a VoiceDesign "
                "model."
            )
        return can
    found = next((can for _, can in models_of(services.source) if can.kind == "design"), None)
    if found is None:
        raise ModelNotFoundError(
            "no model of this server designs voices; whoever runs it adds one: "
            "intone models pull 1.7b-design."
        )
    return found


async def draw_round(
    order: RoundOrder, can: Capabilities, services: Services, key_id: str
) -> CandidateRound:
    """Returns a round with all its candidates; a cancelled one keeps those it has.

    Raises:
        RequestError: it cannot be drawn as asked.
        ApiError: there are too many rounds.
    """
    folder = CandidateFolder(services.library.directory)
    check_count(order.count)
    await asyncio.to_thread(_check_room, folder)
    turn = background_turn(
        services.admission, services.pool, key_id=key_id, model=can.model, is_background=False
    )
    figures = partial(TakeFigures, services.metrics, ROUTE)
    model = BackgroundModel(asyncio.get_running_loop(), can, turn, figures)
    # A thread of its own: this one waits for work that needs those of the event loop.
    threads = ThreadPoolExecutor(1, thread_name_prefix="intone-design")
    drawing = asyncio.get_running_loop().run_in_executor(
        threads, draw_candidates, order, model, folder
    )
    try:
        return await asyncio.shield(drawing)
    except asyncio.CancelledError:
        model.stop()
        await asyncio.gather(drawing, return_exceptions=True)
        raise
    finally:
        threads.shutdown(wait=False)


def find_round(services: Services, name: str) -> CandidateRound:
    """Returns a round; raises ApiError (404) where there is none of that name."""
    folder = CandidateFolder(services.library.directory)
    if name not in folder.names():
        raise _not_found("round", f"no round {name[:64]!r}; it was removed, or never drawn.")
    return folder.get(name)


def find_take(drawn: CandidateRound, number: int) -> CandidateTake:
    """Returns a candidate; raises ApiError (404)."""
    try:
        return drawn.take(number)
    except InvalidSettingError as error:
        raise _not_found("number", str(error)) from error


def remove_round(services: Services, name: str) -> None:
    """Removes a round with its audio; raises ApiError (404)."""
    shutil.rmtree(find_round(services, name).directory, ignore_errors=True)


def check_count(count: int) -> None:
    """Raises InvalidSettingError for a number of candidates that is not drawn."""
    if not 1 <= count <= MAX_CANDIDATES:
        raise InvalidSettingError(f"n is {count}; allowed: 1 to {MAX_CANDIDATES} candidates.")


def _check_room(folder: CandidateFolder) -> None:
    found = len(folder.names())
    if found >= MAX_ROUNDS:
        raise ApiError(
            429,
            "rate_limit_error",
            "too_many_rounds",
            f"this server keeps {found} rounds of candidates; allowed: {MAX_ROUNDS}. Remove some: "
            "DELETE /v1/audio/voices/design/{round}.",
        )


def _not_found(param: str, message: str) -> ApiError:
    return ApiError(404, INVALID_REQUEST, "candidate_not_found", message, param=param)

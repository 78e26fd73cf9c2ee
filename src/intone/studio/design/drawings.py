"""Rounds while they are drawn: in threads of their own, whoever looks on, and whether anybody does.

A page that is closed or reloaded finds its round again, on the disk and here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from intone.core.errors import (
    CapacityError,
    EngineStoppedError,
    IntoneError,
    InvalidSettingError,
)
from intone.core.types import SpeechRequest
from intone.render.designing import Candidate
from intone.render.rounds import RoundOrder, Watch, draw_again, draw_round
from intone.render.sidecar import VoiceRecord
from intone.studio.desk import Desk, ThreadModel
from intone.studio.parts.keeping import keep_take
from intone.voices.candidates import CandidateFolder, CandidateRound

MODE = "studio-design"
MAX_AT_ONCE = 4
"""Of one caller: each is a thread."""

_MAX_KEPT = 32
"""Drawings that are over and still known: pages ask for their end."""

State = Literal["drawing", "done", "stopped", "failed"]
Work = Callable[[ThreadModel, Watch], CandidateRound]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingNow:
    """How a drawing stands."""

    id: int
    key_id: str
    model: str
    state: State
    drawn: CandidateRound | None
    """None before the first take is on the disk."""
    places: tuple[int, ...]
    """That this drawing fills, in order."""
    num_filled: int = 0
    error: IntoneError | None = None

    @property
    def place(self) -> int | None:
        """The place that is drawn now."""
        is_open = self.state == "drawing" and self.num_filled < len(self.places)
        return self.places[self.num_filled] if is_open else None

    @property
    def waiting(self) -> tuple[int, ...]:
        """The places after it."""
        return self.places[self.num_filled + 1 :] if self.state == "drawing" else ()


class Drawings:
    """The drawings of all callers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._known: dict[int, DrawingNow] = {}
        self._models: dict[int, ThreadModel] = {}
        self._stopped: set[int] = set()
        self._next_id = 1

    @property
    def folder(self) -> CandidateFolder:
        """Where rounds lie."""
        return CandidateFolder(self._desk.library.directory)

    def begin(self, key_id: str, model: str, order: RoundOrder) -> DrawingNow:
        """Starts a round and returns at once; call it on the event loop.

        Raises:
            CapacityError: this caller has enough of them running.
        """
        places = tuple(range(1, order.count + 1))
        return self._start(
            key_id,
            model,
            None,
            places,
            lambda one, watch: draw_round(order, one, self.folder, watch),
        )

    def again(self, key_id: str, name: str, number: int) -> DrawingNow:
        """Starts to draw one place of a round again; call it on the event loop.

        Raises:
            InvalidSettingError: there is no such place, or the round is being drawn.
            VoiceFileError: the round's file is damaged.
            ModelNotFoundError: no model here designs voices.
            CapacityError: this caller has enough of them running.
        """
        drawn = self.folder.get(name)
        drawn.take(number)
        self._check_idle(name)
        model = self._desk.models.for_kind("design")
        return self._start(
            key_id,
            model,
            drawn,
            (number,),
            lambda one, watch: draw_again(drawn, number, one, watch),
        )

    def remove(self, name: str) -> None:
        """Removes a round with its sounds.

        Raises:
            InvalidSettingError: there is none of that name, or it is being drawn.
            OutputError: the system refused.
        """
        self._check_idle(name)
        self.folder.remove(name)

    def get(self, key_id: str, id: int | None) -> DrawingNow | None:
        """Returns a drawing of a caller; None where it is not theirs, or long over."""
        with self._lock:
            found = None if id is None else self._known.get(id)
        return found if found is not None and found.key_id == key_id else None

    def running(self, key_id: str) -> DrawingNow | None:
        """Returns the newest drawing of a caller that is not over."""
        theirs = (one for one in reversed(self._running()) if one.key_id == key_id)
        return next(theirs, None)

    def stop(self, key_id: str, id: int | None) -> bool:
        """Stops a drawing within a frame; returns whether it was one."""
        if self.get(key_id, id) is None or id is None:
            return False
        with self._lock:
            model = self._models.get(id)
            self._stopped.add(id)
        if model is not None:
            model.stop()
        return model is not None

    def _running(self) -> list[DrawingNow]:
        with self._lock:
            return [one for one in self._known.values() if one.state == "drawing"]

    def _check_idle(self, name: str) -> None:
        if any(one.drawn is not None and one.drawn.name == name for one in self._running()):
            raise InvalidSettingError(
                "this round is being drawn just now; wait for its end, or stop it."
            )

    def _check_room(self, key_id: str) -> None:
        if sum(one.key_id == key_id for one in self._running()) >= MAX_AT_ONCE:
            raise CapacityError(
                f"{MAX_AT_ONCE} rounds are being drawn for you already; stop one of them, or wait "
                "for its end."
            )

    def _start(
        self,
        key_id: str,
        model: str,
        drawn: CandidateRound | None,
        places: tuple[int, ...],
        work: Work,
    ) -> DrawingNow:
        self._check_room(key_id)
        speaker = self._desk.models.in_thread(key_id, model)
        with self._lock:
            id, self._next_id = self._next_id, self._next_id + 1
            begun = DrawingNow(
                id=id, key_id=key_id, model=model, state="drawing", drawn=drawn, places=places
            )
            self._known[id], self._models[id] = begun, speaker
            self._forget()
        threading.Thread(
            target=self._run, args=(begun, speaker, work), name="intone-design", daemon=True
        ).start()
        return begun

    def _run(self, begun: DrawingNow, speaker: ThreadModel, work: Work) -> None:
        state: State = "failed"
        error: IntoneError | None = EngineStoppedError(
            "drawing ended by a fault of the studio; its log says more. Draw again."
        )
        try:
            work(speaker, partial(self._filled, begun))
            state, error = "done", None
        except EngineStoppedError as stopped:
            was_asked = begun.id in self._stopped  # else the engine died, which is told
            state, error = ("stopped", None) if was_asked else ("failed", stopped)
        except IntoneError as told:
            error = told
        finally:
            self._change(begun.id, state=state, error=error)
            with self._lock:
                self._models.pop(begun.id, None)

    def _filled(self, begun: DrawingNow, drawn: CandidateRound, one: Candidate) -> None:
        """Keeps a candidate as a take like any other, and tells who looks on."""
        with self._lock:
            now = self._known[begun.id]
            self._known[begun.id] = replace(now, drawn=drawn, num_filled=now.num_filled + 1)
        keep_take(
            self._desk.takes(begun.key_id),
            mode=MODE,
            text=one.text,
            request=SpeechRequest(
                text=one.text, instruct=one.description, language=one.language, seed=one.seed
            ),
            audio=one.audio,
            is_streamed=True,
            voice=VoiceRecord(kind="default"),
            model=self._desk.models.record(begun.model),
        )

    def _change(self, id: int, *, state: State, error: IntoneError | None) -> None:
        with self._lock:
            self._known[id] = replace(self._known[id], state=state, error=error)

    def _forget(self) -> None:
        """Drops the oldest of those that are over; the lock is held."""
        over = [id for id, one in self._known.items() if one.state != "drawing"]
        for id in over[: max(0, len(over) - _MAX_KEPT)]:
            del self._known[id]
            self._stopped.discard(id)

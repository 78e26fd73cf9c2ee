"""The CPU's runner: the networks as ONNX Runtime sessions, everything between them in numpy.

A slot holds one take: its part of the caches, the talker's last hidden row and logits, the ids
drawn so far. The talker's step covers all slots from the lowest to the highest asked for, whose
caches lie side by side, in one pass over the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from intone.core.types import Codes
from intone.models.config import TalkerConfig
from intone.models.raw_tensors import Array
from intone.prompt.talker_prompt import Ids
from intone.runtime.cpu.networks import PredictorNetwork, TalkerNetwork
from intone.runtime.cpu.sampling import Seen, draw, penalise
from intone.runtime.cpu.tables import Tables
from intone.runtime.immediate import ImmediateRunner
from intone.runtime.job import FrameBatch, SlotJob
from intone.runtime.rng import Uniforms
from intone.runtime.slots import NUM_CONTROL_IDS, Slot, slot_uniforms
from intone.runtime.stage_times import StageTimes
from intone.runtime.text_rows import TextRows


@dataclass(slots=True, kw_only=True, eq=False)
class _Running(Slot):
    """A take with what the talker last said of it."""

    text_rows: TextRows[Array]
    hidden: Array
    """[H]"""
    logits: Array
    """[V]"""
    seen: Seen
    """[V]: the ids of codebook 0 drawn so far."""


class CpuRunner(ImmediateRunner):
    """Implements the engine's `Runner`; used by one thread."""

    def __init__(
        self,
        talker: TalkerNetwork,
        predictor: PredictorNetwork,
        tables: Tables,
        config: TalkerConfig,
        *,
        num_slots: int,
        num_positions: int,
        times: StageTimes,
    ) -> None:
        """Takes over the networks; `times` is where the stages are counted."""
        super().__init__(num_slots, num_positions)
        self._talker = talker
        self._predictor = predictor
        self._tables = tables
        self._config = config
        self._times = times
        self._banned = _banned_ids(config)
        self._slots: dict[int, _Running] = {}

    def prefill(self, slot: int, job: SlotJob) -> None:
        """Prefills a free slot with the job's prompt."""
        started = perf_counter()
        rows = self._tables.prompt(job.prompt)
        out = self._talker.prefill(slot, rows)
        self._slots[slot] = _Running(
            job=job,
            position=len(rows),
            text_rows=TextRows(job.prompt, self._embedded_text),
            hidden=out["hidden"][0].copy(),
            logits=out["logits"][0].copy(),
            seen=np.zeros(self._config.vocab_size, dtype=np.bool_),
        )
        self._times.prefill_s += perf_counter() - started

    def _embedded_text(self, ids: Ids) -> Sequence[Array]:
        return list(self._tables.text(ids))

    def step(self, slots: Sequence[int]) -> FrameBatch:
        """Makes one frame for each slot: codebook 0, the rest of the frame, the next talker row."""
        running = [self._slots[slot] for slot in slots]
        uniforms = slot_uniforms(running, self._config.num_codebooks)
        codes = np.zeros((len(slots), self._config.num_codebooks), dtype=np.int64)
        codes[:, 0] = [
            self._draw_codebook0(slot, row[0]) for slot, row in zip(running, uniforms, strict=True)
        ]
        ended = codes[:, 0] == self._config.codec_eos_id
        live = np.flatnonzero(~ended)
        if len(live):
            started = perf_counter()
            going = [slot for slot, is_over in zip(running, ended, strict=True) if not is_over]
            codes[live], total = self._complete(going, codes[live, 0], uniforms[live])
            predicted = perf_counter()
            self._advance(
                [slot for slot, is_over in zip(slots, ended, strict=True) if not is_over], total
            )
            self._times.code_predictor_s += predicted - started
            self._times.talker_s += perf_counter() - predicted
        return FrameBatch(codes=codes, ended=ended)

    def _draw_codebook0(self, slot: _Running, uniform: float) -> int:
        logits = slot.logits
        penalise(logits, slot.seen, slot.job.sampling)
        logits[self._banned] = -np.inf
        if not slot.may_end:
            logits[self._config.codec_eos_id] = -np.inf
        code = draw(logits, slot.job.sampling, uniform)
        slot.seen[code] = True
        return code

    def _complete(
        self, running: Sequence[_Running], codebook0: Codes, uniforms: Uniforms
    ) -> tuple[Codes, Array]:
        """Returns whole frames [N, K] and the sum of their embeddings [N, H]."""
        codes = np.empty((len(running), self._config.num_codebooks), dtype=np.int64)
        codes[:, 0] = codebook0
        total = self._tables.codec(0, codebook0)
        rows = np.stack([np.stack([slot.hidden for slot in running]), total], axis=1)
        for book in range(1, self._config.num_codebooks):
            logits = self._predictor.logits(book, rows)
            for i, slot in enumerate(running):
                codes[i, book] = draw(logits[i], slot.job.predictor_sampling, uniforms[i, book])
            embedded = self._tables.codec(book, codes[:, book])
            total = total + embedded
            rows = embedded[:, None]
        return codes, total

    def _advance(self, slots: Sequence[int], frame_rows: Array) -> None:
        """One talker step: each slot's frame [N, H] plus its text row becomes its next row."""
        first, end = min(slots), max(slots) + 1
        rows = np.zeros((end - first, frame_rows.shape[1]), dtype=np.float32)
        # A slot in between that is not asked for gets a row that its own next step overwrites.
        positions = np.array(
            [self._slots[i].position if i in self._slots else 0 for i in range(first, end)],
            dtype=np.int32,
        )
        for slot, row in zip(slots, frame_rows, strict=True):
            running = self._slots[slot]
            rows[slot - first] = row + running.text_rows.of_frame(running.frame)
        out = self._talker.decode(first, rows, positions)
        for slot in slots:
            running = self._slots[slot]
            running.hidden = out["hidden"][slot - first].copy()
            running.logits = out["logits"][slot - first].copy()
            running.advance()

    def release(self, slot: int) -> None:
        """Frees a slot; unknown slots are free already."""
        self._slots.pop(slot, None)

    def close(self) -> None:
        """Drops the networks and every running take; their memory goes back to the system."""
        self._slots.clear()
        del self._talker, self._predictor, self._tables


def _banned_ids(config: TalkerConfig) -> Seen:
    """Returns bool [V]: control ids other than the end."""
    banned = np.zeros(config.vocab_size, dtype=np.bool_)
    banned[config.vocab_size - NUM_CONTROL_IDS :] = True
    banned[config.codec_eos_id] = False
    return banned

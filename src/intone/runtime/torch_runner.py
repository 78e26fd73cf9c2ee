"""The eager runner: any torch device, no graphs. One request is the case N = 1.

A slot holds one take: its rows of the talker cache, the last hidden row and its logits, the ids
drawn so far and the text rows still to come. `step` makes one frame for each of the slots it is
given; what a frame sounds like is the decoder's business (`torch_codec`).
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import torch
from torch import Tensor

from intone.models.code_predictor import CodePredictor
from intone.models.rows import embed_rows
from intone.models.talker import Talker
from intone.prompt.talker_prompt import Ids, TalkerPrompt
from intone.runtime.immediate import ImmediateRunner
from intone.runtime.job import FrameBatch, SlotJob
from intone.runtime.predictor_step import PredictorStep
from intone.runtime.sampling import SamplingBatch, draw, penalise
from intone.runtime.slots import NUM_CONTROL_IDS, Slot, slot_uniforms
from intone.runtime.stage_times import StageTimes
from intone.runtime.talker_cache import DecodeAttention, PrefillAttention, TalkerCache
from intone.runtime.text_rows import TextRows


class TorchRunner(ImmediateRunner):
    """Implements the engine's `Runner` with the networks as they are."""

    def __init__(
        self,
        talker: Talker,
        predictor: CodePredictor,
        *,
        num_slots: int,
        num_positions: int,
        times: StageTimes | None = None,
    ) -> None:
        """Allocates every cache.

        Args:
            num_positions: rows of prompt and frames that one slot can hold.
            times: where the stages are counted; None counts for this runner alone.
        """
        super().__init__(num_slots, num_positions)
        weight = talker.model.norm.weight
        self.num_positions = num_positions
        self.times = StageTimes() if times is None else times
        self._device = weight.device
        self._talker = talker
        self._predictor = predictor
        self._steps = PredictorStep(predictor, num_slots)
        self._table = talker.rotary_table(num_positions, weight.device)
        block, vocab = talker.config.block, talker.config.vocab_size
        self._cache = TalkerCache(block, num_slots, num_positions, weight.device, weight.dtype)
        self._hidden = torch.zeros(
            num_slots, block.hidden_size, device=weight.device, dtype=weight.dtype
        )
        self._logits = torch.zeros(num_slots, vocab, device=weight.device)
        self._seen = torch.zeros(num_slots, vocab, dtype=torch.bool, device=weight.device)
        self._banned = _banned_ids(vocab, talker.config.codec_eos_id, weight.device)
        self._slots: dict[int, Slot] = {}
        self._text_rows: dict[int, TextRows[Tensor]] = {}
        """By slot."""
        self._settings: tuple[tuple[int, ...], SamplingBatch, SamplingBatch] | None = None

    @torch.inference_mode()
    def prefill(self, slot: int, job: SlotJob) -> None:
        """Prefills a free slot with the job's prompt."""
        started = perf_counter()
        rows = self._prompt_rows(job.prompt)
        hidden = self._talker(rows[None], self._table, 0, PrefillAttention(self._cache, slot))
        self._keep(torch.tensor([slot], device=self._device), hidden[:, -1])
        self._seen[slot] = False
        self._text_rows[slot] = TextRows(job.prompt, self._embedded_text)
        self._slots[slot] = Slot(job=job, position=len(rows))
        self._settings = None
        self.times.prefill_s += perf_counter() - started

    def _prompt_rows(self, prompt: TalkerPrompt) -> Tensor:
        text_ids = torch.from_numpy(prompt.text_ids).to(self._device)
        codec_ids = torch.from_numpy(prompt.codec_ids).to(self._device)
        rows = embed_rows(self._talker, self._predictor, text_ids, codec_ids)
        if prompt.speaker_row is not None:
            rows[prompt.speaker_row] += torch.from_numpy(prompt.x_vector).to(rows)
        return rows

    def _embedded_text(self, ids: Ids) -> Sequence[Tensor]:
        return self._talker.embed_text(torch.from_numpy(ids).to(self._device)).unbind()

    @torch.inference_mode()
    def step(self, slots: Sequence[int]) -> FrameBatch:
        """Makes one frame for each slot: codebook 0, the rest of the frame, the next talker row."""
        running = [self._slots[slot] for slot in slots]
        rows = torch.tensor(slots, device=self._device)
        books = self._talker.config.num_codebooks
        uniforms = torch.from_numpy(slot_uniforms(running, books)).to(self._device)
        codebook0 = self._draw_codebook0(rows, running, uniforms)
        ended = codebook0 == self._talker.config.codec_eos_id
        codes = torch.zeros(len(running), books, dtype=torch.int64, device=self._device)
        live = [i for i, is_end in enumerate(ended.tolist()) if not is_end]
        if live:
            pick = torch.tensor(live, device=self._device)
            codes[pick] = self._complete([slots[i] for i in live], codebook0[pick], uniforms[pick])
        return FrameBatch(codes=codes.cpu().numpy(), ended=ended.cpu().numpy())

    def _sampling(self, slots: Sequence[int]) -> tuple[SamplingBatch, SamplingBatch]:
        """Settings of these slots for talker and code predictor; kept while the set stays."""
        key = tuple(slots)
        if self._settings is None or self._settings[0] != key:
            jobs = [self._slots[slot].job for slot in slots]
            self._settings = (
                key,
                SamplingBatch.of([job.sampling for job in jobs], self._device),
                SamplingBatch.of([job.predictor_sampling for job in jobs], self._device),
            )
        return self._settings[1], self._settings[2]

    def _draw_codebook0(self, rows: Tensor, running: Sequence[Slot], uniforms: Tensor) -> Tensor:
        sampling, _ = self._sampling(rows.tolist())
        logits = penalise(self._logits[rows], self._seen[rows], sampling)
        logits = logits.masked_fill(self._banned, float("-inf"))
        too_early = [i for i, slot in enumerate(running) if not slot.may_end]
        if too_early:
            logits[too_early, self._talker.config.codec_eos_id] = float("-inf")
        codebook0 = draw(logits, sampling, uniforms[:, 0])
        self._seen[rows, codebook0] = True
        return codebook0

    def _complete(self, slots: Sequence[int], codebook0: Tensor, uniforms: Tensor) -> Tensor:
        """Completes the frames of slots that go on, and feeds them to the talker."""
        started = perf_counter()
        rows = torch.tensor(slots, device=self._device)
        _, sampling = self._sampling(slots)
        embedded = self._talker.model.codec_embedding(codebook0)
        codes, total = self._steps.complete(
            self._hidden[rows], codebook0, embedded, sampling, uniforms
        )
        predicted = perf_counter()
        self._advance(slots, rows, total)
        self.times.code_predictor_s += predicted - started
        self.times.talker_s += perf_counter() - predicted
        return codes

    def _advance(self, slots: Sequence[int], rows: Tensor, frame_rows: Tensor) -> None:
        """One talker step: each slot's frame [N, H] plus its text row becomes its next row."""
        running = [self._slots[slot] for slot in slots]
        positions = [slot.position for slot in running]
        x = frame_rows + torch.stack(
            [self._text_rows[i].of_frame(s.frame) for i, s in zip(slots, running, strict=True)]
        )
        hidden = self._talker.decode(
            x[:, None],
            self._table,
            torch.tensor(positions, device=self._device),
            DecodeAttention(self._cache, slots, positions),
        )
        self._keep(rows, hidden[:, 0])
        for slot in running:
            slot.advance()

    def _keep(self, rows: Tensor, hidden: Tensor) -> None:
        self._hidden[rows] = hidden
        self._logits[rows] = self._talker.codec_head(hidden).float()

    def release(self, slot: int) -> None:
        """Frees a slot; unknown slots are free already."""
        self._slots.pop(slot, None)
        self._text_rows.pop(slot, None)
        self._settings = None

    def close(self) -> None:
        """Drops every running take; the caches go with the runner."""
        self._slots.clear()
        self._text_rows.clear()


def _banned_ids(vocab_size: int, eos_id: int, device: torch.device) -> Tensor:
    """Returns bool [V]: control ids other than the end."""
    banned = torch.zeros(vocab_size, dtype=torch.bool, device=device)
    banned[vocab_size - NUM_CONTROL_IDS :] = True
    banned[eos_id] = False
    return banned

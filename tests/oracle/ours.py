"""The same quantities from our side, through the runner that every take goes through."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from intone.audio.reference import load_reference
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import SamplingParams, VoiceClonePrompt
from intone.engine.decoder import AudioDecoder
from intone.engine.pages import PagePool
from intone.engine.runner import Runner
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.rows import embed_rows
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.prompt.tokenizer import TextTokenizer
from intone.runtime.cpu.opening import GraphParts, open_graphs
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.graphs import GraphPool
from intone.runtime.job import PageLayout, SlotJob, SlotStart
from intone.runtime.slot_codec import SlotDecoder
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_runner import TorchRunner
from intone.voices.cloning import Cloner

GREEDY = SamplingParams(repetition_penalty=1.05, greedy=True)
GREEDY_PREDICTOR = SamplingParams(greedy=True)
_NUM_POSITIONS = 256
_PAGE_POSITIONS = 64

Way = Literal["torch", "onnx", "recorded"]
"""The networks as they are, the CPU's graphs, or what a GPU records."""
WAYS: tuple[Way, ...] = get_args(Way)
_CPU = Placement(torch.device("cpu"), torch.float32)


class Ours:
    """One checkpoint loaded by Intone in fp32."""

    def __init__(self, directory: Path) -> None:
        self.checkpoint = Checkpoint(directory)
        self.talker = self.checkpoint.load_talker(_CPU)
        self.predictor = self.checkpoint.load_code_predictor(_CPU)
        self.decoder = self.checkpoint.load_codec_decoder(_CPU.device)
        self.tokenizer = TextTokenizer.from_dir(directory)
        self.builder = PromptBuilder(self.checkpoint.config, self.tokenizer)

    @torch.inference_mode()
    def prompt_rows(self, prompt: TalkerPrompt) -> Tensor:
        """Returns the prefill's input rows, [T, H]."""
        rows = embed_rows(
            self.talker,
            self.predictor,
            torch.from_numpy(prompt.text_ids),
            torch.from_numpy(prompt.codec_ids),
        )
        if prompt.speaker_row is not None:
            assert prompt.x_vector is not None
            rows[prompt.speaker_row] += torch.from_numpy(prompt.x_vector)
        return rows

    @torch.inference_mode()
    def trailing_rows(self, prompt: TalkerPrompt, count: int) -> Tensor:
        """Returns the text rows beside the first `count` frames, [count, H]."""
        ids = [prompt.text_id_of_frame(frame) for frame in range(count)]
        return self.talker.embed_text(torch.tensor(ids))

    def runner(self, way: Way, num_slots: int) -> Runner:
        """Returns one of the three that make frames."""
        if way == "onnx":
            return self.graphs(num_slots).runner
        if way == "torch":
            return TorchRunner(
                self.talker, self.predictor, num_slots=num_slots, num_positions=_NUM_POSITIONS
            )
        return GraphRunner(
            self.talker,
            self.predictor,
            num_slots=num_slots,
            layout=PageLayout(num_slots * _NUM_POSITIONS // _PAGE_POSITIONS, _PAGE_POSITIONS),
            num_positions=_NUM_POSITIONS,
            graphs=GraphPool(_CPU.device),
        )

    def graphs(self, num_slots: int = 1) -> GraphParts:
        """Returns the CPU's own runner and decoder of this checkpoint, in fp32."""
        return open_graphs(
            self.checkpoint.description,
            "fp32",
            num_slots=num_slots,
            num_positions=_NUM_POSITIONS,
            threads=1,
            environ=os.environ,
            times=StageTimes(),
        )

    def greedy_codes(
        self,
        specs: Sequence[PromptSpec],
        num_frames: int,
        sampling: SamplingParams = GREEDY,
        *,
        way: Way = "torch",
    ) -> list[np.ndarray]:
        """Returns codes [F, K] of every spec, made in one batch.

        F is less than `num_frames` for a take that the talker ended.
        """
        runner = self.runner(way, len(specs))
        pages = PagePool(runner.pages)
        runner.begin(
            [
                SlotStart(
                    slot=slot,
                    job=SlotJob(
                        prompt=self.builder.build(spec),
                        sampling=sampling,
                        predictor_sampling=GREEDY_PREDICTOR,
                        seed=0,
                    ),
                    pages=pages.borrow(runner.pages.pages_for(_NUM_POSITIONS)),
                )
                for slot, spec in enumerate(specs)
            ]
        )
        frames: list[list[np.ndarray]] = [[] for _ in specs]
        running = list(range(len(specs)))
        for _ in range(num_frames):
            runner.launch(running)
            batch = runner.collect()
            for codes, ended, slot in zip(batch.codes, batch.ended, running, strict=True):
                if not ended:
                    frames[slot].append(codes)
            running = [s for s, ended in zip(running, batch.ended, strict=True) if not ended]
        return [np.stack(take) for take in frames]

    def audio(self, codes: np.ndarray, way: Way = "torch") -> np.ndarray:
        """Returns the samples [F * 1920] of codes [F, K]; torch decodes them whole."""
        if way == "torch":
            with torch.inference_mode():
                return self.decoder(torch.from_numpy(codes.astype(np.int64)).T[None])[0].numpy()
        decoder: AudioDecoder[Any] = (
            self.graphs().decoder
            if way == "onnx"
            else SlotDecoder(self.decoder, num_streams=1, graphs=GraphPool(_CPU.device))
        )
        return decoder.decode([decoder.open(None)], [codes.astype(np.int64)])[0]

    @torch.inference_mode()
    def teacher_forced(self, spec: PromptSpec, codes: np.ndarray) -> tuple[Tensor, Tensor]:
        """Returns talker logits [T + F, V] and code predictor logits [F, K - 1, V]."""
        prompt = self.builder.build(spec)
        frames = torch.from_numpy(codes.astype(np.int64))
        prefill = self.prompt_rows(prompt)
        text_ids = torch.tensor([prompt.text_id_of_frame(f) for f in range(len(frames))])
        decoded = embed_rows(self.talker, self.predictor, text_ids, frames)
        hidden = self.talker.teacher_forced(torch.cat([prefill, decoded])[None])[0]
        predicted = self.predictor.teacher_forced(
            hidden[len(prefill) - 1 : -1], self.talker.embed_codebook0(frames[:, 0]), frames
        )
        return self.talker.codec_head(hidden), predicted

    def clone(self, samples: np.ndarray) -> VoiceClonePrompt:
        """Returns the voice of a 24 kHz clip, made as upstream makes it: no silence appended."""
        clip = load_reference((samples, SAMPLE_RATE_HZ))
        return Cloner(self.checkpoint.directory, "cpu").clone(clip, "a", append_silence=False)

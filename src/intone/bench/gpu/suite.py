"""The parts in order, each within its share of the time, each kept as soon as it is there."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from intone.bench.contestant import Contestant
from intone.bench.gpu.frame_parts import measure_frame
from intone.bench.gpu.host import measure_host
from intone.bench.gpu.open_loop import measure_open_loop
from intone.bench.gpu.opening import label_of, open_model
from intone.bench.gpu.peer import measure_peer, peer_process, why_not
from intone.bench.gpu.results import Entry
from intone.bench.gpu.single import measure_single
from intone.bench.gpu.sizes import SuiteSize
from intone.bench.gpu.speaker import Speaker
from intone.bench.gpu.streams import measure_streams
from intone.bench.gpu.timing import Budget
from intone.core.errors import IntoneError
from intone.engine.settings import EngineSettings
from intone.models.checkpoint import Placement
from intone.runtime.torch_opening import DTYPES

_log = logging.getLogger("intone")

OUT_OF_TIME = "not measured: the time was over"
OTHER_RUNNER = "on a CPU the server runs its built graphs, not the recorded frames of a GPU"
FAKE_MODEL = "any model"
"""The host's side does not depend on it."""

Keep = Callable[[str, str, Entry], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteSetting:
    """What is measured, on what."""

    device: str
    dtype: str
    size: SuiteSize
    parts: Sequence[str]
    peer_python: Path

    @property
    def num_slots(self) -> int:
        return max(self.size.stream_counts)

    @property
    def facts(self) -> Mapping[str, str | int | bool]:
        """What figures were taken with."""
        return {
            "intone": version("intone"),
            "dtype": self.dtype,
            "num_slots": self.num_slots,
            "is_quick": self.size.is_quick,
        }


_MODEL_PARTS = {"single": 3.0, "frame": 1.0, "streams": 3.0, "peer": 3.0}
"""Parts that share one loaded model, and their shares of the time."""
_OPEN_LOOP_SHARE = 4.0
_ENGINE_PARTS = ("single", "streams", "peer")
_FAILURES = (IntoneError, RuntimeError)
"""What a part may end with; a device reports its errors as RuntimeError."""
PARTS = ("host", *_MODEL_PARTS, "open-loop")


def run_suite(models: Sequence[Path], setting: SuiteSetting, budget: Budget, kept: Keep) -> bool:
    """Measures the parts that were asked for; returns whether each found something.

    The first model comes first in everything, and it alone is measured in a server, whose start
    takes another load: should the time run out, the others have less.

    Args:
        kept: told of each entry when it is there.
    """
    if setting.device == "cpu":
        torch.set_num_threads(1)  # a tiny model's products gain nothing from a second one
    else:
        # Parts that are timed alone do not choose; and torch takes a number, not "cuda".
        torch.cuda.set_device(torch.device(setting.device).index or 0)
    suite = _Suite(setting, budget, kept)
    if "host" in setting.parts:
        suite.measure("host", FAKE_MODEL, suite.host)
    own = sum(_MODEL_PARTS[part] for part in setting.parts if part in _MODEL_PARTS)
    served = _OPEN_LOOP_SHARE if "open-loop" in setting.parts else 0.0
    for index, model in enumerate(models):
        others = own * (len(models) - index - 1)
        rest = served if index == 0 else 0.0
        if own:
            suite.measure_model(model, budget.part(own / (own + rest + others)))
        if rest:
            suite.measure_served(model, budget.part(rest / (rest + others)))
    return suite.is_complete


class _Suite:
    """One run of the suite."""

    def __init__(self, setting: SuiteSetting, budget: Budget, kept: Keep) -> None:
        self.is_complete = True
        self._setting = setting
        self._budget = budget
        self._kept = kept
        self._device = torch.device(setting.device)

    def measure(
        self,
        part: str,
        model: str,
        work: Callable[[], Sequence[object]],
        note: str | None = None,
    ) -> None:
        """Keeps what a part finds; what goes wrong in one part does not cost the others."""
        if self._budget.is_over:
            self._keep(part, model, Entry.now(note=OUT_OF_TIME))
            return
        try:
            figures = work()
        except _FAILURES as error:
            self._fail(part, model, error)
            return
        self._keep(part, model, Entry.now(figures, note if figures else OUT_OF_TIME))

    def _keep(self, part: str, model: str, entry: Entry) -> None:
        self.is_complete &= bool(entry.figures)
        self._kept(part, model, replace(entry, setting=self._setting.facts))

    def _fail(self, part: str, model: str, error: Exception) -> None:
        _log.warning("%s, %s failed", part, model, exc_info=error)
        self._keep(part, model, Entry.now(note=f"failed: {error!r}"))

    def host(self) -> Sequence[object]:
        size = self._setting.size
        return [measure_host(size.host_streams, size.host_frames)]

    def measure_served(self, model: Path, budget: Budget) -> None:
        """Measures the server."""
        note = OTHER_RUNNER if self._device.type == "cpu" else None
        self.measure("open-loop", label_of(model), lambda: self._open_loop(model, budget), note)

    def _open_loop(self, model: Path, budget: Budget) -> Sequence[object]:
        slots = str(self._setting.num_slots)
        settings = {
            "INTONE_MODEL__DEVICE": self._setting.device,
            "INTONE_MODEL__DTYPE": self._setting.dtype,
            "INTONE_MODEL__SLOTS": slots,
            "INTONE_QUEUE__RUNNING": slots,
        }
        return measure_open_loop(model, settings, self._setting.size.open_loop, budget)

    def measure_model(self, model: Path, budget: Budget) -> None:
        """Measures one checkpoint: with an engine, the peer beside it, and then without."""
        label = label_of(model)
        if any(part in _ENGINE_PARTS for part in self._setting.parts):
            self._measure_speaking(model, label, budget)
            self._free()
        if "frame" in self._setting.parts:
            self.measure("frame", label, lambda: self._frame(model))
            self._free()

    def _measure_speaking(self, model: Path, label: str, budget: Budget) -> None:
        with ExitStack() as stack:
            peer = self._peer(model, label, stack)
            try:
                loaded = open_model(model, self._engine_settings())
            except _FAILURES as error:
                for part in self._setting.parts:
                    if part in _ENGINE_PARTS:
                        self._fail(part, label, error)
                return
            stack.callback(loaded.engine.close)
            speaker = Speaker(loaded)
            works: dict[str, Callable[[Budget], Sequence[object]]] = {
                "single": lambda share: measure_single(speaker, self._setting.size.single, share),
                "streams": lambda share: self._streams(speaker, share),
            }
            if peer is not None:
                works["peer"] = lambda share: self._beside(speaker, peer, share)
            self._in_turn(label, works, budget)

    def _free(self) -> None:
        """Gives back what closed models held: the server is another process, and needs it."""
        gc.collect()
        if self._device.type == "cuda":
            torch.cuda.empty_cache()

    def _in_turn(
        self, label: str, works: dict[str, Callable[[Budget], Sequence[object]]], budget: Budget
    ) -> None:
        parts = [part for part in self._setting.parts if part in works]
        for index, part in enumerate(parts):
            left = sum(_MODEL_PARTS[each] for each in parts[index:])
            share = budget.part(_MODEL_PARTS[part] / left)
            self.measure(part, label, partial(works[part], share))

    def _engine_settings(self) -> EngineSettings:
        return EngineSettings(
            device=self._setting.device,
            dtype=self._setting.dtype,
            num_slots=self._setting.num_slots,
            num_positions=1024,
        )

    def _streams(self, speaker: Speaker, budget: Budget) -> Sequence[object]:
        size = self._setting.size
        return measure_streams(
            speaker, size.stream_frames, size.stream_rounds, budget, size.stream_counts
        )

    def _peer(self, model: Path, label: str, stack: ExitStack) -> Contestant | None:
        """Returns the peer, started; keeps why there is none."""
        if "peer" not in self._setting.parts:
            return None
        reason = why_not(self._setting.peer_python)
        if self._device.type != "cuda":
            reason = "faster-qwen3-tts needs CUDA"
        if reason is not None:
            self._kept("peer", label, Entry.now(note=reason))  # nobody asked in vain: no failure
            return None
        peer = peer_process(
            model,
            self._setting.device,
            self._setting.dtype,
            self._setting.size.single.num_frames,
            self._setting.peer_python,
        )
        try:
            return stack.enter_context(peer)
        except IntoneError as error:
            self._fail("peer", label, error)
            return None

    def _beside(self, speaker: Speaker, peer: Contestant, budget: Budget) -> Sequence[object]:
        size = self._setting.size
        return [measure_peer(speaker, peer, size.single.num_frames, size.peer_takes, budget)]

    def _frame(self, model: Path) -> Sequence[object]:
        size, place = self._setting.size, Placement(self._device, DTYPES[self._setting.dtype])
        return measure_frame(model, place, size.stream_counts, size.step_rounds)

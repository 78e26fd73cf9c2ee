"""How good a run's checkpoints are: losses, sampled takes, and what became of the base's presets.

Every checkpoint is written as a model beside the run, speaks the same held-out texts with the same
seeds, and is measured: whether takes end, their pace, their voice, their words. Takes are sampled,
as the model is used; greedy ones never end. Results are kept by checkpoint, so another call does
what is missing. The synthesizer comes from outside: this room makes weights, not sound.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from intone.audio.durable import make_directory
from intone.core.errors import DatasetError
from intone.core.synthesizer import Synthesizer
from intone.models.checkpoint import Checkpoint
from intone.train.encoded import EncodedDataset
from intone.train.evaluation.eval_files import (
    BASE,
    RECORDINGS,
    EvalSummary,
    Protocol,
    read_figures,
    summarise,
    write_eval,
)
from intone.train.evaluation.eval_items import BUDGET_FRAMES, BUDGET_RATIO, choose_items, items_hash
from intone.train.evaluation.eval_takes import Ears, TakePlan, make_takes, measure_recordings
from intone.train.evaluation.held_out_loss import held_out_losses
from intone.train.evaluation.scores import Take, figures_of
from intone.train.evaluation.untouched import UntouchedPresets
from intone.train.exporting.staged import staged_directory, symlink_or_copy
from intone.train.exporting.tuned import base_directory, tuned_plan, write_tuned
from intone.train.hearing.recognise import Recogniser
from intone.train.progress import OnProgress, StageProgress, silent
from intone.train.tuning.choice import chosen_checkpoint, eval_directory
from intone.train.tuning.run_files import complete_checkpoints, read_run, read_state
from intone.train.tuning.run_log import read_log


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalRequest:
    """What to evaluate, and with what."""

    run: Path
    dataset: EncodedDataset
    """The run's own."""
    open_synthesizer: Callable[[Path], Synthesizer]
    """Of a model directory; closed after use."""
    base: Path | None = None
    """None is the directory that the run began with."""
    speaker_model: Path | None = None
    """Checkpoint whose speaker encoder made the dataset's x-vectors; None measures no voices."""
    recogniser: Recogniser | None = None
    recogniser_name: str | None = None
    """Tells results of different recognisers apart."""
    checkpoints: Sequence[str] = ()
    """Names; none is every one of the run."""
    num_texts: int = 8
    takes_per_text: int = 2
    seed: int = 0
    concurrency: int = 4
    """Takes at once."""
    device: str = "cpu"
    """Of the networks that measure."""
    precision: str = ""
    """Of the synthesizer, in words: results of different ones are told apart."""
    includes_base: bool = True
    """Also measures the untouched base, cloning the speakers, where it can."""


def evaluate(
    request: EvalRequest,
    *,
    say: Callable[[str], None] = print,
    on_progress: OnProgress = silent,
) -> EvalSummary:
    """Measures what has not been measured yet and returns everything side by side.

    Args:
        say: takes remarks worth a line.

    Raises:
        RunError: no such run or checkpoint, or its base is gone.
        DatasetError: other data than the run's, or nothing held out.
        ModelError: a checkpoint cannot be written or spoken with.
    """
    evaluation = _Evaluation(request, say)
    evaluation.measure_recordings()
    names = evaluation.names()
    missing = [n for n in names if read_figures(request.run, n, evaluation.protocol) is None]
    counter = _Counter(len(names), len(missing), evaluation.plan.num_takes, on_progress)
    for name in missing:
        counter.name = name
        evaluation.measure(name, counter)
    return summarise(request.run, evaluation.protocol)


class _Counter:
    """Reports takes, those of earlier calls included."""

    def __init__(self, names: int, missing: int, takes: int, on_progress: OnProgress) -> None:
        self.name = ""
        self._total, self._skipped = names * takes, (names - missing) * takes
        self._done, self._started = self._skipped, time.perf_counter()
        self._on_progress = on_progress

    def __call__(self, take: Take) -> None:
        self._done += 1
        self._on_progress(
            StageProgress(
                done=self._done,
                total=self._total,
                unit="takes",
                elapsed_s=time.perf_counter() - self._started,
                skipped=self._skipped,
                note=self.name,
            )
        )


class _Evaluation:
    """What all checkpoints of one call have in common."""

    def __init__(self, request: EvalRequest, say: Callable[[str], None]) -> None:
        self._request = request
        self._record = read_run(request.run)
        if request.dataset.content_hash != self._record.data_hash:
            raise DatasetError(
                "the data have changed since the run began; evaluate it on the data it was "
                "trained on, or train again."
            )
        self._base = base_directory(self._record, request.base)
        self._device = torch.device(request.device)
        self.plan = TakePlan(
            items=choose_items(request.dataset, request.num_texts),
            takes_per_item=request.takes_per_text,
            seed=request.seed,
            concurrency=request.concurrency,
        )
        self._ears = self._open_ears()
        self.protocol = self._protocol()
        self._presets = self._untouched_presets(say)

    def _untouched_presets(self, say: Callable[[str], None]) -> UntouchedPresets:
        request = self._request
        trained = {encoded.row.speaker for encoded in request.dataset.split("train")}
        presets = Checkpoint(self._base).config.speakers
        return UntouchedPresets(
            base=self._base,
            names=[name for name in presets if name not in trained],
            text=self.plan.items[0].row.text,
            seed=request.seed,
            keep_at=request.run / "eval" / "presets.safetensors",
            key=self._record.base_sha256,
            open_synthesizer=request.open_synthesizer,
            device=self._device,
            say=say,
        )

    def _open_ears(self) -> Ears:
        request, encoder = self._request, None
        # A described voice is nobody's: there is nothing to be similar to.
        has_voices = self._record.settings.target != "design"
        if request.speaker_model is not None and has_voices:
            encoder = Checkpoint(request.speaker_model).load_speaker_encoder(self._device)
        return Ears(
            speaker_encoder=encoder,
            device=self._device,
            speakers=request.dataset.speakers if encoder is not None else {},
            recogniser=request.recogniser,
        )

    def _protocol(self) -> Protocol:
        request = self._request
        return {
            "texts": items_hash(self.plan.items),
            "takes_per_text": request.takes_per_text,
            "seed": request.seed,
            "budget": [BUDGET_RATIO, BUDGET_FRAMES],
            "measures_voices": self._ears.speaker_encoder is not None,
            "recogniser": request.recogniser_name,
            "precision": request.precision,
        }

    def names(self) -> list[str]:
        """Returns what is to be evaluated."""
        request = self._request
        wanted = [chosen_checkpoint(request.run, name).name for name in request.checkpoints]
        wanted = wanted or [path.name for path in complete_checkpoints(request.run)]
        return [BASE, *wanted] if self._base_can_clone() else wanted

    def _base_can_clone(self) -> bool:
        has_references = all(item.reference is not None for item in self.plan.items)
        return self._request.includes_base and self._record.base_kind == "base" and has_references

    def measure_recordings(self) -> None:
        """Makes the recordings' evaluation, where they are and there is something to learn."""
        target = eval_directory(self._request.run, RECORDINGS)
        measures = self._ears.speaker_encoder is not None or self._ears.recogniser is not None
        if not measures or read_figures(self._request.run, RECORDINGS, self.protocol) is not None:
            return
        takes = measure_recordings(self.plan.items, self._ears)
        if takes:
            figures = figures_of(takes, loss=None, preset_drift=None)
            write_eval(target, figures, takes, None, self.protocol)

    def measure(self, name: str, on_take: Callable[[Take], None]) -> None:
        """Makes one evaluation and keeps it, whole or not at all."""
        target = eval_directory(self._request.run, name)
        with self._model_of(name) as model, staged_directory(target, replaces=True) as staged:
            (staged / "takes").mkdir()
            synthesizer = self._request.open_synthesizer(model)
            try:
                takes = make_takes(synthesizer, self.plan, self._ears, staged / "takes", on_take)
            finally:
                synthesizer.close()
            drift = None if name == BASE else self._presets.drift(model)
            mean = sum(drift.values()) / len(drift) if drift else None
            figures = figures_of(takes, loss=self._loss(name, model), preset_drift=mean)
            write_eval(staged, figures, takes, drift, self.protocol)

    @contextmanager
    def _model_of(self, name: str) -> Iterator[Path]:
        """Yields a model directory of a checkpoint, which is gone afterwards."""
        if name == BASE:
            yield self._base
            return
        root = self._request.run / "eval"
        make_directory(root)
        source = chosen_checkpoint(self._request.run, name)
        kind = self._record.settings.target
        plan = tuned_plan(self._record, source, self._base, kind, keep_cloning=True)
        with tempfile.TemporaryDirectory(prefix=".model-", dir=root) as directory:
            write_tuned(plan, Path(directory), symlink_or_copy)
            yield Path(directory)

    def _loss(self, name: str, model: Path) -> float | None:
        """The run has measured it already, unless it was stopped between two checkpoints."""
        if name == BASE:
            lines = read_log(self._request.run)
            known = (line["loss"] for line in lines if line["step"] == 0 and "loss" in line)
            return next(known, None)
        losses = read_state(chosen_checkpoint(self._request.run, name))["validation"]
        if losses is not None:
            return float(losses["loss"])
        settings = self._record.settings
        return held_out_losses(model, self._request.dataset, settings, self._device).loss

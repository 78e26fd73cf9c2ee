"""A fine-tuning run from a checkpoint and encoded data to checkpoints of what was learnt.

Started again with the same settings it goes on where the newest whole checkpoint was written,
bit for bit on a CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from safetensors.torch import save_file
from torch import Tensor

from intone.core.errors import DatasetError, DivergedError
from intone.models.checkpoint import Checkpoint
from intone.prompt.tokenizer import TextTokenizer
from intone.train.progress import OnProgress, StageProgress, silent
from intone.train.tuning.batches import BatchPlan, collate
from intone.train.tuning.checkpoints import (
    drop_old_checkpoints,
    read_optimizer,
    read_weights,
    write_checkpoint,
)
from intone.train.tuning.restore import MemoryEstimate, open_voice, put_weights, take_weights
from intone.train.tuning.run_files import RunRecord, read_state
from intone.train.tuning.run_log import RunLog, read_log
from intone.train.tuning.run_setup import (
    RunRequest,
    make_record,
    open_accelerator,
    peak_memory_bytes,
    recompute_blocks,
    resume_point,
)
from intone.train.tuning.sequences import SequenceMaker, training_config
from intone.train.tuning.trainer import Monitor, StepReport, Trainer
from intone.train.tuning.validation import Losses, Validation, validation_maker

if TYPE_CHECKING:
    from accelerate import Accelerator

SUSPECT_LOSS = 5.0
"""An untouched model on clean speech starts near 2.5 (0.6B, FelysNeko s. 22.1); the public scripts'
misplaced labels give 8 to 22. Above this, data and model do not fit each other."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run came to."""

    steps: int
    num_steps: int
    reason: str
    """"finished", or "no better validation"."""
    first_loss: float | None
    """Validation loss of the untouched model."""
    best_loss: float | None
    frames: int
    """Target frames that this call trained on."""
    wall_s: float
    is_main: bool
    """Of several processes, the one that reports."""


def fine_tune(
    request: RunRequest, *, say: Say = print, on_progress: OnProgress = silent
) -> RunSummary:
    """Trains, or goes on training; returns when the run is over.

    Args:
        say: takes remarks worth a line, in the main process only.

    Raises:
        DatasetError: these rows cannot train this model.
        InvalidSettingError: settings that do not fit the model.
        RunError: the directory belongs to another run.
        DivergedError: the loss is no number or ran away; the rows are saved in `out`/diverged.
    """
    accelerator = open_accelerator(request)
    is_main = accelerator.is_main_process
    session = _Session.open(request, accelerator, say if is_main else _quiet)
    return session.train(on_progress if is_main else silent)


def _quiet(line: str) -> None:
    """Says nothing."""


class _Session:
    """One call of `fine_tune`: the run's files on one side, the trainer on the other."""

    def __init__(
        self,
        request: RunRequest,
        record: RunRecord,
        trainer: Trainer,
        validation: Validation | None,
        speakers: Mapping[str, Tensor],
        accelerator: Accelerator,
        say: Say,
    ) -> None:
        self._request, self._record, self._trainer = request, record, trainer
        self._validation, self._speakers = validation, speakers
        self._accelerator, self._say = accelerator, say
        self._step = 0
        self._first_loss: float | None = None

    @classmethod
    def open(cls, request: RunRequest, accelerator: Accelerator, say: Say) -> _Session:
        """Reads everything, checks that it belongs together, resumes where there is something."""
        settings, checkpoint = request.settings, Checkpoint(request.model)
        record, speakers = make_record(request, checkpoint)
        config = training_config(checkpoint.config, settings.target, dict(record.speakers))
        tokenizer = TextTokenizer.from_dir(checkpoint.directory)
        rows = request.dataset.split("train")
        if not rows:
            raise DatasetError(f"{request.data} has no training rows; check and encode some first.")
        maker = SequenceMaker(config, tokenizer, rows, settings)
        resumed = resume_point(request, record, accelerator)
        voice = open_voice(checkpoint, settings, speakers, record.speakers)
        if resumed is not None:
            put_weights(voice, read_weights(resumed))
        say(str(MemoryEstimate.of(voice)))
        if settings.checkpointing:
            recompute_blocks(voice)
        plan = BatchPlan(maker, settings.rows_per_step, settings.batch_positions, settings.seed)
        trainer = Trainer(accelerator, voice, plan, settings)
        held_out = request.dataset.split("validation")
        validation = None
        if held_out:
            own = validation_maker(SequenceMaker(config, tokenizer, held_out, settings))
            processes, rank = accelerator.num_processes, accelerator.process_index
            validation = Validation(own, settings, processes, rank)
        else:
            say("no validation rows: nothing tells when to stop; check with --validation 0.05")
        session = cls(request, record, trainer, validation, speakers, accelerator, say)
        if resumed is not None:
            session._resume(resumed)
        return session

    def _resume(self, checkpoint: Path) -> None:
        state = read_state(checkpoint)
        self._trainer.load_optimizer(read_optimizer(checkpoint))
        self._trainer.monitor = Monitor(**state["monitor"])
        self._step = int(state["step"])
        untouched = (line["loss"] for line in read_log(self._request.out) if line["step"] == 0)
        self._first_loss = next(untouched, None)
        self._say(f"going on after step {self._step}")

    def train(self, on_progress: OnProgress) -> RunSummary:
        """Runs the steps that are left."""
        trainer, started, begun_at, frames = self._trainer, perf_counter(), self._step, 0
        log = (
            RunLog(self._request.out, self._step, self._request.tensorboard) if self._main else None
        )
        if self._step == 0:
            self._validate_start(log)
        reason = "finished"
        with self._saving_when_interrupted(begun_at):
            while self._step < trainer.num_steps:
                if self._gave_up():
                    reason = "no better validation"
                    break
                report = self._make_step()
                self._step, frames = report.step, frames + report.frames
                self._report(report, log)
                on_progress(self._progress(report, begun_at, perf_counter() - started))
                if self._is_due():
                    self._save(log)
        if log is not None:
            log.close()
        return RunSummary(
            steps=self._step,
            num_steps=trainer.num_steps,
            reason=reason,
            first_loss=self._first_loss,
            best_loss=trainer.monitor.best,
            frames=frames,
            wall_s=perf_counter() - started,
            is_main=self._main,
        )

    @property
    def _main(self) -> bool:
        return bool(self._accelerator.is_main_process)

    def _gave_up(self) -> bool:
        patience = self._request.settings.patience
        return patience > 0 and self._trainer.monitor.worse >= patience

    def _is_due(self) -> bool:
        every = self._request.settings.save_every
        return self._step % every == 0 or self._step == self._trainer.num_steps

    def _validate_start(self, log: RunLog | None) -> None:
        if self._validation is None:
            return
        losses = self._trainer.validate(self._validation)
        self._first_loss = losses.loss
        self._trainer.monitor.validated(losses.loss)
        if log is not None:
            log.write("validation", 0, losses.to_json())
        self._say(f"before training: {_short(losses)}")
        if losses.loss > SUSPECT_LOSS:
            self._say(
                f"warning: a loss of {losses.loss:.1f} before the first step is above "
                f"{SUSPECT_LOSS:g}; texts, clips and model do not seem to fit each other"
            )

    def _make_step(self) -> StepReport:
        try:
            return self._trainer.step(self._step)
        except DivergedError:
            if self._main:
                self._save_rows()
            raise

    def _save_rows(self) -> None:
        """Keeps what the failed step saw, for whoever looks for the reason."""
        path = self._request.out / "diverged" / f"step-{self._step + 1:06d}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        batches = self._trainer.plan.step(self._step, 1)
        tensors: dict[str, Tensor] = {}
        for i, group in enumerate(batches.micro):
            batch = collate(group, self._trainer.plan.config)
            named = {"text_ids": batch.text_ids, "codec_ids": batch.codec_ids}
            tensors |= {f"{i}.{name}": tensor for name, tensor in named.items()}
        _, rows = self._trainer.plan.rows_of(self._step)
        held = self._request.dataset.split("train")
        ids = "\n".join(held[row].row.id for row in rows)
        save_file(tensors, path, metadata={"rows": ids})
        self._say(f"the rows of the step are in {path}")

    def _report(self, report: StepReport, log: RunLog | None) -> None:
        if report.step == 1 and self._validation is None and report.losses.loss > SUSPECT_LOSS:
            self._say(
                f"warning: the first loss is {report.losses.loss:.1f}, above {SUSPECT_LOSS:g}"
            )
        if log is not None:
            figures = {
                "epoch": report.epoch,
                **report.losses.to_json(),
                "grad_norm": report.grad_norm,
                "rate_scale": report.rate_scale,
                "rows": report.rows,
                "frames": report.frames,
                "padding": round(report.padding, 4),
                "wall_s": round(report.wall_s, 4),
                "frames_per_s": round(report.frames_per_s, 2),
                "peak_memory_bytes": peak_memory_bytes(),
            }
            log.write("step", report.step, figures)

    def _progress(self, report: StepReport, begun_at: int, elapsed_s: float) -> StageProgress:
        return StageProgress(
            done=report.step,
            total=self._trainer.num_steps,
            unit="steps",
            elapsed_s=elapsed_s,
            skipped=begun_at,
            note=f"loss {report.losses.loss:.3f}, {report.frames_per_s:.0f} frames/s",
        )

    def _save(self, log: RunLog | None) -> None:
        losses = None if self._validation is None else self._trainer.validate(self._validation)
        if losses is not None:
            is_best = self._trainer.monitor.validated(losses.loss)
            mark = ", the best so far" if is_best else ""
            self._say(f"step {self._step}: {_short(losses)}{mark}")
            if log is not None:
                log.write("validation", self._step, losses.to_json())
        self._write(losses)

    def _write(self, losses: Losses | None) -> None:
        state, moments = self._trainer.state()  # every process takes part
        if self._main:
            weights = take_weights(
                self._trainer.voice,
                state,
                self._request.settings,
                self._speakers,
                self._record.speakers,
            )
            write_checkpoint(
                self._request.out,
                self._step,
                weights,
                moments,
                None if losses is None else losses.to_json(),
                asdict(self._trainer.monitor),
            )
            drop_old_checkpoints(self._request.out, self._request.settings.keep)
        self._accelerator.wait_for_everyone()

    @contextmanager
    def _saving_when_interrupted(self, begun_at: int) -> Iterator[None]:
        """Ctrl-C between two checkpoints loses nothing in a single process."""
        try:
            yield
        except KeyboardInterrupt:
            if self._accelerator.num_processes == 1 and self._step > begun_at:
                self._write(None)
                self._say(f"stopped after step {self._step}; the same command goes on from there")
            raise


def _short(losses: Losses) -> str:
    return (
        f"loss {losses.loss:.3f} (codebook 0 {losses.first:.3f}, ends {losses.end:.3f}, "
        f"others {losses.rest:.3f}; ends right {100 * losses.end_accuracy:.0f} %)"
    )

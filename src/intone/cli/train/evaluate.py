"""`intone train eval`: how good a run's checkpoints are, and which one is best."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import directory_of
from intone.cli.options import Commands
from intone.cli.progress import Progress
from intone.core.errors import InvalidSettingError

if TYPE_CHECKING:
    from intone.core.synthesizer import Synthesizer
    from intone.train.evaluation.eval_files import EvalSummary
    from intone.train.evaluation.evaluate import EvalRequest
    from intone.train.evaluation.scores import Figures
    from intone.train.hearing.recognise import Recogniser

_HEADER = ("CHECKPOINT", "LOSS", "ENDED", "PACE", "VOICE", "WER", "PRESETS", "SCORE")


def add_parser(stages: Commands[argparse.ArgumentParser]) -> None:
    """Adds the stage."""
    parser = stages.add_parser(
        "eval",
        help="measure a run's checkpoints and choose the best",
        description="Speaks held-out texts with every checkpoint and measures what comes out.",
    )
    parser.add_argument("training", metavar="RUN", help="directory of `intone train run`")
    parser.add_argument(
        "--checkpoint",
        metavar="NAME",
        action="append",
        default=[],
        help="only this one; may be repeated (default: all)",
    )
    parser.add_argument("--texts", type=int, default=8, metavar="N", help="held-out texts")
    parser.add_argument("--takes", type=int, default=2, metavar="N", help="takes of each")
    parser.add_argument("--seed", type=int, default=0, help="of the first take")
    parser.add_argument(
        "--data", metavar="DATA", help="the run's data, where they have moved since"
    )
    parser.add_argument("--model", metavar="ID|DIR", help="the run's base, likewise")
    parser.add_argument(
        "--speaker-encoder",
        metavar="ID|DIR",
        help="Base checkpoint that measures voices (default: the run's base, if it can)",
    )
    parser.add_argument(
        "--recogniser",
        metavar="DIR",
        help="Whisper model in CTranslate2's format: measures words (extra: asr)",
    )
    parser.add_argument(
        "--no-base", action="store_true", help="do not measure the untouched base beside the run"
    )
    parser.add_argument("--slots", type=int, default=4, metavar="N", help="takes at once")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16, fp16")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Measures, prints a table, and says which checkpoint is best."""
    from intone.train.evaluation.eval_plot import draw_curves
    from intone.train.evaluation.evaluate import evaluate

    for name, value in (("texts", args.texts), ("takes", args.takes), ("slots", args.slots)):
        if value < 1:
            raise InvalidSettingError(f"--{name} is {value}; allowed: 1 or more.")
    with Progress() as progress:
        summary = evaluate(_request(args), on_progress=lambda state: progress.show(str(state)))
    for line in table(summary):
        print(line)
    curves = Path(args.training) / "eval" / "curves.png"
    draw_curves(summary, curves)
    print(f"best: {summary.best} (score of {', '.join(summary.terms)}); curves in {curves}")
    if summary.close_to_best:
        print(
            f"these takes cannot tell it from {', '.join(summary.close_to_best)}; more --texts and "
            "--takes can, and so can your ears (RUN/eval/NAME/takes)"
        )
    return EXIT_OK


def _request(args: argparse.Namespace) -> EvalRequest:
    from intone.engine.plan import resolve_device
    from intone.train.encoding.dataset import open_dataset
    from intone.train.evaluation.evaluate import EvalRequest
    from intone.train.evaluation.speaker_model import speaker_model_of
    from intone.train.tuning.run_files import read_run

    record = read_run(Path(args.training))
    data = Path(args.data or record.data)
    base = None if args.model is None else directory_of(args.model)
    named = None if args.speaker_encoder is None else directory_of(args.speaker_encoder)
    return EvalRequest(
        run=Path(args.training),
        dataset=open_dataset(data),
        open_synthesizer=lambda model: _open(model, args),
        base=base,
        speaker_model=speaker_model_of(data, base or Path(record.base), named),
        recogniser=_recogniser(args),
        recogniser_name=None if args.recogniser is None else Path(args.recogniser).name,
        checkpoints=args.checkpoint,
        num_texts=args.texts,
        takes_per_text=args.takes,
        seed=args.seed,
        concurrency=args.slots,
        device=resolve_device(args.device),
        precision=f"{resolve_device(args.device).partition(':')[0]} {args.dtype}",
        includes_base=not args.no_base,
    )


def _open(model: Path, args: argparse.Namespace) -> Synthesizer:
    from intone.tts import TTS

    return TTS(model, device=args.device, dtype=args.dtype, num_slots=args.slots)


def _recogniser(args: argparse.Namespace) -> Recogniser | None:
    if args.recogniser is None:
        return None
    from intone.train.hearing.recognise import open_recogniser

    return open_recogniser(Path(args.recogniser), args.device.partition(":")[0])


def table(summary: EvalSummary) -> Iterator[str]:
    """Yields the lines of a table: what was not measured is a dash."""
    scores = summary.scores
    rows: list[tuple[str, ...]] = [_HEADER]
    for name, figures in summary.figures.items():
        mark = " *" if name == summary.best else ""
        rows.append((name + mark, *_cells(figures), _number(scores.get(name), "+.3f")))
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        _number(figures.loss, ".3f"),
        f"{100 * (1 - figures.cap_hit_rate):.0f} %",
        f"{figures.duration_ratio:.2f}",
        _number(figures.similarity, ".3f"),
        "-" if figures.word_error_rate is None else f"{100 * figures.word_error_rate:.1f} %",
        _number(figures.preset_drift, ".3f"),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)

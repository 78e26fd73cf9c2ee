"""Runs one of the three comparisons and writes its figures."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from benchmarks.quality.ear import Ear
from benchmarks.quality.precision.agreement import BookRows, agreement_figures, compare
from benchmarks.quality.precision.codec import codec_figures
from benchmarks.quality.precision.forced import GraphNetworks, Networks, TorchNetworks
from benchmarks.quality.precision.histories import History, own_takes, random_frames
from benchmarks.quality.precision.takes import Heard, own_figures, paired_figures, speak

import intone
from intone import TTS
from intone.bench.machine import Machine
from intone.models.config import TalkerConfig
from intone.models.description import ModelDescription
from intone.models.raw_tensors import Array
from intone.runtime.cpu.built import precision_of
from intone.runtime.cpu.store import built_graphs
from intone.runtime.slots import NUM_CONTROL_IDS
from intone.voices.builtin_voice import builtin_directory
from intone.voices.encoders import Encoders

_SENTENCES = Path(__file__).parents[2] / "data" / "heldout_200.txt"
_TORCH = {"fp32": torch.float32, "bf16": torch.bfloat16}
_FORCED = (
    "fp32-graph",
    "bf16",
    "int8",
    "int8/fp32-graph",
    "fp32-graph/int8",
    "int4",
    "int4/fp32-graph",
    "fp32-graph/int4",
    "int4/int8",
)
_TAKES = ("int8", "int4", "bf16")
_GRAPH_NAMES = {"fp32-graph": "fp32"}


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a model's networks in a precision that a name says."""

    description: ModelDescription
    num_positions: int
    num_threads: int

    def graphs(self, name: str) -> AbstractContextManager[Path]:
        """Returns the directory of the built graphs; they are built where there are none."""
        precision = precision_of(_GRAPH_NAMES.get(name, name))
        return built_graphs(self.description.directory, precision, os.environ)

    def open(self, name: str) -> Networks:
        """Returns the networks: `bf16`, `int8`, or `int8/int4` for talker and code predictor."""
        if name in _TORCH:
            return TorchNetworks(self.description.directory, _TORCH[name])
        talker, _, predictor = name.partition("/")
        with self.graphs(talker) as first, self.graphs(predictor or talker) as second:
            return GraphNetworks(
                self.description,
                first,
                second,
                num_positions=self.num_positions,
                num_threads=self.num_threads,
            )


def forced(args: argparse.Namespace) -> dict[str, object]:
    """Compares what is drawn next after the same frames."""
    description = ModelDescription.read(args.model)
    histories = _histories(args, description)
    longest = max(history.num_positions for history in histories)
    opener = Opener(description, longest, args.threads)
    talker = description.config.talker
    reference = [_drawable(logits, talker) for logits in _logits(opener, "fp32", histories)]
    out: dict[str, object] = {}
    for name in args.precisions or _FORCED:
        rows = [
            _compared(theirs, ours, history, talker.codec_eos_id)
            for theirs, ours, history in zip(
                reference, _logits(opener, name, histories), histories, strict=True
            )
        ]
        out[name] = agreement_figures(rows, are_likely=not args.random_frames)
        _show(name, out[name])
    return {
        "model": args.model.name,
        "takes": len(histories),
        "frames": sum(len(history.codes) for history in histories),
        "frames_are": "random" if args.random_frames else "the model's own",
        "precisions": out,
    }


def _histories(args: argparse.Namespace, description: ModelDescription) -> list[History]:
    texts = _texts(args)
    if args.random_frames:
        return random_frames(description, texts, args.random_frames, args.seed)
    return own_takes(args.model, texts, args.seed)


def _logits(opener: Opener, name: str, histories: Sequence[History]) -> Iterator[list[Array]]:
    networks = opener.open(name)
    return (networks.logits(history) for history in histories)


def _drawable(logits: list[Array], talker: TalkerConfig) -> list[Array]:
    """Bans the control ids of codebook 0, as every runner does."""
    first = logits[0].copy()
    is_control = np.arange(talker.vocab_size) >= talker.vocab_size - NUM_CONTROL_IDS
    is_control[talker.codec_eos_id] = False
    first[:, is_control] = -np.inf
    return [first, *logits[1:]]


def _compared(
    reference: list[Array], other: list[Array], history: History, eos_id: int
) -> list[BookRows]:
    codes = [np.append(history.codes[:, 0], eos_id), *history.codes.T[1:]]
    return [compare(*book) for book in zip(reference, other, codes, strict=True)]


def takes(args: argparse.Namespace) -> dict[str, object]:
    """Compares takes of the same sentences and seeds."""
    once = _texts(args)
    texts = once * args.rounds
    seeds = list(range(args.seed, args.seed + len(texts)))
    ear, encoders = Ear(args.recogniser, judges_naturalness=False), Encoders(args.model, "cpu")

    def spoken(dtype: str, seeds: Sequence[int]) -> list[Heard]:
        with TTS(args.model, device="cpu", dtype=dtype, threads=args.threads) as tts:
            return speak(tts, ear, encoders, texts, seeds)

    reference = spoken("fp32", seeds)
    out: dict[str, object] = {"fp32": own_figures(reference)}
    others = {name: (name, seeds) for name in args.precisions or _TAKES}
    others["fp32, other seeds"] = ("fp32", [seed + 10_000 for seed in seeds])
    heard = {"fp32": reference}
    for name, (dtype, own_seeds) in others.items():
        heard[name] = spoken(dtype, own_seeds)
        out[name] = own_figures(heard[name]) | paired_figures(reference, heard[name])
        _show(name, out[name])
    return {
        "model": args.model.name,
        "sentences": len(once),
        "takes_of_each": args.rounds,
        "precisions": out,
        "texts": once,
        "heard": {name: [_listed(each) for each in group] for name, group in heard.items()},
    }


def _listed(heard: Heard) -> dict[str, object]:
    take = heard.take
    return {"heard": take.heard, "word_errors": take.word_errors, "audio_s": take.audio_s}


def codec(args: argparse.Namespace) -> dict[str, object]:
    """Compares the samples of the codec's graph with torch's."""
    description = ModelDescription.read(args.model)
    histories = _histories(args, description)
    with Opener(description, 0, args.threads).graphs("fp32") as graphs:
        figures = codec_figures(
            description,
            graphs,
            [history.codes for history in histories],
            chunk_frames=args.chunk_frames,
            num_threads=args.threads,
        )
    _show("codec", figures)
    return {"model": args.model.name, **figures}


def _texts(args: argparse.Namespace) -> list[str]:
    return args.sentences.read_text(encoding="utf-8").splitlines()[: args.num_sentences]


def _show(name: str, figures: object) -> None:
    print(f"{name}: {json.dumps(figures)}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="What the small precisions cost in quality.")
    commands = parser.add_subparsers(required=True)
    for work, num_sentences in ((forced, 20), (takes, 100), (codec, 20)):
        command = commands.add_parser(work.__name__, help=work.__doc__)
        command.set_defaults(work=work)
        command.add_argument("--model", type=Path, default=builtin_directory())
        command.add_argument("--sentences", type=Path, default=_SENTENCES)
        command.add_argument("--num-sentences", type=int, default=num_sentences)
        command.add_argument("--seed", type=int, default=1)
        command.add_argument("--threads", type=int, default=1)
        command.add_argument("--out", type=Path, required=True)
        if work is takes:
            command.add_argument("--recogniser", type=Path, required=True)
            command.add_argument("--rounds", type=int, default=1, help="takes of each sentence")
        else:
            command.add_argument("--random-frames", type=int, default=0, help="per sentence")
        if work is codec:
            command.add_argument("--chunk-frames", type=int, default=8)
        else:
            command.add_argument("--precisions", nargs="+")
    return parser


def main() -> None:
    """python -m benchmarks.quality.precision forced|takes|codec --out FILE"""
    args = _parser().parse_args()
    torch.set_num_threads(args.threads)
    names = ("torch", "onnxruntime", "numpy")
    result = {
        "date": date.today().isoformat(),
        "machine": asdict(Machine.here()),
        "versions": {"intone": intone.__version__, **{name: version(name) for name in names}},
        "threads": args.threads,
        "seed": args.seed,
        **args.work(args),
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(args.out)


if __name__ == "__main__":
    main()

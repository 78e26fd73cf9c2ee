"""What a book costs in memory, short and long: the peak of a process of its own for each.

    python -m benchmarks.book_memory --json OUT [--minutes 1 10] [--threads N]

The built-in voice speaks texts of as many sentences as the minutes need, each sentence another one,
in one chapter and one file, with loudness normalised: the case in which the most has to be joined.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import date
from pathlib import Path

from intone.bench.machine import Machine
from intone.bench.memory import ProcessMemory
from intone.cli import main as intone
from intone.text.duration import expected_duration

_WHO = ("The boatman", "My sister", "A doctor", "The old judge", "Nobody", "The harbour master")
_DID = ("walked down to", "had forgotten", "was afraid of", "painted", "sold", "waited beside")
_WHAT = ("the green door", "the last bridge", "a box of letters", "the winter road", "the well")
_WHEN = ("before the rain", "in the second year", "when the bells rang", "after supper", "at noon")
_WHY = ("because it was late", "and said so", "without a word", "as people do", "for a while")


def text_of(minutes: float, seed: int = 0) -> str:
    """Returns about so many minutes of different sentences in paragraphs of five."""
    rng, lines, left_s = random.Random(seed), list[str](), 60 * minutes
    while left_s > 0:
        parts = [rng.choice(words) for words in (_WHO, _DID, _WHAT, _WHEN, _WHY)]
        lines.append(f"{' '.join(parts)}.")
        left_s -= expected_duration(lines[-1], "english").typical_s + 0.35
    return "\n\n".join(" ".join(lines[i : i + 5]) for i in range(0, len(lines), 5))


def measure(minutes: float, threads: int) -> dict[str, object]:
    """Speaks a book in a process of its own; returns lengths and memory."""
    with tempfile.TemporaryDirectory() as directory:
        source, out = Path(directory, "text.txt"), Path(directory, "out")
        source.write_text(text_of(minutes), encoding="utf-8")
        argv = [sys.executable, "-m", "benchmarks.book_memory", "--child", str(source), str(out)]
        started = time.perf_counter()
        done = subprocess.run(
            [*argv, "--threads", str(threads)], check=True, capture_output=True, text=True
        )
        wall_s = time.perf_counter() - started
        manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    file = manifest["files"][0]
    return {
        "characters": len(text_of(minutes)),
        "audio_s": round(file["duration_s"], 1),
        "pieces": len(file["segments"]),
        "finish_reasons": sorted({part["finish_reason"] for part in file["segments"]}),
        "lowest_similarity": round(manifest["lowest_similarity"], 3),
        "mean_similarity": round(manifest["mean_similarity"], 3),
        "wall_s": round(wall_s, 1),
        "memory": json.loads(done.stdout.splitlines()[-1]),
    }


def speak(source: Path, out: Path, threads: int) -> None:
    """The child: speaks the book and prints its memory as the last line."""
    argv = ["book", str(source), "--out", str(out), "--voice", "ava", "--seed", "1"]
    argv += ["--one-file", "--loudness", "-19", "--threads", str(threads), "--model", "builtin"]
    if code := intone(argv):
        sys.exit(code)
    print(json.dumps({name: round(mb or 0) for name, mb in asdict(ProcessMemory.here()).items()}))


def main() -> None:
    """Measures and writes, or speaks as the child."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--child", type=Path, nargs=2)
    args = parser.parse_args()
    if args.child:
        speak(args.child[0], args.child[1], args.threads)
        return
    report = {
        "what": "peak memory of `intone book` with the built-in voice, by length of the text",
        "date": date.today().isoformat(),
        "machine": asdict(Machine.here()),
        "threads": args.threads,
        "books": [measure(minutes, args.threads) for minutes in args.minutes],
    }
    text = json.dumps(report, indent=1)
    print(text)
    if args.json:
        args.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

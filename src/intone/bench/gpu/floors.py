"""The least time of a frame on a device: bytes over its copy rate, FLOP over its product rate.

Counted from the checkpoint's configuration, as `bench.floors` does for a CPU; a device adds the
talker's keys and values, and many streams at once that share a pass over the weights. Whichever of
memory and arithmetic takes longer counts, for each part by itself. Kernel launches, norms and
sampling are left out: what stands between floor and figure for one stream is mostly these.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from intone.bench.floors import FrameWork
from intone.bench.gpu.rates import DeviceRates
from intone.models.config import CodePredictorConfig, ModelConfig, TransformerConfig, read_json

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceWork:
    """What one frame of a checkpoint asks of a device.

    The code predictor's embeddings are folded with its input projection at load, so of that a frame
    reads the talker's row alone.
    """

    frame: FrameWork
    bytes_per_weight: int
    kv_bytes_per_position: int
    """Keys and values that one row of one take leaves in the talker's cache."""
    attention_flop_per_position: int
    """Of the talker, for each earlier row that a new one looks at."""

    @classmethod
    def of(cls, directory: Path, dtype: str) -> DeviceWork:
        """Counts for a checkpoint and the precision of its weights; raises CheckpointError."""
        model = ModelConfig.from_dict(read_json(directory / "config.json"))
        block, frame = model.talker.block, FrameWork.of(directory)
        unread = _folded_weights(model.code_predictor)
        return cls(
            frame=replace(frame, code_predictor_weights=frame.code_predictor_weights - unread),
            bytes_per_weight=_BYTES[dtype],
            kv_bytes_per_position=kv_bytes_per_position(block, _BYTES[dtype]),
            attention_flop_per_position=4 * block.num_layers * block.num_heads * block.head_dim,
        )

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights that a frame reads, each as often as it is read."""
        weights = self.frame.talker_weights + self.frame.code_predictor_weights
        return weights * self.bytes_per_weight


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFloors:
    """Milliseconds of a step that makes one frame for every stream."""

    code_predictor_ms: float
    talker_ms: float
    codec_ms: float

    @classmethod
    def of(
        cls, work: DeviceWork, rates: DeviceRates, *, num_streams: int, positions: int
    ) -> DeviceFloors:
        """Divides.

        Args:
            positions: earlier rows that each stream's new row looks at.
        """

        def ms(num_bytes: float, flop: float) -> float:
            return max(num_bytes / rates.copy_gb_s / 1e6, flop / rates.multiply_tflop_s / 1e9)

        talker, predictor = work.frame.talker_weights, work.frame.code_predictor_weights
        rows = num_streams * positions
        return cls(
            code_predictor_ms=ms(predictor * work.bytes_per_weight, 2 * predictor * num_streams),
            talker_ms=ms(
                talker * work.bytes_per_weight + rows * work.kv_bytes_per_position,
                2 * talker * num_streams + rows * work.attention_flop_per_position,
            ),
            codec_ms=num_streams * work.frame.codec_flop / rates.codec_tflop_s / 1e9,
        )

    @property
    def frame_ms(self) -> float:
        """Talker and code predictor take turns; the codec works beside them."""
        return max(self.code_predictor_ms + self.talker_ms, self.codec_ms)


def kv_bytes_per_position(block: TransformerConfig, bytes_per_value: int) -> int:
    """Returns the bytes of the keys and values of one row, all layers."""
    return 2 * block.num_layers * block.num_kv_heads * block.head_dim * bytes_per_value


def _folded_weights(config: CodePredictorConfig) -> int:
    """Weights of the projection that are read once a codebook without folded embeddings."""
    if config.input_size == config.block.hidden_size:
        return 0
    return (config.num_codebooks - 2) * config.input_size * config.block.hidden_size

"""From a directory to the torch runner and decoder."""

from __future__ import annotations

from pathlib import Path

import torch

from intone.models.checkpoint import Checkpoint, Placement
from intone.runtime.packed_linear import can_pack, pack_linears
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_codec import TorchDecoder
from intone.runtime.torch_runner import TorchRunner

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def open_networks(
    directory: Path,
    device: str,
    dtype: str,
    *,
    num_slots: int,
    num_positions: int,
    times: StageTimes,
) -> tuple[TorchRunner, TorchDecoder]:
    """Loads talker, code predictor and codec decoder; `dtype` is one of `DTYPES`.

    Raises:
        CheckpointError: the directory does not hold a usable checkpoint.
    """
    checkpoint = Checkpoint(directory)
    place = Placement(torch.device(device), DTYPES[dtype])
    talker, predictor = checkpoint.load_talker(place), checkpoint.load_code_predictor(place)
    if can_pack(place.device, place.dtype):
        pack_linears(talker)
        pack_linears(predictor)
    runner = TorchRunner(
        talker, predictor, num_slots=num_slots, num_positions=num_positions, times=times
    )
    return runner, TorchDecoder(checkpoint.load_codec_decoder(place.device), times)

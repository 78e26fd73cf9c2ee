"""From a directory to the recorded runner and decoder: ready, or not there."""

from __future__ import annotations

import logging
from pathlib import Path
from time import perf_counter

import torch

from intone.core.byte_sizes import format_bytes
from intone.core.errors import InvalidSettingError
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.config import TransformerConfig
from intone.models.layers import blank_embedding
from intone.models.talker import Talker
from intone.runtime.frame.tables import FoldedTables
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.graphs import GraphPool
from intone.runtime.job import PageLayout
from intone.runtime.paged.cache import PagedCache
from intone.runtime.slot_codec import SlotDecoder
from intone.runtime.stage_times import StageTimes
from intone.runtime.torch_opening import DTYPES

_log = logging.getLogger("intone")

PAGE_POSITIONS = 64
"""Five seconds of audio, 7 MiB at the released sizes in bf16: half of it is what a take wastes on
average. It is also the split of the attention kernel, which so reads one page at a time."""

_WORK_BYTES = 2**30
"""Left for what comes after the pages: graphs, products of long prompts, libraries."""

_SPARED_SHARE = 0.05
"""Of the device's memory, left to others: a display, another model's encoder."""


def open_graph_networks(
    directory: Path,
    device: str,
    dtype: str,
    *,
    num_slots: int,
    num_positions: int,
    times: StageTimes,
    fuse: bool = True,
) -> tuple[GraphRunner, SlotDecoder]:
    """Loads talker, code predictor and codec decoder, and records all their work.

    Args:
        device: "cuda" or "cuda:N"; on "cpu" the same work runs unrecorded.
        dtype: one of `torch_opening.DTYPES`.
        num_slots: takes that run at once.
        num_positions: rows of prompt and frames that one take may fill; takes share the memory,
            so not all may be that long at the same time.
        fuse: whether to try torch.compile on CUDA; opening then takes longer, most of all the
            first time on a machine.

    Raises:
        CheckpointError: the directory does not hold a usable checkpoint.
        InvalidSettingError: the device does not hold the model and one take.
    """
    checkpoint = Checkpoint(directory)
    place = Placement(torch.device(device), DTYPES[dtype])
    try:
        return _opened(checkpoint, place, num_slots, num_positions, times, fuse)
    except torch.OutOfMemoryError as error:
        raise InvalidSettingError(
            f"{device} has too little memory for {checkpoint.directory.name} in {dtype} with "
            f"{num_slots} slots; ask for fewer slots, free memory on the device, or take a "
            "smaller model."
        ) from error


def _opened(
    checkpoint: Checkpoint,
    place: Placement,
    num_slots: int,
    num_positions: int,
    times: StageTimes,
    fuse: bool,
) -> tuple[GraphRunner, SlotDecoder]:
    started = perf_counter()
    talker, predictor = checkpoint.load_talker(place), checkpoint.load_code_predictor(place)
    with torch.inference_mode():
        tables = FoldedTables(talker, predictor)
    _drop_text_table(talker)
    codec_graphs, frame_graphs = GraphPool(place.device), GraphPool(place.device)
    # Two per slot: while one take is still in the codec, the next has begun in its slot.
    decoder = SlotDecoder(
        checkpoint.load_codec_decoder(place.device),
        num_streams=2 * num_slots,
        graphs=codec_graphs,
        times=times,
    )
    layout = _page_layout(talker.config.block, place, num_slots, num_positions)
    runner = GraphRunner(
        talker,
        predictor,
        num_slots=num_slots,
        layout=layout,
        num_positions=num_positions,
        graphs=frame_graphs,
        times=times,
        tables=tables,
        fuse=fuse,
    )
    _log.info(
        "%s ready in %.1f s: %d slots, %d pages of %d positions, %d graphs",
        place.device,
        perf_counter() - started,
        num_slots,
        layout.num_pages,
        layout.page_positions,
        codec_graphs.num_graphs + frame_graphs.num_graphs,
    )
    return runner, decoder


def _drop_text_table(talker: Talker) -> None:
    """Frees what the folded table stands for; a third of the small model's weights."""
    size = talker.model.text_embedding.weight.shape[1]
    talker.model.text_embedding = blank_embedding(0, size)


def _page_layout(
    config: TransformerConfig, place: Placement, num_slots: int, num_positions: int
) -> PageLayout:
    """Returns as many pages as the slots could ever use, or as the device has room for."""
    pages_of_one = -(-num_positions // PAGE_POSITIONS)
    page_bytes = PagedCache.page_bytes(config, PAGE_POSITIONS, place.dtype)
    num_pages = num_slots * pages_of_one
    if place.device.type == "cuda":
        free_bytes = _free_bytes(place.device)
        num_pages = min(num_pages, free_bytes // page_bytes - 1)  # and the scratch page
        if num_pages < pages_of_one:
            raise InvalidSettingError(
                f"one take of {num_positions} positions needs "
                f"{format_bytes(pages_of_one * page_bytes)} on {place.device}, which has "
                f"{format_bytes(max(free_bytes, 0))} left beside the model; ask for fewer "
                "positions or slots, free memory on the device, or take a smaller model."
            )
    return PageLayout(num_pages=num_pages, page_positions=PAGE_POSITIONS)


def _free_bytes(device: torch.device) -> int:
    torch.cuda.empty_cache()
    free_bytes, total_bytes = torch.cuda.mem_get_info(device)
    return free_bytes - _WORK_BYTES - int(_SPARED_SHARE * total_bytes)

"""The recorded networks as the engine opens and drives them, unrecorded on a CPU."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from intone.core.errors import InvalidSettingError
from intone.core.speak_options import SpeakOptions
from intone.core.types import Audio, ModelKind
from intone.engine import loading
from intone.models.checkpoint import Checkpoint, Placement
from intone.runtime import graph_opening
from intone.runtime.graph_opening import PAGE_POSITIONS, open_graph_networks
from intone.runtime.graph_runner import GraphRunner
from intone.runtime.job import PageLayout, SlotStart
from intone.runtime.stage_times import StageTimes
from intone.tts import TTS

REQUESTS: list[tuple[str, SpeakOptions]] = [
    ("Hello, world.", {"voice": "ryan", "seed": 1, "language": "english"}),
    ("A longer sentence, so that prompts differ.", {"voice": "vivian", "seed": 2, "top_p": 0.8}),
    ("Greedy.", {"voice": "serena", "seed": 4, "greedy": True, "text_layout": "per_frame"}),
]
LENGTH: SpeakOptions = {"min_frames": 6, "max_frames": 6}


@pytest.fixture
def recorded_tts(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> Iterator[TTS]:
    """A TTS over the recorded networks."""
    monkeypatch.setattr(loading, "_engine", loading._recorded_engine)
    directory = tiny_checkpoint("custom")
    with TTS(directory, device="cpu", dtype="fp32", num_slots=2, num_positions=256) as tts:
        yield tts


def side_by_side(tts: TTS, length: SpeakOptions) -> list[Audio]:
    """Returns the takes of all requests, asked for at the same time."""
    spoken: dict[int, Audio] = {}

    def speak(number: int) -> None:
        text, options = REQUESTS[number]
        spoken[number] = tts.speak(text, **options, **length)

    threads = [threading.Thread(target=speak, args=(number,)) for number in range(len(REQUESTS))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [spoken[number] for number in range(len(REQUESTS))]


def test_takes_side_by_side_sound_as_those_of_the_plain_engine(
    recorded_tts: TTS, tiny_tts: TTS
) -> None:
    """Three takes in two slots, with the codec on a thread of its own."""
    for audio, (text, options) in zip(side_by_side(recorded_tts, LENGTH), REQUESTS, strict=True):
        plain = tiny_tts.speak(text, **options, **LENGTH)
        np.testing.assert_allclose(audio.samples, plain.samples, atol=1e-4)
    assert recorded_tts.load().times.talker_s > 0
    assert recorded_tts.load().times.prefill_s > 0


def test_takes_that_lose_their_memory_to_each_other_sound_as_if_they_had_not(
    recorded_tts: TTS, tiny_tts: TTS, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages for one take and a little: the younger one gives way, and is computed again."""
    few = PageLayout(num_pages=6, page_positions=16)
    monkeypatch.setattr(graph_opening, "_page_layout", lambda *args: few)
    begun: list[SlotStart] = []
    begin = GraphRunner.begin

    def watched(runner: GraphRunner, starts: Sequence[SlotStart]) -> None:
        begun.extend(starts)
        begin(runner, starts)

    monkeypatch.setattr(GraphRunner, "begin", watched)
    length: SpeakOptions = {"min_frames": 24, "max_frames": 24}
    for audio, (text, options) in zip(side_by_side(recorded_tts, length), REQUESTS, strict=True):
        plain = tiny_tts.speak(text, **options, **length)
        np.testing.assert_allclose(audio.samples, plain.samples, atol=1e-4)
    assert any(start.frames is not None for start in begun), "nobody gave way: nothing is proven"


def test_opening_says_in_one_line_what_is_ready(
    tiny_checkpoint: Callable[[ModelKind], Path], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="intone"):
        runner, decoder = open_graph_networks(
            tiny_checkpoint("custom"), "cpu", "fp32",
            num_slots=2, num_positions=100, times=StageTimes(),
        )  # fmt: skip
    (line,) = caplog.messages
    assert line.startswith("cpu ready in ")
    assert line.endswith(f" 2 slots, 4 pages of {PAGE_POSITIONS} positions, 0 graphs")
    assert (runner.num_slots, runner.pages.num_pages) == (2, 4)
    assert decoder.num_free == 4, "two streams for each slot"
    talker = runner._networks.talker
    assert talker.model.text_embedding.weight.numel() == 0, "its folded twin took its place"


def layout(tiny: Path, monkeypatch: pytest.MonkeyPatch, free_pages: int) -> int:
    """Returns how many pages are made where the device has room for so many, scratch included."""
    config = Checkpoint(tiny).config.talker.block
    place = Placement(torch.device("cuda"), torch.bfloat16)
    page_bytes = 2 * config.num_layers * PAGE_POSITIONS * config.num_kv_heads * config.head_dim * 2
    monkeypatch.setattr(graph_opening, "_free_bytes", lambda device: free_pages * page_bytes + 7)
    return graph_opening._page_layout(config, place, 4, 200).num_pages


def test_pages_fill_what_is_free_but_no_more_than_slots_could_use(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = tiny_checkpoint("custom")
    assert layout(tiny, monkeypatch, free_pages=1000) == 4 * 4
    assert layout(tiny, monkeypatch, free_pages=11) == 10
    assert layout(tiny, monkeypatch, free_pages=5) == 4


def test_a_device_without_room_for_one_take_is_refused_in_words(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidSettingError, match=r"one take of 200 positions needs .* on cuda"):
        layout(tiny_checkpoint("custom"), monkeypatch, free_pages=4)


def test_a_device_that_runs_full_while_opening_is_named_in_words(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    monkeypatch.setattr(graph_opening, "GraphRunner", full)
    with pytest.raises(InvalidSettingError, match="cpu has too little memory .* with 2 slots"):
        open_graph_networks(
            tiny_checkpoint("custom"), "cpu", "fp32",
            num_slots=2, num_positions=100, times=StageTimes(),
        )  # fmt: skip

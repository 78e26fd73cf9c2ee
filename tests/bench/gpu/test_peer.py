"""faster-qwen3-tts in a process of its own: its protocol, its settings, its absence."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intone.bench.contestant import Contestant
from intone.bench.gpu.faster_worker import run_take
from intone.bench.gpu.opening import open_model
from intone.bench.gpu.peer import measure_peer, why_not
from intone.bench.gpu.speaker import Speaker
from intone.bench.gpu.timing import Budget
from intone.bench.job import BenchJob
from intone.core.types import ModelKind
from intone.engine.settings import EngineSettings

ECHO = """
import json, sys
print(json.dumps({"versions": {"faster-qwen3-tts": "0.5.4"}}), flush=True)
for number, _ in enumerate(sys.stdin):
    # The first two warm up: were they counted, the medians would show it.
    wall_s = 100.0 if number < 2 else float(number)
    print(json.dumps({"wall_s": wall_s, "ttfa_s": wall_s / 10, "audio_s": 6.0}), flush=True)
"""


class FakePeer:
    """What the worker asks of the package."""

    def __init__(self) -> None:
        self.settings: dict[str, Any] = {}
        self.model = self

    def get_supported_speakers(self) -> list[str]:
        return ["vivian", "ryan"]

    def generate_custom_voice_streaming(self, **settings: Any) -> Iterator[tuple[Any, int, dict]]:  # type: ignore[type-arg]
        self.settings = settings
        for _ in range(3):
            yield np.zeros(8 * 1920, dtype=np.float32), 24_000, {}


def test_the_peer_makes_as_many_frames_as_we_do() -> None:
    peer = FakePeer()
    figures = run_take(peer, {"text": "Hello.", "num_frames": 24, "chunk_frames": 8})
    assert figures["audio_s"] == pytest.approx(24 * 0.08)
    assert 0 < figures["ttfa_s"] <= figures["wall_s"]
    assert peer.settings["min_new_tokens"] == peer.settings["max_new_tokens"] == 24
    assert (peer.settings["speaker"], peer.settings["chunk_size"]) == ("vivian", 8)


def test_both_speak_in_turns_and_medians_count(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    model = open_model(
        tiny_checkpoint("custom"), EngineSettings(device="cpu", dtype="fp32", num_slots=1)
    )
    job = BenchJob(model="m", num_frames=4, chunk_frames=8)
    try:
        with Contestant("peer", [sys.executable, "-c", ECHO], job) as peer:
            found = measure_peer(Speaker(model), peer, 4, 3, Budget(60.0))
    finally:
        model.engine.close()
    assert found.num_takes == 3
    assert found.versions == {"faster-qwen3-tts": "0.5.4"}
    assert found.peer_rtf == pytest.approx(6.0 / 3)  # takes of 2, 3 and 4 seconds
    assert found.peer_ttfa_ms == pytest.approx(300)
    assert found.rtf > 0
    assert found.ttfa_ms > 0
    assert found.times_faster == pytest.approx(found.rtf / 2)


def test_an_absent_peer_is_said_to_be_absent(tmp_path: Path) -> None:
    assert "does not exist" in (why_not(tmp_path / "python") or "")
    reason = why_not(Path(sys.executable))
    assert reason is not None
    assert reason.startswith("faster-qwen3-tts was not there")
    assert "faster_qwen3_tts" in reason


def test_a_peer_that_can_be_imported_is_there(tmp_path: Path) -> None:
    (tmp_path / "faster_qwen3_tts.py").write_text("", encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\nPYTHONPATH={json.dumps(str(tmp_path))} exec {sys.executable} "$@"\n',
        encoding="utf-8",
    )
    python.chmod(0o755)
    assert why_not(python) is None

"""Intone beside faster-qwen3-tts: the same checkpoint, in turns, in the peer's settings."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from intone.bench.contestant import Contestant
from intone.bench.gpu.speaker import Speaker, TakeSetting, Trace
from intone.bench.gpu.timing import Budget
from intone.bench.job import BenchJob
from intone.engine.settings import available_threads

PEER = "faster-qwen3-tts"
PEER_CHUNK_FRAMES = 8
"""With which its own figures were taken."""
_SCRIPT = Path(__file__).with_name("faster_worker.py")
_IMPORT_S = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerFigures:
    """Medians of takes in turns; whole takes, streamed in chunks of one size."""

    peer: str
    versions: Mapping[str, str]
    """The peer's."""
    chunk_frames: int
    num_frames: int
    num_takes: int
    """Of each side, after two that warmed up."""
    rtf: float
    peer_rtf: float
    """Audio seconds per wall second."""
    ttfa_ms: float
    peer_ttfa_ms: float

    @property
    def times_faster(self) -> float:
        return self.rtf / self.peer_rtf


def why_not(python: Path) -> str | None:
    """Returns why the peer cannot be measured with this Python; None where it can."""
    if not python.exists():
        return f"{PEER} was not there: {python} does not exist"
    command = [str(python), "-c", "import faster_qwen3_tts"]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_IMPORT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{PEER} was not there: {error}"
    if ended.returncode == 0:
        return None
    reason = (ended.stderr.strip().splitlines() or ["no message"])[-1]
    return f"{PEER} was not there: {python} says {reason}"


def peer_process(
    directory: Path, device: str, dtype: str, num_frames: int, python: Path
) -> Contestant:
    """Returns the peer, not started. Start it before our engine fills the device's memory."""
    job = BenchJob(
        model=str(directory),
        device=device,
        dtype=dtype,
        threads=available_threads(),
        num_frames=num_frames,
        chunk_frames=PEER_CHUNK_FRAMES,
    )
    return Contestant(PEER, [str(python), str(_SCRIPT)], job)


def measure_peer(
    speaker: Speaker, peer: Contestant, num_frames: int, num_takes: int, budget: Budget
) -> PeerFigures:
    """Lets both speak in turns; raises BenchError where the peer fails."""
    setting = TakeSetting(num_frames=num_frames, chunk_frames=PEER_CHUNK_FRAMES)
    for _ in range(2):  # the peer captures its graphs in the first, and calibrates in both
        peer.take()
        speaker.speak(setting)
    ours, theirs = list[Trace](), list[Mapping[str, Any]]()
    while not ours or (len(ours) < num_takes and not budget.is_over):
        theirs.append(peer.take())
        ours += speaker.speak(setting)
    return PeerFigures(
        peer=PEER,
        versions=peer.ready["versions"],
        chunk_frames=PEER_CHUNK_FRAMES,
        num_frames=num_frames,
        num_takes=len(ours),
        rtf=median(take.audio_s / take.wall_s for take in ours),
        peer_rtf=median(take["audio_s"] / take["wall_s"] for take in theirs),
        ttfa_ms=median(take.ttfa_s for take in ours) * 1000,
        peer_ttfa_ms=median(take["ttfa_s"] for take in theirs) * 1000,
    )

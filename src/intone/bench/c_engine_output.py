"""Reads the figures that the C engine (gabriele-mastrapasqua/qwen3-tts 328ab9c) prints of a take.

Its own total is rounded to 0.1 s, but the ratio beside it to 0.01 of the audio's length, which is
known exactly; so the wall time is taken from the ratio.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from intone.core.constants import FRAME_S
from intone.core.errors import BenchError

_PATTERNS = {
    "load_ms": r"Model loaded in (\d+) ms",
    "frames": r"Generated (\d+) frames",
    "prefill_ms": r"Prefill: (\d+) ms",
    "talker_ms": r"Talker step: (\d+) ms",
    "code_predictor_ms": r"Code Predictor: (\d+) ms",
    "codec_ms": r"Speech decoder: (\d+) ms total",
    "ratio": r"generated in [\d.]+s \(RTF ([\d.]+)\)",
    "ttfa_ms": r"TTFA: (\d+) ms",
}


def parse_take(
    lines: Sequence[str], num_frames: int, *, is_stream: bool
) -> dict[str, float | None]:
    """Returns the take's times in seconds; TTFA counts only where sound went out while speaking.

    Raises:
        BenchError: a figure is missing, or the take has another length.
    """
    text = "".join(lines)
    made = _number(text, "frames")
    if made != num_frames:
        raise BenchError(
            f"the C engine made {made:.0f} of {num_frames} frames: it drew the end. "
            "Ask for fewer (--frames) or take random weights (--random)."
        )
    take: dict[str, float | None] = {
        f"{stage}_s": _number(text, f"{stage}_ms") / 1000
        for stage in ("load", "prefill", "talker", "code_predictor", "codec")
    }
    take["wall_s"] = _number(text, "ratio") * num_frames * FRAME_S
    take["ttfa_s"] = _number(text, "ttfa_ms") / 1000 if is_stream else None
    return take


def _number(text: str, name: str) -> float:
    found = re.search(_PATTERNS[name], text)
    if found is None:
        tail = " ".join(text.split())[-200:]
        raise BenchError(
            f"the C engine printed no {name}; build commit 328ab9c, whose words are known. "
            f"It ended with: {tail!r}."
        )
    return float(found.group(1))

"""Where the time of takes went. No torch: every runner and decoder counts in one of these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class StageTimes:
    """Wall seconds by stage since loading; exact on CPU, queueing time on a GPU.

    `codec_s` is written by the codec's thread and the rest by the engine's; as these two work at
    the same time, the stages may sum to more than the take took. Where a frame is one piece of
    recorded work, all of it counts as the talker's, waiting for its codes included.
    """

    prefill_s: float = 0.0
    talker_s: float = 0.0
    code_predictor_s: float = 0.0
    codec_s: float = 0.0

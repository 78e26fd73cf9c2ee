"""Figures of others for replicas on a GPU: assumptions, none of them measured by us.

They stand in until `intone bench --suite gpu` has run on one; `simulate --times` takes its file.
"""

from __future__ import annotations

from dataclasses import replace

from benchmarks.scaling.service import ServiceTimes

FUSED_5090 = ServiceTimes(
    name="assumed: fused engine, RTX 5090, 1.7B",
    source=(
        "X-Square-Robot/Qwen3TTS-Streaming v0.2, 2026-07, bf16: one step of talker, code predictor "
        "and codec, 12.7/17.7/23.6/36.8/67.5 ms at 1/16/32/64/128 streams; cold prefill 30 ms; "
        "server 1.8 ms above the engine"
    ),
    is_measured=False,
    slots=64,
    step_s=((1, 0.0127), (16, 0.0177), (32, 0.0236), (64, 0.0368), (128, 0.0675)),
    prefill_s=0.030,
    joins_prompts=True,
    overhead_s=0.0018,
    silent_s=0.08,
)
"""The first frame of the released presets is silent: nari-labs/nari-qwen3-tts, chunk schedule."""

QUICK_PROMPTS_5090 = replace(
    FUSED_5090,
    name=f"{FUSED_5090.name}, prompts in 10 ms",
    source=f"{FUSED_5090.source}; but a prompt read in 10 ms, which is a guess",
    prefill_s=0.010,
)
"""To show what hangs on prompts. That less than 30 ms can be had is known: the first audio of
nari-qwen3-tts comes after 26.5 ms, with its prompt, frames and codec (p95, H100, 1.7B, 1 request a
second)."""

SGLANG_H200 = ServiceTimes(
    name="assumed: SGLang-Omni, H200, 1.7B",
    source=(
        "sgl-project/sglang-omni #1650, 2026-08, 1.7B Base: 7.15/9.23/12.06/13.46 requests a "
        "second at 8/16/32/64 at once, 4.16 s of audio each, prefill and codec within; p95 TTFA "
        "121 ms at 1 request a second (nari-labs/benchmarks a2d65e1, H100), of which a step is "
        "taken off as overhead"
    ),
    is_measured=False,
    slots=64,
    step_s=tuple(
        (at_once, at_once / (rate_hz * 4.16 * 12.5))
        for at_once, rate_hz in ((8, 7.15), (16, 9.23), (32, 12.06), (64, 13.46))
    ),
    prefill_s=0.0,
    overhead_s=0.1,
    silent_s=0.08,
)

ASSUMED = (FUSED_5090, QUICK_PROMPTS_5090, SGLANG_H200)

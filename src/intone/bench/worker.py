"""Intone's side of a measurement: `python -m intone.bench.worker JOB`.

Writes one line of JSON when loaded, one for each line it is sent, and one when its input ends.
The time of the imports is a figure, so they happen inside functions here.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, TextIO

from intone.bench.job import BenchJob
from intone.bench.memory import ProcessMemory, children_peak_mb

if TYPE_CHECKING:
    from intone.core.types import SpeechRequest, VoiceClonePrompt
    from intone.models.config import ModelConfig
    from intone.runtime.stage_times import StageTimes
    from intone.tts import TTS

_POSITIONS_FOR_PROMPT = 512


def main(job_line: str) -> None:
    """Serves takes until standard input ends."""
    out = _claim_stdout()
    job = BenchJob.from_json(job_line)
    started = perf_counter()
    import intone.engine.loading  # noqa: F401  (what `TTS` loads lazily)
    from intone.tts import TTS

    imported = perf_counter()
    with TTS(
        job.model,
        device=job.device,
        dtype=job.dtype,
        threads=job.threads,
        num_slots=job.num_streams,
        num_positions=_POSITIONS_FOR_PROMPT + job.num_frames,
    ) as tts:
        model = tts.load()
        loaded = perf_counter()
        _write(
            out,
            {
                "dtype": model.plan.dtype,
                "is_pipeline": model.engine.overlaps,
                "import_s": imported - started,
                "load_s": loaded - imported,
                "rss_mb": ProcessMemory.here().rss_mb,
                "versions": _versions(),
            },
        )
        for _ in sys.stdin:
            _write(out, run_take(tts, job))
        _write(out, _memory())


def run_take(tts: TTS, job: BenchJob) -> dict[str, float]:
    """Makes `num_streams` takes at once and returns their figures together."""
    from concurrent.futures import ThreadPoolExecutor

    times = tts.load().times
    before = _stages(times)
    started = perf_counter()
    with ThreadPoolExecutor(job.num_streams) as pool:
        ttfas = list(pool.map(lambda seed: _listen(tts, job, seed), range(job.num_streams)))
    wall_s = perf_counter() - started
    stages = {name: value - before[name] for name, value in _stages(times).items()}
    return {"wall_s": wall_s, "ttfa_s": max(ttfas), **stages}


def _listen(tts: TTS, job: BenchJob, seed: int) -> float:
    """Makes one take and returns its time to first audio."""
    last = None
    for chunk in tts.stream_request(_request(tts.load().description.config, job, seed)):
        last = chunk
    assert last is not None
    return last.timing.ttfa_s


def _request(config: ModelConfig, job: BenchJob, seed: int) -> SpeechRequest:
    from intone.core.types import SpeechRequest

    return SpeechRequest(
        text=job.text,
        voice=any_voice(config),
        seed=seed,
        min_frames=job.num_frames,
        max_frames=job.num_frames,
        chunk_frames=job.chunk_frames,
    )


def any_voice(config: ModelConfig) -> VoiceClonePrompt | None:
    """Returns a voice for kinds that need one given; speed does not depend on which."""
    import numpy as np

    from intone.core.types import VoiceClonePrompt

    if config.kind != "base":
        return None
    return VoiceClonePrompt(x_vector=np.full(config.talker.hidden_size, 0.01, dtype=np.float32))


def _stages(times: StageTimes) -> dict[str, float]:
    return {
        "prefill_s": times.prefill_s,
        "talker_s": times.talker_s,
        "code_predictor_s": times.code_predictor_s,
        "codec_s": times.codec_s,
    }


def _versions() -> dict[str, str]:
    """Of what was imported by now: a runtime that a checkpoint does not need is not its figure."""
    from importlib.metadata import version

    engines = [name for name in ("torch", "onnxruntime") if name in sys.modules]
    return {name: version(name) for name in ("intone", *engines, "numpy")}


def _memory() -> dict[str, float | None]:
    now = ProcessMemory.here()
    return {
        "peak_rss_mb": now.peak_mb,
        "anonymous_mb": now.anonymous_mb,
        "file_mb": now.file_mb,
        "children_peak_mb": children_peak_mb(),
    }


def _claim_stdout() -> TextIO:
    """Keeps standard output for the protocol; whatever a library prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return out


def _write(out: TextIO, figures: Mapping[str, object]) -> None:
    out.write(json.dumps(figures) + "\n")
    out.flush()


if __name__ == "__main__":
    main(sys.argv[1])

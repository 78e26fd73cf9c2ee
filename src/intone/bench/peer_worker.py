"""The public package's side of a measurement, run by the Python that has qwen-tts installed.

The protocol is that of `worker.py`. This file must not import intone: the other environment does
not have it.
"""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.metadata import version
from time import perf_counter
from typing import Any

DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}


class Stopwatch:
    """Adds up the wall time of wrapped calls, by stage."""

    def __init__(self) -> None:
        self.total_s = {"prefill": 0.0, "talker": 0.0, "code_predictor": 0.0, "codec": 0.0}

    def wrap(self, function: Callable[..., Any], stage: str) -> Callable[..., Any]:
        """Returns `function`, timed under `stage`."""

        @wraps(function)
        def timed(*args: Any, **settings: Any) -> Any:
            started = perf_counter()
            try:
                return function(*args, **settings)
            finally:
                self.total_s[stage] += perf_counter() - started

        return timed

    def wrap_talker(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        """Returns the talker's forward; upstream calls the code predictor inside it."""

        @wraps(forward)  # transformers reads the signature
        def timed(*args: Any, **settings: Any) -> Any:
            inside = self.total_s["code_predictor"]
            started = perf_counter()
            out = forward(*args, **settings)
            own_s = perf_counter() - started - (self.total_s["code_predictor"] - inside)
            embeddings = settings.get("inputs_embeds")
            is_prefill = embeddings is not None and embeddings.shape[1] > 1
            self.total_s["prefill" if is_prefill else "talker"] += own_s
            return out

        return timed


def provide_torchaudio() -> None:
    """Stands in for torchaudio, which qwen-tts imports for a model that was never released."""
    import_module("transformers")  # looks for torchaudio itself: must come first
    for name in ("torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi"):
        module = types.ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
        sys.modules[name] = module


def instrument(tts: Any, watch: Stopwatch) -> None:
    """Times the parts of one model and keeps it from ending a take."""
    talker = tts.model.talker
    generate = talker.generate
    eos_id = tts.model.config.talker_config.codec_eos_token_id

    def generate_without_end(**settings: Any) -> Any:
        settings["suppress_tokens"] = [*settings["suppress_tokens"], eos_id]
        return generate(**settings)

    talker.generate = generate_without_end
    talker.forward = watch.wrap_talker(talker.forward)
    talker.code_predictor.generate = watch.wrap(talker.code_predictor.generate, "code_predictor")
    tts.model.speech_tokenizer.decode = watch.wrap(tts.model.speech_tokenizer.decode, "codec")


def speak(tts: Any, job: dict[str, Any]) -> None:
    """Makes the job's takes as one batch; the last codebook 0 drawn is never made into a frame."""
    texts = [job["text"]] * job["num_streams"]
    settings = {"language": ["Auto"] * len(texts), "max_new_tokens": job["num_frames"] + 1}
    kind = tts.model.tts_model_type
    if kind == "custom_voice":
        speaker = tts.get_supported_speakers()[0]
        tts.generate_custom_voice(texts, [speaker] * len(texts), **settings)
    elif kind == "voice_design":
        tts.generate_voice_design(texts, [""] * len(texts), **settings)
    else:
        tts.generate_voice_clone(texts, voice_clone_prompt=[_any_voice(tts)], **settings)


def _any_voice(tts: Any) -> Any:
    import torch

    return import_module("qwen_tts").VoiceClonePromptItem(
        ref_code=None,
        ref_spk_embedding=torch.full((tts.model.config.talker_config.hidden_size,), 0.01),
        x_vector_only_mode=True,
        icl_mode=False,
    )


def run_take(tts: Any, watch: Stopwatch, job: dict[str, Any]) -> dict[str, float | None]:
    """Makes one batch of takes and returns its figures; audio comes only when all is done."""
    before = dict(watch.total_s)
    started = perf_counter()
    speak(tts, job)
    wall_s = perf_counter() - started
    stages = {f"{name}_s": watch.total_s[name] - before[name] for name in before}
    return {"wall_s": wall_s, "ttfa_s": None, **stages}


def memory_mb() -> dict[str, float]:
    """Returns fields of /proc/self/status in MB, as `intone.bench.memory` reads them."""
    with open("/proc/self/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    names = ("VmRSS", "VmHWM", "RssAnon", "RssFile")
    return {name: int(fields[name].split()[0]) * 1024 / 1e6 for name in names}


def main(job_line: str) -> None:
    """Serves takes until standard input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def write(figures: dict[str, Any]) -> None:
        out.write(json.dumps(figures) + "\n")
        out.flush()

    job = json.loads(job_line)
    started = perf_counter()
    import torch

    provide_torchaudio()
    qwen_tts = import_module("qwen_tts")
    imported = perf_counter()
    torch.set_num_threads(job["threads"])
    tts = qwen_tts.Qwen3TTSModel.from_pretrained(
        job["model"], dtype=getattr(torch, DTYPES[job["dtype"]]), device_map=job["device"]
    )
    loaded = perf_counter()
    names = ("qwen-tts", "transformers", "torch")
    write(
        {
            "dtype": job["dtype"],
            "is_pipeline": False,
            "import_s": imported - started,
            "load_s": loaded - imported,
            "rss_mb": memory_mb()["VmRSS"],
            "versions": {name: version(name) for name in names},
        }
    )
    watch = Stopwatch()
    instrument(tts, watch)
    for _ in sys.stdin:
        write(run_take(tts, watch, job))
    memory = memory_mb()
    write(
        {
            "peak_rss_mb": memory["VmHWM"],
            "anonymous_mb": memory["RssAnon"],
            "file_mb": memory["RssFile"],
            "children_peak_mb": 0.0,
        }
    )


if __name__ == "__main__":
    main(sys.argv[1])

"""Memory comes back: unloading, switching between models, and what a budget refuses."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from intone.bench.memory import ProcessMemory
from intone.core.errors import EngineStoppedError, InvalidSettingError, UnknownVoiceError
from intone.core.types import ModelKind
from intone.engine import loading
from intone.models.random_checkpoint import write_random_checkpoint
from intone.runtime.free_memory import return_free_memory
from intone.tts import TTS

Checkpoints = Callable[[ModelKind], Path]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


def resident_mb() -> float:
    memory = ProcessMemory.here().rss_mb
    assert memory is not None
    return memory


def test_after_unloading_the_next_request_loads_again(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu", num_slots=1) as tts:
        first = tts.speak("Hi.", seed=1, max_frames=3)
        threads = threading.active_count()
        tts.unload()
        tts.unload()
        assert threading.active_count() < threads
        again = tts.speak("Hi.", seed=1, max_frames=3)
        assert (first.samples == again.samples).all()


def test_unloading_ends_running_takes_as_cancelled(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu") as tts:
        chunks = tts.stream("Hello.", seed=1, min_frames=900, max_frames=900)
        next(chunks)
        tts.unload()
        assert list(chunks)[-1].finish_reason == "cancelled"


def test_a_request_that_meets_an_unloading_is_served_all_the_same(
    tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu") as tts:
        load, loads = tts.load, []

        def load_then_lose() -> loading.LoadedModel:
            loaded = load()
            loads.append(loaded)
            if len(loads) == 1:
                tts.unload()
            return loaded

        monkeypatch.setattr(tts, "load", load_then_lose)
        assert tts.speak("Hi.", seed=1, max_frames=2).samples.size
        assert len(loads) == 2


def test_an_engine_that_failed_is_told_and_not_tried_again(tiny_checkpoint: Checkpoints) -> None:
    with TTS(tiny_checkpoint("custom"), device="cpu") as tts:
        tts.load().engine.close()
        with pytest.raises(EngineStoppedError):
            tts.speak("Hi.")
        tts.unload()
        assert tts.speak("Hi.", seed=1, max_frames=2).samples.size


def test_switching_frees_the_old_model_before_it_loads_the_new_one(
    tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[tuple[str, str]] = []
    load_model = loading.load_model

    def recorded(directory: Path, *args: object) -> loading.LoadedModel:
        events.append(("load", directory.name))
        loaded = load_model(directory, *args)
        close = loaded.engine.close

        def recorded_close() -> None:
            close()
            events.append(("closed", directory.name))

        loaded.engine.close = recorded_close
        return loaded

    monkeypatch.setattr(loading, "load_model", recorded)
    with TTS(tiny_checkpoint("custom"), device="cpu") as tts:
        tts.speak("Hi.", voice="ryan", max_frames=2)
        tts.use(tiny_checkpoint("design"))
        assert events == [("load", "tiny-custom"), ("closed", "tiny-custom")]
        tts.speak("Hi.", instruct="A calm voice.", max_frames=2)
        assert tts.capabilities().kind == "design"
        tts.use(tiny_checkpoint("custom"))
        with pytest.raises(UnknownVoiceError):
            tts.speak("Hi.", voice="nobody")
    assert [name for event, name in events if event == "load"] == [
        "tiny-custom",
        "tiny-design",
        "tiny-custom",
    ]


def test_what_the_budget_does_not_hold_is_refused_before_anything_is_loaded(
    tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("loading began")

    monkeypatch.setattr(loading, "_graph_engine", never)
    tts = TTS(tiny_checkpoint("custom"), device="cpu", memory_budget="50 MB")
    with pytest.raises(InvalidSettingError, match=r"memory_budget is 50\.0 MB, but"):
        tts.speak("Hi.")
    with pytest.raises(InvalidSettingError, match="a size is 'lots'"):
        TTS(memory_budget="lots")


def test_what_was_chosen_to_fit_a_budget_is_announced(
    tiny_checkpoint: Checkpoints, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "intone")
    with TTS(tiny_checkpoint("custom"), device="cpu", memory_budget="300MB") as tts:
        tts.load()
    assert "memory budget of 300 MB: fp32 with 8 slots of" in caplog.text


SWITCH = """
import sys
from intone.bench.memory import ProcessMemory
from intone.tts import TTS
with TTS(device="cpu", threads=1, num_slots=1, num_positions=64) as tts:
    for turn in range(20):
        tts.use(sys.argv[1 + turn % 2])
        tts.speak("Hi.", seed=1, max_frames=2)
        tts.unload()
        print(ProcessMemory.here().rss_mb)
"""


@linux_only
def test_twenty_switches_leave_nothing_behind(tiny_checkpoint: Checkpoints) -> None:
    models = [str(tiny_checkpoint(kind)) for kind in ("custom", "design")]
    # A process of its own: this one's heap holds what other tests left.
    done = subprocess.run(
        [sys.executable, "-c", SWITCH, *models], capture_output=True, text=True, check=True
    )
    after = [float(line) for line in done.stdout.split()]
    assert len(after) == 20
    assert after[-1] - after[4] < 4


@linux_only
@pytest.mark.slow
def test_full_sizes_give_back_what_they_took_and_twenty_switches_do_not_grow(
    tmp_path: Path,
) -> None:
    models = [
        write_random_checkpoint(tmp_path / size, kind="custom", size=size)
        for size in ("0.6b", "1.7b")
    ]
    gc.collect()
    return_free_memory()
    with TTS(device="cpu", dtype="int4", num_slots=1) as tts:
        before, after = resident_mb(), []
        for turn in range(20):
            tts.use(models[turn % 2])
            tts.speak("Hi.", seed=1, max_frames=2)
            assert resident_mb() > before + 500
            tts.unload()
            after.append(resident_mb())
    assert max(after) - before < 100
    assert min(after[-4:]) - min(after[:4]) < 20

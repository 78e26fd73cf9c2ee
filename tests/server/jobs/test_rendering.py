"""One start of a job, without a server: stopped while its files are written, and gone on with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.server.fakes import FakeSource

from intone.core.errors import RecordError
from intone.core.types import SpeechRequest
from intone.server.background import BackgroundModel, WorkStoppedError
from intone.server.jobs.job import JobOrder
from intone.server.jobs.rendering import Reporter, result_names, run_job
from intone.voices.library import VoiceLibrary

TEXT = "It was late. The river had risen. " * 30
ORDER = JobOrder(kind="text", source="t.txt", title="t", model="fake-custom", voice="ryan", seed=1)


def run(folder: Path, source: FakeSource, reporter: Reporter, fingerprint: str = "") -> None:
    (folder / ORDER.source).write_text(TEXT, encoding="utf-8")
    model, library = source.open("fake-custom"), VoiceLibrary(folder / "voices")
    run_job(ORDER, folder, model, library, fingerprint, reporter)


def reporter(check: object = None) -> Reporter:
    return Reporter(
        begun=lambda finished, plan: None,
        segment=lambda step, audio_s: None,
        check=check if callable(check) else lambda: None,
    )


def test_a_job_that_is_stopped_while_its_file_is_written_leaves_none(tmp_path: Path) -> None:
    asked = []

    def check() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise WorkStoppedError("enough")

    source = FakeSource()
    with pytest.raises(WorkStoppedError):
        run(tmp_path, source, reporter(check))
    assert result_names(tmp_path) == ()
    drawn = source.counts["fake-custom"].takes
    run(tmp_path, source, reporter())
    assert source.counts["fake-custom"].takes == drawn
    assert "t.wav" in result_names(tmp_path)


def test_a_job_does_not_go_on_with_other_weights(tmp_path: Path) -> None:
    source = FakeSource()
    with pytest.raises(WorkStoppedError):
        run(tmp_path, source, reporter(_stop), fingerprint="one")
    with pytest.raises(RecordError, match="the model was"):
        run(tmp_path, source, reporter(), fingerprint="another")


def test_work_that_was_stopped_draws_nothing_more() -> None:
    async def stopped() -> None:
        source = FakeSource()
        can = source.describe("fake-custom")

        def turn() -> object:
            raise AssertionError("nothing is leased any more")

        model = BackgroundModel(asyncio.get_running_loop(), can, turn)  # type: ignore[arg-type]
        model.close()
        with pytest.raises(WorkStoppedError):
            await asyncio.to_thread(model.check)
        with pytest.raises(WorkStoppedError):
            await asyncio.to_thread(model.synthesize, SpeechRequest(text="Hello."))

    asyncio.run(stopped())


def _stop() -> None:
    raise WorkStoppedError("enough")

"""The whole way on a tiny model of random weights: check, train, stop, go on, listen, keep."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile
from tests.studio.training.fakes import Checkpoints, open_desk, write_clips

from intone.cli import main
from intone.cli.studio_training.desk import TrainingHere
from intone.cli.studio_training.folders import trained_models
from intone.studio.training.desk import DatasetWish, Job, ListenWish, RunWish
from intone.voices.library import VOICES_VARIABLE, VoiceLibrary

pytestmark = pytest.mark.slow

MAX_WAIT_S = 900.0
"""Every checkpoint speaks, and has its graphs built for that."""


def wait_until(is_so: Callable[[], bool]) -> None:
    end_s = time.monotonic() + MAX_WAIT_S
    while not is_so():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def ended(job: Callable[[], Job]) -> Job:
    wait_until(lambda: not job().is_active)
    return job()


def test_a_voice_from_clips_to_speech(
    tmp_path: Path,
    tiny_checkpoint: Checkpoints,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    clips = write_clips(tmp_path / "clips")
    desk = open_desk(tmp_path, {"tiny-base": tiny_checkpoint("base")})

    dataset = desk.check(DatasetWish(folder=str(clips), speaker="nora", language="english"))
    assert ended(lambda: desk.dataset(dataset).job).state == "done"

    wish = RunWish(name="nora-1", dataset=dataset, base="tiny-base", epochs=60, consent=True)
    run = desk.start(wish)
    request.addfinalizer(lambda: [desk.stop(each.id) for each in desk.runs()])
    wait_until(lambda: len(desk.curves(run).train) >= 3)
    desk.stop(run)
    stopped = ended(lambda: desk.run(run).job)
    assert stopped.state == "stopped"
    assert [step.state for step in stopped.steps] == ["done", "stopped", "waiting"]
    kept = [checkpoint.step for checkpoint in desk.run(run).checkpoints]
    assert kept[-1] < 120
    assert kept[-1] % desk.plan(wish).save_every != 0  # written because it was asked to stop

    again = open_desk(tmp_path, {"tiny-base": tiny_checkpoint("base")})  # a studio started later
    again.resume(run)
    finished = ended(lambda: again.run(run).job)
    assert finished.state == "done", finished.lines
    found = again.run(run)
    assert found.speakers == ("nora",)
    assert found.checkpoints[-1].step == 120
    assert {each.name for each in found.evaluated} >= {"base", found.checkpoints[-1].name}
    assert all(each.takes for each in found.evaluated if each.name != "recordings")

    hear_and_keep(again, run, tmp_path, monkeypatch)


def hear_and_keep(
    desk: TrainingHere, run: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [checkpoint.name for checkpoint in desk.run(run).checkpoints][-2:]
    desk.listen(run, ListenWish(text="One, two.", checkpoints=names, seed=3))
    heard = ended(lambda: desk.run(run).listenings[0].job)
    assert heard.state == "done", heard.lines
    listening = desk.run(run).listenings[0]
    for sample in listening.samples:
        assert sample.path is not None
        assert soundfile.info(sample.path).duration > 0
    assert not list((home / "training").rglob("listen/*/model"))

    desk.promote(run, names[-1], "my_nora")
    kept = ended(lambda: desk.run(run).promotions[0].job)
    assert kept.state == "done", kept.lines
    voice = VoiceLibrary(home / "voices").get("my_nora")
    model = trained_models(home / "training")["my_nora"]
    assert (voice.speaker, voice.model) == ("nora", str(model.resolve()))
    assert voice.consent is not None
    assert "agrees" in voice.consent
    desk.remove_run(run)  # the model and the voice stay
    monkeypatch.setenv(VOICES_VARIABLE, str(home / "voices"))
    out = home / "out.wav"
    assert main(["say", "Hello.", "--voice", "my_nora", "--out", str(out), "--seed", "1"]) == 0
    assert soundfile.info(out).duration > 0

"""Datasets and runs: wishes become jobs, what jobs wrote is read again, all told in words."""

from __future__ import annotations

import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.studio.training.fakes import (
    Checkpoints,
    FakeProcesses,
    open_desk,
    stages_of,
    write_clips,
    write_log,
)
from tests.train.fake_run import write_fake_run

from intone.cli.studio_training import results
from intone.cli.studio_training.desk import TrainingHere
from intone.cli.studio_training.folders import trained_models
from intone.core.errors import (
    DatasetError,
    EmptyTextError,
    InvalidSettingError,
    ModelNotFoundError,
    RunError,
)
from intone.deploy.served_models import ModelsHere
from intone.server.sections import ModelSection
from intone.studio.training.desk import DatasetWish, ListenWish, RunWish
from intone.train.progress import StageProgress


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clips(tmp_path_factory.mktemp("clips") / "nora")


@pytest.fixture
def processes() -> FakeProcesses:
    return FakeProcesses()


@pytest.fixture
def desk(tmp_path: Path, tiny_checkpoint: Checkpoints, processes: FakeProcesses) -> TrainingHere:
    models = {"tiny-base": tiny_checkpoint("base"), "tiny-design": tiny_checkpoint("design")}
    return open_desk(tmp_path, models, processes)


@pytest.fixture
def wish(desk: TrainingHere, clips: Path) -> RunWish:
    dataset = desk.check(DatasetWish(folder=str(clips), speaker="Nora", language="en"))
    return RunWish(name="nora-1", dataset=dataset, base="tiny-base", consent=True)


@pytest.fixture
def begun(desk: TrainingHere, wish: RunWish, tmp_path: Path) -> Path:
    """A run at work, and the folder in which it trains."""
    run_id = desk.start(wish)
    return tmp_path / "training" / "runs" / run_id


def test_a_check_ends_in_a_verdict_with_reasons(desk: TrainingHere, wish: RunWish) -> None:
    dataset = desk.dataset(wish.dataset)
    verdict = dataset.verdict
    assert verdict is not None
    assert (verdict.num_read, verdict.num_kept) == (13, 12)
    assert verdict.refused_by_code == {"too_short": 1}
    assert [refusal.id for refusal in verdict.refusals] == ["short.wav"]
    assert len(verdict.kept_s) == 12
    assert verdict.refused_s == (0.2,)
    assert (dataset.speaker, dataset.language) == ("nora", "english")
    assert dataset.can_train


def test_an_uploaded_archive_is_checked_and_goes_with_its_dataset(
    desk: TrainingHere, clips: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as packed:
        for path in clips.iterdir():
            packed.write(path, f"nora/{path.name}")
        packed.writestr("nora/cover.jpg", b"x")
    dataset = desk.dataset(desk.check(DatasetWish(archive=tmp_path / "up.zip", speaker="nora")))
    assert dataset.source == "up.zip"
    assert dataset.left_out == ("nora/cover.jpg",)
    assert dataset.can_train
    desk.remove_dataset(dataset.id)
    assert not desk.datasets()
    assert not list((tmp_path / "training" / "datasets").iterdir())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speaker": "Nora!"}, "speaker's name"),
        ({"folder": "relative/path"}, "whole path"),
        ({"folder": "/no/such/folder"}, "there is no /no/such/folder"),
        ({"folder": None}, "give a folder or a .zip"),
    ],
)
def test_a_wrong_wish_is_refused_in_words_and_leaves_nothing(
    desk: TrainingHere, clips: Path, change: dict[str, str], words: str, tmp_path: Path
) -> None:
    wish = replace(DatasetWish(folder=str(clips), speaker="nora"), **change)
    with pytest.raises((InvalidSettingError, DatasetError), match=words):
        desk.check(wish)
    assert not desk.datasets()


def test_a_damaged_upload_leaves_no_dataset(desk: TrainingHere, tmp_path: Path) -> None:
    (tmp_path / "up.zip").write_bytes(b"no archive")
    with pytest.raises(DatasetError):
        desk.check(DatasetWish(archive=tmp_path / "up.zip", speaker="nora"))
    assert not list((tmp_path / "training" / "datasets").iterdir())


def test_a_run_begins_with_a_base_alone(desk: TrainingHere, wish: RunWish) -> None:
    assert [base.name for base in desk.bases()] == ["tiny-base"]
    with pytest.raises(ModelNotFoundError, match="no run can begin with 'tiny-design'"):
        desk.plan(replace(wish, base="tiny-design"))


def test_a_custom_model_is_a_base_where_a_base_of_its_width_hears_for_it(
    tmp_path: Path, tiny_checkpoint: Checkpoints, clips: Path, processes: FakeProcesses
) -> None:
    custom, base = tiny_checkpoint("custom"), tiny_checkpoint("base")
    assert not open_desk(tmp_path, {"custom": custom}, processes).bases()
    desk = open_desk(tmp_path, {"custom": custom, "base": base}, processes)
    assert [each.name for each in desk.bases()] == ["base", "custom"]  # the usual one first
    dataset = desk.check(DatasetWish(folder=str(clips), speaker="nora"))
    run = desk.start(RunWish(name="r", dataset=dataset, base="custom", consent=True))
    encode, _, measure = stages_of(tmp_path / "training" / "runs" / run / "job")
    for stage in (encode, measure):
        assert stage["argv"][stage["argv"].index("--speaker-encoder") + 1] == str(base)


def test_a_plan_says_steps_checkpoints_and_memory(desk: TrainingHere, wish: RunWish) -> None:
    plan = desk.plan(replace(wish, epochs=12))
    assert plan.num_steps == 24  # 11 rows, 8 a step
    assert plan.save_every == 5
    assert plan.evaluates
    assert desk.plan(replace(wish, preset="full")).memory_bytes > plan.memory_bytes


def test_a_run_is_encode_run_and_eval(desk: TrainingHere, begun: Path) -> None:
    stages = stages_of(begun / "job")
    assert [stage["argv"][:2] for stage in stages] == [
        ["train", "encode"],
        ["train", "run"],
        ["train", "eval"],
    ]
    assert desk.run("nora-1").job.state == "running"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"consent": False}, "belongs to its owner"),
        ({"name": "../x"}, "cannot be used"),
        ({"epochs": 0}, "epochs is 0"),
        ({"learning_rate_scale": 0.0}, "learning_rate_scale is 0.0"),
        ({"dataset": "nobody"}, "no set of recordings 'nobody'"),
    ],
)
def test_a_wrong_run_is_refused_in_words(
    desk: TrainingHere, wish: RunWish, change: dict[str, object], words: str
) -> None:
    with pytest.raises((InvalidSettingError, RunError), match=words):
        desk.start(replace(wish, **change))  # type: ignore[arg-type]
    assert not desk.runs()


def test_one_run_is_at_work_at_a_time(desk: TrainingHere, wish: RunWish, begun: Path) -> None:
    with pytest.raises(RunError, match="'nora-1' is at work"):
        desk.start(replace(wish, name="nora-2"))


def test_of_two_pages_that_press_at_once_one_begins_a_run(
    desk: TrainingHere,
    wish: RunWish,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = FakeProcesses.start

    def slow(self: FakeProcesses, job: Path) -> None:
        time.sleep(0.1)  # the other one looks meanwhile
        start(self, job)

    assert desk.datasets()
    monkeypatch.setattr(FakeProcesses, "start", slow)

    def begin(name: str) -> bool:
        try:
            desk.start(replace(wish, name=name))
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(begin, ("nora-1", "nora-2"))) == [False, True]
    assert len(desk.runs()) == 1


def test_progress_is_what_a_stage_shows(
    desk: TrainingHere, begun: Path, processes: FakeProcesses
) -> None:
    shown = str(StageProgress(done=12, total=40, unit="steps", elapsed_s=6.0, note="loss 2.3"))
    processes.tell(begun / "job", ["done", "running", "waiting"], progress=shown)
    step = desk.run("nora-1").job.steps[1]
    assert (step.done, step.total) == (12, 40)
    assert step.note == "12 of 40 steps, 0:14 to go, loss 2.3"


def test_a_run_is_found_again_by_another_studio(
    desk: TrainingHere, begun: Path, tmp_path: Path, processes: FakeProcesses
) -> None:
    other = open_desk(tmp_path, {}, processes)
    assert [run.id for run in other.runs()] == ["nora-1"]
    assert other.run("nora-1").job.is_active


def test_a_run_whose_process_is_gone_says_so_and_goes_on(
    desk: TrainingHere, begun: Path, processes: FakeProcesses
) -> None:
    processes.tell(begun / "job", ["done", "running", "waiting"])
    processes.running.clear()
    job = desk.run("nora-1").job
    assert job.state == "stopped"
    assert job.problem is not None
    assert "gone" in job.problem
    desk.resume("nora-1")
    assert desk.run("nora-1").job.is_active


def test_stop_asks_and_a_stopped_run_has_no_problem(
    desk: TrainingHere, begun: Path, processes: FakeProcesses
) -> None:
    desk.stop("nora-1")
    assert processes.interrupted == [begun / "job"]
    processes.end(begun / "job", "done", "stopped", "waiting", is_stopping=True)
    job = desk.run("nora-1").job
    assert (job.state, job.problem) == ("stopped", None)


def test_a_run_that_failed_says_why(
    desk: TrainingHere, begun: Path, processes: FakeProcesses
) -> None:
    log = "== run\n0.2 M trained parameters\nwarning: a loss of 9\nintone: step 3: loss is nan\n"
    processes.end(begun / "job", "done", "failed", "waiting", log=log)
    run = desk.run("nora-1")
    assert (run.job.state, run.job.problem) == ("failed", "step 3: loss is nan")
    assert run.remarks == ("0.2 M trained parameters", "warning: a loss of 9")


def test_curves_come_from_the_log(desk: TrainingHere, begun: Path) -> None:
    write_log(begun / "run", 30, {0: 3.0, 20: 2.5})
    curves = desk.curves("nora-1")
    assert len(curves.train) == 30
    assert [(point.step, point.loss) for point in curves.validation] == [(0, 3.0), (20, 2.5)]
    assert set(curves.codebooks) == {str(k) for k in range(16)}
    assert curves.frames_per_s == 200.0


def test_checkpoints_say_which_is_best(
    desk: TrainingHere, begun: Path, tiny_checkpoint: Checkpoints
) -> None:
    write_fake_run(begun / "run", tiny_checkpoint("base"), losses={10: 2.5, 20: 2.4, 30: 2.6})
    found = desk.run("nora-1").checkpoints
    assert [(each.step, each.is_best) for each in found] == [(10, False), (20, True), (30, False)]


def test_a_checkpoint_that_the_run_drops_meanwhile_is_passed_over(
    begun: Path, tiny_checkpoint: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_fake_run(begun / "run", tiny_checkpoint("base"), losses={10: 2.5, 20: 2.4})
    whole = [begun / "run" / "checkpoints" / name for name in ("step-000005", "step-000020")]
    monkeypatch.setattr(results, "complete_checkpoints", lambda run: whole)
    assert [each.step for each in results.read_checkpoints(begun / "run")] == [20]


def test_two_checkpoints_say_one_sentence_with_one_seed(
    desk: TrainingHere, begun: Path, tiny_checkpoint: Checkpoints, processes: FakeProcesses
) -> None:
    write_fake_run(begun / "run", tiny_checkpoint("base"), losses={10: 2.5, 20: 2.4})
    names = ["step-000010", "step-000020"]
    heard = desk.listen("nora-1", ListenWish(text="-Hello-", checkpoints=names, seed=3))
    place = begun / "listen" / heard
    assert (place / "text.txt").read_text() == "-Hello-"
    stages = stages_of(place / "job")
    assert [stage["name"] for stage in stages] == [
        *("open step-000010", "speak step-000010"),
        *("open step-000020", "speak step-000020"),
    ]
    for stage in stages[1::2]:
        assert stage["argv"][stage["argv"].index("--seed") + 1] == "3"
        assert stage["argv"][stage["argv"].index("--voice") + 1] == "anna"
        assert stage["removes"] == str(place / "model")
    (place / "step-000010.wav").write_bytes(b"sound")
    samples = desk.run("nora-1").listenings[0].samples
    assert [sample.path is not None for sample in samples] == [True, False]
    with pytest.raises(RunError, match="another sentence"):
        desk.listen("nora-1", ListenWish(text="More", checkpoints=names, seed=3))
    with pytest.raises(EmptyTextError):
        desk.listen("nora-1", ListenWish(text=" ", checkpoints=names, seed=3))
    with pytest.raises(RunError, match="no checkpoint 'step-000099'"):
        desk.listen("nora-1", ListenWish(text="x", checkpoints=["step-000099"], seed=3))


def test_a_checkpoint_becomes_a_model_and_a_voice_under_a_name_of_its_own(
    desk: TrainingHere, begun: Path, tiny_checkpoint: Checkpoints, tmp_path: Path
) -> None:
    write_fake_run(begun / "run", tiny_checkpoint("base"), losses={10: 2.5})
    desk.promote("nora-1", "step-000010", "nora")
    export, keep = stages_of(begun / "voices" / "nora" / "job")
    model = tmp_path / "training" / "models" / "nora"
    assert export["argv"][-2:] == ["--out", str(model)]
    assert keep["argv"][:3] == ["voices", "add", "nora"]
    assert "agrees" in keep["argv"][-1]
    with pytest.raises(InvalidSettingError, match="preset's"):
        desk.promote("nora-1", "step-000010", "ryan")
    model.mkdir(parents=True)
    assert not trained_models(tmp_path / "training")  # half of it
    (model / "config.json").write_text("{}")
    assert trained_models(tmp_path / "training") == {"nora": model}
    with pytest.raises(InvalidSettingError, match="kept already"):
        desk.promote("nora-1", "step-000010", "nora")


def test_what_is_at_work_or_needed_is_not_removed(
    desk: TrainingHere, begun: Path, wish: RunWish, processes: FakeProcesses
) -> None:
    with pytest.raises(RunError, match="at work"):
        desk.remove_run("nora-1")
    processes.end(begun / "job", "done", "done", "done")
    with pytest.raises(RunError, match="remove the run first"):
        desk.remove_dataset(wish.dataset)
    desk.remove_run("nora-1")
    desk.remove_dataset(wish.dataset)
    assert not desk.runs()
    assert not begun.exists()


def test_a_name_is_never_a_path(desk: TrainingHere, begun: Path) -> None:
    for name in ("../runs/nora-1", "/etc", ".hidden"):
        with pytest.raises(RunError):
            desk.run(name)
        with pytest.raises(RunError):
            desk.remove_run(name)


def test_a_model_that_was_trained_is_served_beside_those_that_were_named(
    tmp_path: Path, tiny_checkpoint: Checkpoints
) -> None:
    settings = ModelSection(served=["builtin"])
    trained = {"nora": tiny_checkpoint("custom")}
    assert "nora" not in ModelsHere(settings, {}, dict).names()
    assert "nora" in ModelsHere(settings, {}, lambda: trained).names()

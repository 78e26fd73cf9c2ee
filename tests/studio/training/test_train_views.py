"""What the tab shows: every figure is there, in words, and nothing from outside becomes HTML."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import InvalidSettingError, RunError
from intone.studio.training.checkpoints_view import (
    checkpoints_view,
    held_out_view,
    listenings_view,
    promotions_view,
)
from intone.studio.training.curve_view import codebook_pictures, duration_picture, loss_picture
from intone.studio.training.desk import (
    Checkpoint,
    Curves,
    Dataset,
    EvalTake,
    Evaluated,
    Job,
    Listening,
    Point,
    Promotion,
    Refusal,
    Run,
    RunPlan,
    Sample,
    Share,
    Step,
    Verdict,
)
from intone.studio.training.overview import plan_words, suggested_name
from intone.studio.training.problems import field_of
from intone.studio.training.views import dataset_view, log_view, run_view

DONE = Job(state="done", steps=())
EVIL = "<script>alert(1)</script>"


def verdict(**values: object) -> Verdict:
    usual: dict[str, object] = {
        "num_read": 3,
        "num_kept": 2,
        "refused_by_code": {"too_short": 1},
        "refusals": (Refusal(id=EVIL, code="too_short", reason="0.20 s; allowed: from 0.5 s"),),
        "splits": {"train": Share(rows=1, seconds=65.0)},
        "speakers": {"nora": Share(rows=2, seconds=65.0)},
        "languages": {},
        "notes": (),
        "kept_s": (2.0, 3.0),
        "refused_s": (0.2,),
    }
    return Verdict(**(usual | values))  # type: ignore[arg-type]


def dataset(**values: object) -> Dataset:
    usual: dict[str, object] = {
        "id": "nora",
        "source": "/clips/nora",
        "speaker": "nora",
        "language": "english",
        "created_at": "",
        "job": DONE,
        "verdict": verdict(),
    }
    return Dataset(**(usual | values))  # type: ignore[arg-type]


def run(**values: object) -> Run:
    usual: dict[str, object] = {
        "id": "nora-1",
        "dataset": "nora",
        "base": "0.6b-base",
        "preset": "voice",
        "epochs": 2,
        "learning_rate_scale": 1.0,
        "created_at": "",
        "speakers": ("nora",),
        "job": DONE,
    }
    return Run(**(usual | values))  # type: ignore[arg-type]


def offer(path: Path) -> str:
    return f"/sound/{path.name}"


def test_a_verdict_adds_up_in_words() -> None:
    shown = dataset_view(dataset())
    for words in ("2 of 3 clips", "1:05", "too short", "0.20 s; allowed: from 0.5 s"):
        assert words in shown
    assert EVIL not in shown


def test_nothing_yet_says_what_to_do() -> None:
    assert "a.wav, a.txt" in dataset_view(None)
    assert "start training" in run_view(None, Curves())


def test_a_check_that_failed_says_why() -> None:
    failed = Job(
        state="failed", steps=(Step(name="check", state="failed"),), problem="no rows here"
    )
    assert "No rows here" in dataset_view(dataset(job=failed, verdict=None))


def test_a_stage_at_work_has_a_bar_and_its_own_words() -> None:
    steps = (
        Step(name="encode", state="done", wall_s=65.0),
        Step(name="run", state="running", note="12 of 40 steps, 0:20 to go", done=12, total=40),
        Step(name="eval", state="waiting"),
    )
    shown = run_view(run(job=Job(state="running", steps=steps)), Curves())
    for words in ("finished · 1:05", 'aria-valuenow="30"', "0:20 to go", "waits"):
        assert words in shown


def test_warnings_and_a_run_that_left_the_road_are_told_in_words() -> None:
    failed = Job(state="failed", steps=(), problem="the loss ran away; lower --learning-rate-scale")
    shown = run_view(run(job=failed, remarks=("warning: a loss of 9.2", "0.2 M trained")), Curves())
    assert "A loss of 9.2" in shown
    assert "smaller learning-rate scale" in shown
    assert "0.2 M trained" in shown


def test_curves_are_drawn_in_the_colours_of_the_page() -> None:
    curves = Curves(
        train=(Point(step=1, loss=3.0), Point(step=2, loss=2.9)),
        validation=(Point(step=0, loss=3.1), Point(step=2, loss=2.8)),
        codebooks={"0": (Point(step=0, loss=3.1), Point(step=2, loss=2.8))},
    )
    shown = loss_picture(curves, 40)
    assert "step 2: 2.800" in shown
    assert "step 40" in shown
    assert "#" not in shown + codebook_pictures(curves.codebooks)  # no colour of its own
    assert "3.10 → 2.80" in codebook_pictures(curves.codebooks)
    assert not loss_picture(Curves(), None)


def test_clips_are_counted_by_duration() -> None:
    shown = duration_picture((2.0, 2.1, 3.0), (0.2,))
    assert "3 kept and 1 refused" in shown
    assert shown.count('<rect class="refused"') == 1
    assert not duration_picture((), ())


def test_checkpoints_are_side_by_side_with_what_came_before() -> None:
    found = run(
        checkpoints=(
            Checkpoint(name="step-000010", step=10, loss=2.5, is_best=False),
            Checkpoint(name="step-000020", step=20, loss=2.4, is_best=True),
        ),
        evaluated=(
            evaluated("recordings", 0.98),
            evaluated("base", 0.80, "base.flac"),
            evaluated("step-000020", 0.90, "tuned.flac"),
        ),
    )
    shown = checkpoints_view(found)
    for words in ("the recordings", "before training", "step 10", "2.400", "0.900"):
        assert words in shown
    assert shown.count("intone-best") == 1
    heard = held_out_view(found, offer)
    assert 'data-play="/sound/base.flac"' in heard
    assert 'data-play="/sound/tuned.flac"' in heard
    assert heard.count("intone-card") == 2  # one sentence: the grid, and a card


def evaluated(name: str, similarity: float, take: str | None = None) -> Evaluated:
    heard = EvalTake(text="Held out.", path=Path(take or ""), ended=True, similarity=1.0)
    return Evaluated(
        name=name,
        loss=None,
        similarity=similarity,
        ended=1.0,
        pace=1.0,
        score=None,
        takes=(heard,) if take else (),
    )


def test_a_sentence_plays_by_either_checkpoint() -> None:
    samples = (
        Sample(checkpoint="step-000010", path=Path("a.wav")),
        Sample(checkpoint="step-000020", path=None),
    )
    job = Job(state="running", steps=(Step(name="speak step-000020", state="running"),))
    heard = Listening(id="s", text=EVIL, seed=3, speaker="nora", samples=samples, job=job)
    shown = listenings_view(run(listenings=(heard,)), offer)
    assert 'data-play="/sound/a.wav"' in shown
    assert "is being said" in shown
    assert "seed 3" in shown
    assert "Say it with step 20" in shown
    assert EVIL not in shown


def test_a_promoted_checkpoint_says_where_its_voice_is() -> None:
    kept = Promotion(voice="nora", checkpoint="step-000020", model=Path("/m/nora"), job=DONE)
    shown = promotions_view(run(promotions=(kept,)))
    assert "nora, from step 20: a voice of yours now" in shown
    assert "under Speak" in shown


def test_a_run_that_may_not_fit_is_told_before_it_begins() -> None:
    plan = RunPlan(num_steps=24, save_every=5, memory_bytes=8 * 10**9, evaluates=False)
    words, fits = plan_words(plan, 5 * 10**9)
    assert not fits
    for part in ("24 steps", "every 5", "8.0 GB", "5.0 GB are free", "LoRA", "held out"):
        assert part in words
    assert plan_words(plan, None)[1]


def test_the_next_run_has_a_name() -> None:
    assert suggested_name("nora", {"nora-1"}) == "nora-2"
    assert suggested_name(None, set()) == "nora-1"


def test_an_error_stands_beside_its_field() -> None:
    assert field_of(InvalidSettingError("epochs is 0; allowed"), "start") == "epochs"
    assert field_of(InvalidSettingError("voice name 'x y' cannot"), "keep") == "voice"
    assert field_of(RunError("the run 'a' is at work"), "start") == "start"


def test_what_was_printed_is_text() -> None:
    assert EVIL not in log_view(Job(state="done", steps=(), lines=(EVIL,)))

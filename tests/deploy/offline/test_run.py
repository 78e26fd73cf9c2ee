"""A run: every row once, what is finished is kept, what has changed is redone."""

from __future__ import annotations

import threading
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from tests.deploy.offline.sets import (
    MODEL,
    Said,
    hands,
    lines_of,
    planned,
    speaker,
    texts,
)
from tests.render.fake_synthesizer import FakeSynthesizer

from intone.core.errors import (
    BatchError,
    EngineStoppedError,
    OutputError,
    UnknownVoiceError,
)
from intone.core.types import Audio, SpeechRequest
from intone.deploy.offline.output import SetDirectory, open_set
from intone.deploy.offline.planned import PlannedRow, SpeakerModel
from intone.deploy.offline.ray_rows import RowsWorker
from intone.deploy.offline.run import SetRun, Step
from intone.deploy.offline.speaking import RowOutcome


class Refusing(FakeSynthesizer):
    """Cannot speak texts with a word."""

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def synthesize(self, request: SpeechRequest) -> Audio:
        if self.word in request.text:
            raise UnknownVoiceError("nobody is known.")
        return super().synthesize(request)


def speak(
    directory: Path,
    rows: Sequence[Said],
    fake: FakeSynthesizer,
    *,
    model: SpeakerModel = MODEL,
    limit_failures: int | None = None,
) -> list[Step]:
    """Runs a set to its end; returns the steps."""
    with open_set(directory / "out") as out:
        run = SetRun(planned(directory, rows, model), out, model, limit_failures=limit_failures)
        return list(run.speak(hands(fake, out)))


def spoken(fake: FakeSynthesizer) -> list[str]:
    return sorted(request.text for request in fake.requests)


def test_every_row_has_one_file_and_one_line_in_the_order_of_the_set(tmp_path: Path) -> None:
    fake = FakeSynthesizer()
    steps = speak(tmp_path, texts(20), fake)
    lines = lines_of(tmp_path / "out" / "manifest.jsonl")
    assert [line["id"] for line in lines] == [f"row-{i}" for i in range(20)]
    assert len(fake.requests) == len(steps) == 20
    assert [step.num_done for step in steps] == list(range(1, 21))
    assert steps[-1].remaining_s == 0
    files = sorted(path for path in (tmp_path / "out" / "audio").rglob("*") if path.is_file())
    assert files == sorted(tmp_path / "out" / line["file"] for line in lines)
    samples, rate = soundfile.read(tmp_path / "out" / lines[3]["file"], dtype="float32")
    assert (len(samples), rate) == (lines[3]["num_samples"], lines[3]["sample_rate_hz"])
    assert lines_of(tmp_path / "out" / "failures.jsonl") == []


def test_a_second_run_speaks_nothing(tmp_path: Path) -> None:
    speak(tmp_path, texts(5), FakeSynthesizer())
    before = (tmp_path / "out" / "manifest.jsonl").read_bytes()
    again = FakeSynthesizer()
    speak(tmp_path, texts(5), again)
    assert again.requests == []
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes() == before


def test_new_and_changed_rows_are_spoken_and_others_are_not(tmp_path: Path) -> None:
    speak(tmp_path, texts(5), FakeSynthesizer())
    rows = [dict(row) for row in texts(6)]
    rows[2]["text"] = "Another text."
    again = FakeSynthesizer()
    speak(tmp_path, rows, again)
    assert spoken(again) == ["Another text.", "It is 5."]
    assert [line["text"] for line in lines_of(tmp_path / "out" / "manifest.jsonl")][
        2
    ] == "Another text."


def test_another_model_speaks_all_again(tmp_path: Path) -> None:
    speak(tmp_path, texts(3), FakeSynthesizer())
    again = FakeSynthesizer()
    speak(tmp_path, texts(3), again, model=replace(MODEL, fingerprint="e" * 64))
    assert len(again.requests) == 3


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_take_whose_file_is_gone_or_cut_is_spoken_again(harm: str, tmp_path: Path) -> None:
    speak(tmp_path, texts(3), FakeSynthesizer())
    file = tmp_path / "out" / lines_of(tmp_path / "out" / "manifest.jsonl")[1]["file"]
    file.unlink() if harm == "gone" else file.write_bytes(file.read_bytes()[:-2])
    again = FakeSynthesizer()
    speak(tmp_path, texts(3), again)
    assert spoken(again) == ["It is 1."]


def test_a_line_that_a_crash_cut_short_costs_one_row(tmp_path: Path) -> None:
    speak(tmp_path, texts(3), FakeSynthesizer())
    (journal,) = (tmp_path / "out" / ".batch" / "journals").iterdir()
    journal.write_bytes(journal.read_bytes()[:-9])
    again = FakeSynthesizer()
    speak(tmp_path, texts(3), again)
    assert len(again.requests) == 1


def test_a_row_that_went_back_and_forth_is_never_the_other_one(tmp_path: Path) -> None:
    """A crash after the file of B, before its line, must not leave B's sound as A's take."""
    a, b = texts(1), [{"id": "row-0", "text": "Something else."}]
    speak(tmp_path, a, FakeSynthesizer())
    with open_set(tmp_path / "out") as out:
        rows = planned(tmp_path, b)
        out.begin(rows)
        file = out.directory / rows[0].file
        file.write_bytes(file.read_bytes())  # as long as A's: only the journal tells
    again = FakeSynthesizer()
    speak(tmp_path, a, again)
    assert spoken(again) == ["It is 0."]


def test_failed_rows_are_listed_with_reasons_and_the_others_are_spoken(tmp_path: Path) -> None:
    steps = speak(tmp_path, texts(12), Refusing("1"))
    assert (steps[-1].num_done, steps[-1].num_failed) == (9, 3)
    failures = lines_of(tmp_path / "out" / "failures.jsonl")
    assert [failure["line"] for failure in failures] == [2, 11, 12]
    assert failures[0] == {
        "id": "row-1", "line": 2, "error": "UnknownVoiceError", "reason": "nobody is known."
    }  # fmt: skip
    made = [line["id"] for line in lines_of(tmp_path / "out" / "manifest.jsonl")]
    assert sorted([*made, *(failure["id"] for failure in failures)]) == sorted(
        row["id"] for row in texts(12)
    )


def test_failed_rows_are_tried_again_and_only_these(tmp_path: Path) -> None:
    speak(tmp_path, texts(4), Refusing("1"))
    again = FakeSynthesizer()
    speak(tmp_path, texts(4), again)
    assert spoken(again) == ["It is 1."]
    assert lines_of(tmp_path / "out" / "failures.jsonl") == []
    assert len(lines_of(tmp_path / "out" / "manifest.jsonl")) == 4


def test_too_many_failures_stop_the_run_and_leave_no_manifest(tmp_path: Path) -> None:
    speak(tmp_path, texts(1), FakeSynthesizer())
    with pytest.raises(BatchError, match="stopped after 3 failed rows"):
        speak(tmp_path, texts(200), Refusing("It"), limit_failures=2)
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert len(lines_of(tmp_path / "out" / "failures.jsonl")) == 3


def test_leaving_in_the_middle_stops_what_speaks_and_keeps_what_is_finished(tmp_path: Path) -> None:
    fake = FakeSynthesizer()
    with open_set(tmp_path / "out") as out:
        run = SetRun(planned(tmp_path, texts(30)), out, MODEL)
        steps = run.speak(hands(fake, out))
        for _ in range(5):
            next(steps)
        steps.close()
        num_finished = len(run.takes)
    assert fake.is_closed
    again = FakeSynthesizer()
    speak(tmp_path, texts(30), again)
    assert len(again.requests) <= 30 - num_finished
    assert len({*spoken(again), *spoken(fake)}) == 30


def test_a_stopped_engine_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(EngineStoppedError, match="start again"):
        speak(tmp_path, texts(3), FakeSynthesizer(finish=lambda request: "cancelled"))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


def test_as_many_rows_run_at_once_as_there_are_slots(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=5)

    class Waiting(FakeSynthesizer):
        def synthesize(self, request: SpeechRequest) -> Audio:
            together.wait()
            return super().synthesize(request)

    with open_set(tmp_path / "out") as out:
        run = SetRun(planned(tmp_path, texts(8)), out, MODEL)
        assert len(list(run.speak(hands(Waiting(), out, num_at_once=4)))) == 8


class Careless:
    """Gives some rows twice, and others never."""

    def __init__(self, out: SetDirectory, fake: FakeSynthesizer, lost: str | None) -> None:
        self._speaker = speaker(fake, out)
        self._lost = lost

    def speak(self, rows: Sequence[PlannedRow]) -> Generator[RowOutcome]:
        for row in rows:
            if row.row.id != self._lost:
                yield self._speaker.speak(row)
                yield self._speaker.speak(row)


def test_a_row_that_comes_twice_counts_once(tmp_path: Path) -> None:
    with open_set(tmp_path / "out") as out:
        run = SetRun(planned(tmp_path, texts(3)), out, MODEL)
        assert len(list(run.speak(Careless(out, FakeSynthesizer(), None)))) == 3
    assert len(lines_of(tmp_path / "out" / "manifest.jsonl")) == 3


def test_a_row_that_never_comes_back_is_told(tmp_path: Path) -> None:
    with open_set(tmp_path / "out") as out:
        run = SetRun(planned(tmp_path, texts(3)), out, MODEL)
        with pytest.raises(BatchError, match="1 rows did not come back.*'row-1'"):
            list(run.speak(Careless(out, FakeSynthesizer(), "row-1")))
    assert not (tmp_path / "out" / "manifest.jsonl").exists()


def test_one_process_at_a_time_holds_a_set(tmp_path: Path) -> None:
    with open_set(tmp_path / "out"), pytest.raises(OutputError, match="another process"):
        with open_set(tmp_path / "out"):
            pass


def test_a_worker_that_sees_another_disk_is_refused(tmp_path: Path) -> None:
    with open_set(tmp_path / "out") as out:
        out.begin(())
        out.shared.check("machine here")
        elsewhere = replace(out.shared, directory=tmp_path / "elsewhere")
        with pytest.raises(OutputError, match="machine there does not see"):
            elsewhere.check("machine there")


def worker(out: SetDirectory, fake: FakeSynthesizer) -> RowsWorker:
    return RowsWorker(out.shared, speaker(fake, out), hands(fake, out))


def test_a_block_that_is_given_out_again_is_gone_on_with(tmp_path: Path) -> None:
    rows = planned(tmp_path, texts(6))
    with open_set(tmp_path / "out") as out:
        first, second = FakeSynthesizer(), FakeSynthesizer()
        worker(out, first).work(rows[:4])  # and then it died
        outcomes = worker(out, second).work(rows)
    assert spoken(second) == ["It is 4.", "It is 5."]
    assert sorted(outcome.id for outcome in outcomes) == [f"row-{i}" for i in range(6)]
    assert all(outcome.take is not None for outcome in outcomes)


def test_a_row_that_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    class Died(BaseException):
        """Stands for the end of a process."""

    class Deadly(FakeSynthesizer):
        def synthesize(self, request: SpeechRequest) -> Audio:
            if request.text == "It is 2.":
                raise Died
            return super().synthesize(request)

    rows = planned(tmp_path, texts(5))
    num_deaths = 0
    with open_set(tmp_path / "out") as out:
        while True:
            try:
                outcomes = worker(out, Deadly()).work(rows)
                break
            except Died:
                num_deaths += 1
    failed = [outcome.failure for outcome in outcomes if outcome.failure is not None]
    assert [(failure.id, failure.error) for failure in failed] == [("row-2", "WorkerDied")]
    assert len(outcomes) == 5
    assert num_deaths == 3  # with its neighbours, then twice alone

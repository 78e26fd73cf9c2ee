"""`intone batch`: rows in, files out; what is wrong is told before a model is loaded."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import pytest
import soundfile
from tests.cli.conftest import RunInProcess, start
from tests.deploy.offline.sets import lines_of, write_rows

from intone.core.types import ModelKind
from intone.deploy.offline import here
from intone.tts import TTS

Checkpoint = Callable[[ModelKind], Path]

ROWS = [
    {"id": "sea", "text": "The sea.", "seed": 4},
    {"id": "Hill/2", "text": "A hill.", "voice": "vivian"},
    {"text": "It is 5.", "max_frames": 6},
]


@pytest.fixture
def model(tiny_checkpoint: Checkpoint) -> list[str]:
    write_rows(Path("set.jsonl"), ROWS)
    return ["--model", str(tiny_checkpoint("custom")), "--max-frames", "4", "--out", "out"]


def test_rows_become_files_with_a_manifest(intone: RunInProcess, model: list[str]) -> None:
    done = intone("batch", "set.jsonl", *model)
    assert done.code == 0, done.err
    lines = lines_of(Path("out/manifest.jsonl"))
    assert [line["id"] for line in lines] == ["sea", "Hill/2", "3"]
    assert [line["line"] for line in lines] == [1, 2, 3]
    assert lines[0]["seed"] == 4
    assert lines[1]["voice"] == "vivian"
    for line in lines:
        assert soundfile.info(Path("out", line["file"])).frames == line["num_samples"]
    assert lines[2]["num_samples"] == 6 * 1920
    assert "3 of 3 rows" in done.out
    assert "3 rows were spoken in this run" in done.out


def test_a_row_is_the_take_that_the_library_makes(
    intone: RunInProcess, model: list[str], tiny_tts: TTS
) -> None:
    intone("batch", "set.jsonl", *model, "--dtype", "fp32")
    line = lines_of(Path("out/manifest.jsonl"))[0]
    take = tiny_tts.speak("The sea.", seed=4, max_frames=4)
    samples, _ = soundfile.read(Path("out", line["file"]), dtype="float32")
    assert samples == pytest.approx(take.samples, abs=2e-4)


def test_the_same_command_speaks_nothing_twice(intone: RunInProcess, model: list[str]) -> None:
    intone("batch", "set.jsonl", *model)
    again = intone("batch", "set.jsonl", *model)
    assert again.code == 0
    assert "3 of 3 rows are finished in out: going on from there" in again.err
    assert "0 rows were spoken" in again.out
    write_rows(Path("set.jsonl"), ROWS[:2])
    fewer = intone("batch", "set.jsonl", *model)
    assert "1 takes of rows that are not in set.jsonl stay in out" in fewer.err
    write_rows(Path("set.jsonl"), ROWS)
    changed = intone("batch", "set.jsonl", *model, "--speed", "1.25")
    assert "3 rows were spoken" in changed.out


def test_all_bad_rows_are_told_before_anything_is_spoken(
    intone: RunInProcess, model: list[str]
) -> None:
    bad = [{"txt": "x"}, {"text": "Nora.", "voice": "nora"}, {"text": "Hot.", "temperature": -1}]
    write_rows(Path("set.jsonl"), [*ROWS, *bad, {"text": "So.", "language": "klingon"}])
    done = intone("batch", "set.jsonl", *model)
    assert done.code == 3
    told = [line for line in done.err.splitlines() if line.startswith("intone: line ")]
    assert [line.split(":")[1].strip() for line in told] == ["line 4", "line 5", "line 6", "line 7"]
    assert "4 of 7 rows of set.jsonl cannot be spoken" in done.err
    assert not Path("out").exists()


def test_a_row_that_fails_is_listed_and_the_exit_code_says_so(
    intone: RunInProcess, model: list[str]
) -> None:
    write_rows(Path("set.jsonl"), [*ROWS, {"id": "long", "text": "Long.", "max_frames": 50_000}])
    done = intone("batch", "set.jsonl", *model)
    assert done.code == 12
    assert "1 of 4 rows have no take" in done.err
    (failure,) = lines_of(Path("out/failures.jsonl"))
    assert (failure["id"], failure["line"], failure["error"]) == ("long", 4, "TextTooLongError")
    assert len(lines_of(Path("out/manifest.jsonl"))) == 3


def test_check_and_show_spoken_make_nothing(intone: RunInProcess, model: list[str]) -> None:
    checked = intone("batch", "set.jsonl", *model, "--check")
    assert checked.code == 0
    assert "3 rows" in checked.out
    shown = intone("batch", "set.jsonl", *model, "--show-spoken", "--normalise", "off")
    assert shown.out.splitlines() == ["The sea.", "A hill.", "It is 5."]
    assert not Path("out").exists()


def test_what_is_finished_survives_ctrl_c(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(Path("set.jsonl"), [{"text": f"It is {i}."} for i in range(16)])
    outcomes = here.HandsHere._outcomes

    def interrupted(self: here.HandsHere, *args: object) -> object:
        for number, outcome in enumerate(outcomes(self, *args)):  # type: ignore[arg-type]
            if number == 5:
                raise KeyboardInterrupt
            yield outcome

    with monkeypatch.context() as patch:
        patch.setattr(here.HandsHere, "_outcomes", interrupted)
        stopped = intone("batch", "set.jsonl", *model)
    assert stopped.code == 130
    kept = re.search(r"(\d+) of 16 rows are finished in out; the same command", stopped.err)
    assert kept is not None
    assert int(kept[1]) >= 5
    assert not Path("out/manifest.jsonl").exists()
    assert intone("batch", "set.jsonl", *model).code == 0
    assert len(lines_of(Path("out/manifest.jsonl"))) == 16


@pytest.mark.slow
def test_a_killed_run_is_gone_on_with(model: list[str]) -> None:
    write_rows(Path("set.jsonl"), [{"text": f"It is {i}."} for i in range(100)])
    process = start("batch", "set.jsonl", *model)
    deadline = monotonic() + 60
    while not list(Path("out").glob("audio/*/*.wav")) and monotonic() < deadline:
        sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    num_kept = sum(
        line.count(b"\n")
        for line in (p.read_bytes() for p in Path("out").glob(".batch/journals/*"))
    )
    again = start("batch", "set.jsonl", *model)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert f"{100 - num_kept} rows were spoken" in out.decode()
    assert not list(Path("out").rglob("*.part"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workers", "2"], "--workers is about a cluster; give --ray"),
        (["--gpus-per-worker", "1"], "--gpus-per-worker is about a cluster"),
        (["--ray", "--workers", "0"], "--workers is 0; allowed: 1 or more"),
        (["--limit-failures", "-1"], "--limit-failures is -1; allowed: 0 or more"),
        (["--slots", "0"], "--slots is 0; allowed: 1 or more"),
        (["--out", "-"], "--out is '-'; a set is a directory of files"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], words: str, intone: RunInProcess, model: list[str]
) -> None:
    done = intone("batch", "set.jsonl", *model, *options)
    assert done.code == 3
    assert words in done.err


def test_a_missing_file_is_told(intone: RunInProcess, model: list[str]) -> None:
    done = intone("batch", "other.jsonl", *model)
    assert done.code == 3
    assert "other.jsonl is no file" in done.err


def test_a_manifest_is_one_object_a_line_in_utf_8(intone: RunInProcess, model: list[str]) -> None:
    write_rows(Path("set.jsonl"), [{"id": "é", "text": "Café, “so”."}])
    intone("batch", "set.jsonl", *model)
    text = Path("out/manifest.jsonl").read_text(encoding="utf-8")
    assert json.loads(text)["id"] == "é"
    assert "Café" in text

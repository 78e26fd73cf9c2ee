"""`intone train check`: verdicts, page and exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from tests.cli.conftest import RunInProcess
from tests.train.speech import save, silence, speech

from intone.cli.train.check import share
from intone.core.types import ModelKind


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three good clips, one that is silent, one without a text."""
    data = tmp_path / "clips"
    for i, words in enumerate(("One fine day in May", "Two fine days in June", "Three in July")):
        save(data / f"{i}.wav", speech(1.5, seed=i))
        (data / f"{i}.txt").write_text(words)
    save(data / "silent.wav", silence(1.5))
    (data / "silent.txt").write_text("Nothing to <b>hear</b>")
    save(data / "untold.wav", speech(1.0, seed=9))
    return data


def test_a_check_prints_its_sums_and_writes_its_files(intone: RunInProcess, folder: Path) -> None:
    outcome = intone("train", "check", folder, "--out", "data", "--max-rejected", "40%")

    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines() == [
        "clips      4, measured now 4",
        "rows       5 = 3 kept + 2 rejected",
        "rejected   1 silent",
        "rejected   1 empty_text",
        "split      train: 2 rows, 0:03",
        "split      validation: 1 rows, 0:02",
        "speaker    speaker: 3 rows, 0:04",
        "language   auto: 3 rows, 0:04",
        "report     data/report.html",
        "data",
    ]
    rejected = [json.loads(line) for line in Path("data/rejected.jsonl").read_text().splitlines()]
    assert [row["code"] for row in rejected] == ["silent", "empty_text"]
    assert len(Path("data/rows.jsonl").read_text().splitlines()) == 3


def test_the_page_shows_every_picture_and_reason(intone: RunInProcess, folder: Path) -> None:
    (folder / "silent.txt").write_text("x" * 5)
    (folder / "<b>.wav").write_bytes(b"")

    intone("train", "check", folder, "--out", "data", "--max-rejected", "1")

    page = Path("data/report.html").read_text(encoding="utf-8")
    names = ("durations", "chars_per_s", "levels", "range", "lead", "tail", "rejected")
    for name in names:
        assert f'src="report/{name}.png"' in page
        with Image.open(f"data/report/{name}.png") as picture:
            assert min(picture.size) > 200
    assert "6 rows read = 3 kept + 3 rejected" in page
    assert "peak 0.0" in page
    assert "&lt;b&gt;.wav" in page
    assert "<b>" not in page


def test_too_many_bad_rows_end_with_the_code_of_training_errors(
    intone: RunInProcess, folder: Path
) -> None:
    outcome = intone("train", "check", folder, "--out", "data", "--no-report")

    assert outcome.code == 10
    assert outcome.err == (
        "intone: 2 of 5 rows (40.0%) were rejected; allowed: up to 5.0% (--max-rejected). "
        "Reasons: silent 1, empty_text 1; each row's is in data/rejected.jsonl.\n"
    )
    assert Path("data/rows.jsonl").exists()
    assert not Path("data/report.html").exists()


def test_a_checkpoint_limits_the_languages(
    intone: RunInProcess, folder: Path, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    arguments = ("train", "check", folder, "--out", "data", "--no-report", "--max-rejected", "1")
    base = tiny_checkpoint("base")

    assert intone(*arguments, "--model", base, "--language", "English").code == 0
    assert '"language": "english"' in Path("data/rows.jsonl").read_text()
    assert intone(*arguments, "--model", base, "--language", "dutch").code == 3


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--processes", "0"), 3, "--processes is 0"),
        (("--column", "text"), 3, "'text' is not KEY=NAME"),
        (("--column", "mood=x"), 3, "KEY is one of audio"),
        (("--min-seconds", "9", "--max-seconds", "3"), 10, "seconds are 9 to 3"),
        (("--validation", "2"), 10, "validation is 2"),
    ],
)
def test_bad_options_are_one_line(
    intone: RunInProcess, folder: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    outcome = intone("train", "check", folder, "--out", "data", *arguments)

    assert outcome.code == code
    assert message in outcome.err
    assert not Path("data").exists()


def test_without_matplotlib_it_says_so_before_measuring(
    intone: RunInProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    outcome = intone("train", "check", folder, "--out", "data")

    assert outcome.code == 7
    assert "pip install 'intone[train]'" in outcome.err
    assert not Path("data").exists()


def test_shares_are_read_in_both_ways() -> None:
    assert share("5%") == share("0.05") == 0.05

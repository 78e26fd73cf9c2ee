"""`intone train segment`: sums, words by a recogniser, exit codes; then `check` reads its clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.cli.conftest import RunInProcess
from tests.train.speech import save, silence, speech

from intone.core.types import Samples


class Fake:
    """A recogniser that hears the same words with each clip's length."""

    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        return f"There are {len(samples)} samples in {language}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    parts = [silence(1.0), speech(2.0), silence(1.0), speech(3.0, seed=1), silence(1.0)]
    save(tmp_path / "tapes" / "one.wav", np.concatenate(parts))
    return tmp_path / "tapes"


def test_sums_are_printed_and_check_goes_on(
    intone: RunInProcess, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.train.hearing.moonshine.Moonshine", Fake)

    cut = intone(
        "train", "segment", folder, "--out", "clips", "--recogniser", "moonshine",
        "--speaker", "Anna", "--language", "en",
    )  # fmt: skip
    checked = intone("train", "check", "clips", "--out", "data", "--no-report")

    assert (cut.code, cut.err) == (0, "")
    lines = cut.out.splitlines()
    assert lines[:3] == [
        "recordings 1: 1 now, 0 unreadable",
        "clips      2",
        "seconds    8.0 recorded (0:08)",
    ]
    assert lines[-1] == "clips"
    assert (checked.code, checked.err) == (0, "")
    assert "speaker    anna: 2 rows, 0:06" in checked.out
    assert "language   english: 2 rows, 0:06" in checked.out


def test_without_a_recogniser_it_says_what_is_missing(intone: RunInProcess, folder: Path) -> None:
    outcome = intone("train", "segment", folder, "--out", "clips")

    assert outcome.code == 0
    assert "2 clips have no words yet" in outcome.out
    assert intone("train", "check", "clips", "--out", "data", "--no-report").code == 10


def test_an_unreadable_recording_is_an_error_after_the_others_are_done(
    intone: RunInProcess, folder: Path
) -> None:
    (folder / "two.mp3").write_bytes(b"no sound")

    outcome = intone("train", "segment", folder, "--out", "clips")

    assert outcome.code == 10
    assert "1 of 2 recordings could not be read; the others are done" in outcome.err
    assert len(Path("clips/rows.jsonl").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--language", "dutch"), 3, "'dutch' is unknown"),
        (("--recogniser", "absent"), 4, "absent"),
        (("--min-seconds", "20"), 10, "pieces of 20 to 15 s"),
        (("--pause", "-1"), 10, "0 or more"),
    ],
)
def test_bad_options_are_one_line(
    intone: RunInProcess, folder: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    outcome = intone("train", "segment", folder, "--out", "clips", *arguments)

    assert (outcome.code, outcome.out) == (code, "")
    assert message in outcome.err
    assert not Path("clips").exists()

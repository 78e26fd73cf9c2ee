"""Kept takes: names that never collide, whole files or none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.render.records import noise, record

from intone.core.errors import InvalidSettingError, OutputError
from intone.render import outputs
from intone.render.outputs import OutputFolder
from intone.render.sidecar import read_take_record

AT = datetime(2026, 1, 31, 15, 45, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> OutputFolder:
    return OutputFolder(tmp_path / "outputs", now=lambda: AT)


def test_a_take_lies_beside_its_record(folder: OutputFolder) -> None:
    kept = folder.save(noise(), 24_000, record())

    assert kept.audio.name == "say_20260131_154500.wav"
    assert sorted(os.listdir(folder.directory)) == [
        "say_20260131_154500.json",
        "say_20260131_154500.wav",
    ]
    samples, rate_hz = soundfile.read(kept.audio, dtype="int16")
    assert (len(samples), rate_hz) == (4_800, 24_000)
    assert read_take_record(kept.record).audio_file == kept.audio.name


def test_takes_of_one_second_count_up(folder: OutputFolder) -> None:
    names = [folder.save(noise(), 24_000, record()).audio.stem[-5:] for _ in range(3)]

    assert names == ["54500", "500_2", "500_3"]


@pytest.mark.parametrize("ending", ["wav", "json", "mp3"])
def test_a_name_that_anybody_has_is_left_alone(folder: OutputFolder, ending: str) -> None:
    folder.directory.mkdir()
    other = folder.directory / f"say_20260131_154500.{ending}"
    other.write_bytes(b"mine")

    kept = folder.save(noise(), 24_000, record())

    assert kept.audio.stem == "say_20260131_154500_2"
    assert other.read_bytes() == b"mine"


def test_a_format_names_the_ending(folder: OutputFolder) -> None:
    assert folder.save(noise(), 24_000, record(), "flac").audio.suffix == ".flac"


def test_processes_of_one_second_do_not_overwrite_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from datetime import datetime; from pathlib import Path\n"
        "from intone.render.outputs import OutputFolder\n"
        "from tests.render.records import noise, record\n"
        "folder = OutputFolder(Path(sys.argv[1]), now=lambda: datetime(2026, 1, 31))\n"
        "sys.stdin.read()\n"
        "for i in range(20):\n"
        "    samples = noise(200, seed=100 * int(sys.argv[2]) + i)\n"
        "    folder.save(samples, 24_000, record(samples))\n"
    )
    root = Path(__file__).parents[2]
    argv = [sys.executable, "-c", code, str(tmp_path)]
    processes = [
        subprocess.Popen([*argv, str(n)], stdin=subprocess.PIPE, cwd=root) for n in range(3)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()

    assert [process.wait(60) for process in processes] == [0, 0, 0]
    records = [json.loads(path.read_bytes()) for path in tmp_path.glob("*.json")]
    assert len({one["result"]["pcm16_sha256"] for one in records}) == 60
    for one in records:
        samples, _ = soundfile.read(tmp_path / one["audio_file"], dtype="int16")
        assert len(samples) == 200
    assert len(os.listdir(tmp_path)) == 120


def test_audio_that_cannot_be_written_leaves_no_record(
    folder: OutputFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, *_: object) -> None:
        assert path.with_suffix(".json").exists()
        raise OutputError("the disk is full.")

    monkeypatch.setattr(outputs, "save", full)
    with pytest.raises(OutputError, match="full"):
        folder.save(noise(), 24_000, record())

    assert os.listdir(folder.directory) == []


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("words")

    with pytest.raises(OutputError, match="a file has that name"):
        OutputFolder(tmp_path / "outputs").save(noise(), 24_000, record())


@pytest.mark.parametrize("mode", ["", "../say", "Say", "a_b", "a" * 40])
def test_a_mode_is_a_plain_word(folder: OutputFolder, mode: str) -> None:
    with pytest.raises(InvalidSettingError, match="mode is"):
        folder.save(np.zeros(10, np.float32), 24_000, record(mode=mode))

    assert not folder.directory.exists()

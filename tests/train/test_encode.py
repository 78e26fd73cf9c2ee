"""Encoding gives what the encoders give clip by clip, however it is spread, stopped or repeated."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
import torch

from intone.audio.reference import load_reference
from intone.cli import main
from intone.core.errors import (
    CheckpointError,
    DatasetError,
    InvalidSettingError,
    TrainError,
    UnsupportedModeError,
)
from intone.core.types import ModelKind, Samples
from intone.models.checkpoint import Checkpoint
from intone.train.encoding.clip_source import ClipProblem, ClipSource, read_clip
from intone.train.encoding.dataset import open_dataset
from intone.train.encoding.encode import encode
from intone.train.encoding.encode_plan import batches_of
from intone.train.encoding.encode_pool import WorkerSetup, encode_in_processes
from intone.train.encoding.encode_report import EncodeSettings
from intone.train.encoding.encoders import EncoderPlace, Unit
from intone.train.encoding.shards import Shards
from intone.train.progress import StageProgress
from intone.train.rows import TrainingRow, read_rows, write_rows
from intone.voices.cloning import Cloner
from intone.voices.encoders import Encoders

TinyCheckpoint = Callable[[ModelKind], Path]

CPU = torch.device("cpu")
LENGTHS_S = (0.2, 0.31, 1.2, 0.55, 0.8, 0.31, 1.05)


def sound(length_s: float, seed: int, rate_hz: int = 24_000) -> Samples:
    noise = np.random.default_rng(seed).standard_normal(round(length_s * rate_hz))
    samples: Samples = (0.1 * np.cumsum(noise) / 40 + 0.05 * noise).clip(-1, 1).astype(np.float32)
    return samples


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset: whole files, cuts of one file, another rate, stereo, references."""
    directory = tmp_path_factory.mktemp("clips")
    for i, length_s in enumerate(LENGTHS_S):
        soundfile.write(directory / f"{i}.wav", sound(length_s, i), 24_000)
    soundfile.write(directory / "long.flac", sound(2.5, 90), 24_000)
    soundfile.write(
        directory / "other.wav", np.stack([sound(1.5, s, 44_100) for s in (91, 92)], 1), 44_100
    )
    rows = [
        TrainingRow(id=f"rows:{i}", audio=directory / f"{i}.wav", text=f"word {i}", speaker="ann")
        for i in range(len(LENGTHS_S))
    ]
    long, other = directory / "long.flac", directory / "other.wav"
    rows += [
        TrainingRow(id="cut:0", audio=long, text="a", end_s=0.7, speaker="bob"),
        TrainingRow(id="cut:1", audio=long, text="b", start_s=0.7, end_s=1.9, speaker="bob"),
        TrainingRow(id="cut:2", audio=long, text="c", start_s=1.9, speaker="bob"),
        TrainingRow(id="ref:0", audio=other, text="d", ref_audio=long, speaker="bob"),
        TrainingRow(id="ref:1", audio=other, text="e", ref_audio=long, ref_text="abc"),
    ]
    write_rows(directory / "rows.jsonl", rows)
    return directory


@pytest.fixture
def data(clips: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(clips, tmp_path / "data"))


@pytest.fixture
def base(tiny_checkpoint: TinyCheckpoint) -> EncodeSettings:
    return EncodeSettings(model=tiny_checkpoint("base"))


def assert_encoded(directory: Path, model: Path) -> None:
    """Every row has what inference makes of its clips."""
    cloner, encoders = Cloner(model, "cpu"), Encoders(model, "cpu")
    encoder = Checkpoint(model).load_codec_encoder(CPU)
    rows = read_rows(directory)
    dataset = open_dataset(directory)
    assert [encoded.row for encoded in dataset.rows] == rows
    for encoded in dataset.rows:
        row = encoded.row
        samples = read_clip(ClipSource(row.audio, row.start_s, row.end_s))
        assert not isinstance(samples, ClipProblem)
        alone = encoder.encode(torch.from_numpy(samples)[None])[0].T
        np.testing.assert_array_equal(encoded.codes, alone.numpy())
        if row.ref_audio is None:
            assert encoded.ref_codes is None
            x_vector = encoders.x_vector(samples)
        else:
            voice = cloner.clone(load_reference(row.ref_audio), row.ref_text)
            x_vector = voice.x_vector
            assert (encoded.ref_codes is None) == (voice.ref_codes is None)
            if voice.ref_codes is not None:
                np.testing.assert_array_equal(encoded.ref_codes, voice.ref_codes)
        np.testing.assert_allclose(encoded.x_vector, x_vector, rtol=1e-5, atol=1e-6)


def states(directory: Path) -> dict[tuple[str, str], bytes]:
    """Returns the bytes of every record by kind and key."""
    shards = Shards(directory / "codes")
    return {name: shards.array(*name).tobytes() for name in shards}


@pytest.mark.parametrize("batch_s", [None, 1.3, 60.0])
def test_every_row_gets_what_inference_makes_of_its_clips(
    data: Path, base: EncodeSettings, batch_s: float | None
) -> None:
    report = encode(data, replace(base, batch_s=batch_s))
    assert (report.rows, report.encoded, report.failures) == (12, 12, [])
    assert (report.speakers, report.has_x_vectors, report.records_kept) == (3, True, 0)
    assert_encoded(data, base.model)


@pytest.mark.slow
def test_several_processes_give_the_same_records(
    data: Path, base: EncodeSettings, tmp_path: Path
) -> None:
    alone = Path(shutil.copytree(data, tmp_path / "alone"))
    encode(alone, base)
    report = encode(data, replace(base, processes=2, batch_s=2.0))
    assert report.records_made == len(states(data))
    assert len(list((data / "codes").glob("*.bin"))) == 2
    assert states(data) == states(alone)
    assert open_dataset(data).content_hash == open_dataset(alone).content_hash
    assert_encoded(data, base.model)


def test_a_second_run_encodes_nothing(data: Path, base: EncodeSettings) -> None:
    first = encode(data, base)
    before = {path: path.read_bytes() for path in (data / "codes").iterdir()}
    second = encode(data, replace(base, processes=4))
    assert (second.records_made, second.records_kept) == (0, first.records_made)
    assert {path: path.read_bytes() for path in (data / "codes").iterdir()} == before


def test_only_changed_audio_is_encoded_again(data: Path, base: EncodeSettings) -> None:
    encode(data, base)
    soundfile.write(data / "2.wav", sound(0.5, 70), 24_000)
    (data / "3.wav").rename(data / "renamed.wav")
    rows = [
        replace(row, audio=data / "renamed.wav", text="new words") if row.id == "rows:3" else row
        for row in read_rows(data)
    ]
    write_rows(data / "rows.jsonl", rows)
    report = encode(data, base)
    assert report.records_made == 2  # codes and x-vector of one clip
    assert_encoded(data, base.model)


def test_another_codec_or_speaker_encoder_encodes_again(
    data: Path, base: EncodeSettings, tmp_path: Path
) -> None:
    from intone.models.random_checkpoint import write_random_checkpoint

    first = encode(data, base)
    other = write_random_checkpoint(tmp_path / "other", kind="base", size="tiny", seed=5)
    vectors = encode(data, replace(base, speaker_encoder=other))
    assert 0 < vectors.records_made < first.records_made
    assert encode(data, replace(base, model=other)).records_made > 0
    assert_encoded(data, other)
    again = encode(data, base)
    assert again.records_made == 0  # the first codes were kept
    assert_encoded(data, base.model)


def test_a_copy_of_a_clip_is_encoded_once(data: Path, base: EncodeSettings) -> None:
    shutil.copy(data / "0.wav", data / "copy.wav")
    rows = read_rows(data)
    rows.append(replace(rows[0], id="copy", audio=data / "copy.wav"))
    first = encode(data, base)
    write_rows(data / "rows.jsonl", rows)
    assert encode(data, base).records_made == 0
    assert first.rows + 1 == len(open_dataset(data).rows)


def test_trimming_cuts_silence_off_rows_but_not_off_references(
    data: Path, base: EncodeSettings
) -> None:
    speech, silence = sound(1.2, 80), np.zeros(24_000, np.float32)
    soundfile.write(data / "tail.wav", np.concatenate([speech, silence]), 24_000)
    plain = TrainingRow(id="plain", audio=data / "tail.wav", text="a")
    write_rows(data / "rows.jsonl", [plain, replace(plain, id="ref", ref_audio=plain.audio)])
    encode(data, base)
    before = open_dataset(data).rows
    encode(data, replace(base, trim=True))
    after = open_dataset(data).rows
    assert [len(row.codes) for row in before] == [28, 28]
    assert [len(row.codes) for row in after] == [18, 18]  # 1.2 s and 0.2 s
    np.testing.assert_array_equal(after[0].codes[:15], before[0].codes[:15])
    np.testing.assert_array_equal(after[1].x_vector, before[1].x_vector)
    assert not np.array_equal(after[0].x_vector, before[0].x_vector)


def bad_rows(data: Path) -> list[TrainingRow]:
    """Rows that fail, named by the code that they must get."""
    (data / "broken.wav").write_bytes(b"RIFF0000WAVEfmt ")
    whole = (data / "1.wav").read_bytes()
    (data / "torn.flac").write_bytes((data / "long.flac").read_bytes()[:9000])
    soundfile.write(data / "silent.wav", np.zeros(48_000, np.float32), 24_000)
    soundfile.write(data / "nan.wav", np.full(9_000, np.nan, np.float32), 24_000, subtype="FLOAT")
    assert whole
    good = data / "0.wav"

    def row(code: str, number: int, **changes: object) -> TrainingRow:
        plain = TrainingRow(id=f"{code}/{number}", audio=good, text="a")
        return replace(plain, **changes)  # type: ignore[arg-type]

    return [
        row("missing_audio", 0, audio=data / "absent.wav"),
        row("missing_audio", 1, audio=data),
        row("undecodable_audio", 0, audio=data / "broken.wav"),
        row("undecodable_audio", 1, audio=data / "torn.flac"),
        row("undecodable_audio", 2, audio=data / "nan.wav"),
        row("bad_cut", 0, start_s=5.0),
        row("bad_cut", 1, start_s=0.1, end_s=0.05),
        row("too_short", 0, start_s=0.1, end_s=0.15),
        row("bad_reference", 0, ref_audio=data / "absent.wav"),
        row("bad_reference", 1, ref_audio=data / "silent.wav"),
        row("bad_reference", 2, ref_audio=data / "0.wav", ref_text="too short for a reference"),
    ]


def test_rows_that_cannot_be_encoded_are_named_and_the_others_are_kept(
    data: Path, base: EncodeSettings
) -> None:
    good, bad = read_rows(data), bad_rows(data)
    write_rows(data / "rows.jsonl", [*bad[:4], *good, *bad[4:]])
    with pytest.raises(DatasetError, match=r"11 of 23 rows \(47.8%\).*failed.jsonl"):
        encode(data, base)
    text = (data / "codes" / "failed.jsonl").read_text(encoding="utf-8")
    failed = [json.loads(line) for line in text.splitlines()]
    assert [each["id"] for each in failed] == [row.id for row in bad]
    assert [each["code"] for each in failed] == [row.id.split("/")[0] for row in bad]
    assert all(each["reason"] for each in failed)
    assert [encoded.row for encoded in open_dataset(data).rows] == good

    report = encode(data, replace(base, max_failed_share=0.5))
    assert (report.encoded, len(report.failures), report.rows) == (12, 11, 23)
    assert report.records_made == 0


def test_a_dataset_of_which_nothing_can_be_encoded_is_an_error(
    data: Path, base: EncodeSettings
) -> None:
    write_rows(data / "rows.jsonl", bad_rows(data))
    with pytest.raises(DatasetError, match="11 of 11"):
        encode(data, replace(base, max_failed_share=1.0))


def start_encoding(data: Path, model: Path, processes: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "intone", "train", "encode", str(data), "--model", str(model)]
        + ["--device", "cpu", "--processes", str(processes)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def shard_bytes(data: Path) -> int:
    return sum(path.stat().st_size for path in (data / "codes").glob("*.bin"))


def test_a_run_that_was_killed_is_finished_by_the_next(
    data: Path, base: EncodeSettings, tmp_path: Path
) -> None:
    rows = read_rows(data)
    for i in range(40):  # enough that the kill comes in the middle
        soundfile.write(data / f"more{i}.wav", sound(0.6, 200 + i), 24_000)
        rows.append(TrainingRow(id=f"more:{i}", audio=data / f"more{i}.wav", text="a"))
    write_rows(data / "rows.jsonl", rows)
    whole = Path(shutil.copytree(data, tmp_path / "whole"))
    encode(whole, base)

    process = start_encoding(data, base.model, processes=2)
    while process.poll() is None and shard_bytes(data) < 3_000:
        time.sleep(0.002)
    children = psutil.Process(process.pid).children()
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive

    report = encode(data, base)
    assert 0 < report.records_made < len(states(whole))
    assert states(data) == states(whole)
    assert open_dataset(data).content_hash == open_dataset(whole).content_hash


def test_the_death_of_a_process_is_told_and_what_it_made_is_kept(
    data: Path, base: EncodeSettings
) -> None:
    place = EncoderPlace(model=base.model, speaker_model=None)
    setup = WorkerSetup(place=place, shards=data / "codes", threads=1)
    units = [
        Unit(source=ClipSource(data / f"{i}.wav"), seconds=1.0, codes_key=str(i), x_vector_key=None)
        for i in range(2)
    ]
    outcomes = encode_in_processes(setup, [[unit] for unit in units], 1)
    assert next(outcomes).num_records == 1
    for child in psutil.Process().children():
        if "spawn_main" in " ".join(child.cmdline()):
            child.kill()
    with pytest.raises(TrainError, match=r"died \(exit code -9\).*1\.wav.*fewer --processes"):
        next(outcomes)
    assert list(Shards(data / "codes")) == [("codes", "0")]


def test_a_torn_end_is_told_and_encoded_again(
    data: Path, base: EncodeSettings, capfd: pytest.CaptureFixture[str]
) -> None:
    encode(data, base)
    (shard,) = (data / "codes").glob("*.bin")
    whole = states(data)
    shard.write_bytes(shard.read_bytes()[:-7])
    code = main(["train", "encode", str(data), "--model", str(base.model), "--device", "cpu"])
    out, err = capfd.readouterr()
    assert code == 0
    assert "shard-00001.bin ended in the middle of a record" in err
    assert "1 made now" in out
    assert states(data) == whole


def test_two_runs_on_one_dataset_are_refused(data: Path, base: EncodeSettings) -> None:
    seen: list[str] = []

    def run_again(progress: StageProgress) -> None:
        if not seen:
            with pytest.raises(DatasetError) as caught:
                encode(data, base)
            seen.append(str(caught.value))

    encode(data, base, run_again)
    assert "another `intone train encode` is at work" in seen[0]


def test_progress_counts_audio_up_to_the_whole(data: Path, base: EncodeSettings) -> None:
    seen: list[StageProgress] = []
    encode(data, base, seen.append)
    audio = [state for state in seen if state.unit == "s of audio"]
    assert audio[-1].done == audio[-1].total > 0
    assert [state.done for state in audio] == sorted(state.done for state in audio)
    assert audio[0].eta_s is not None


def test_presets_take_the_speaker_encoder_of_a_base_checkpoint(
    data: Path, base: EncodeSettings, tiny_checkpoint: TinyCheckpoint
) -> None:
    custom = replace(base, model=tiny_checkpoint("custom"))
    report = encode(data, custom)
    assert not report.has_x_vectors
    without = open_dataset(data)
    assert without.speakers == {}
    assert all(encoded.x_vector is None for encoded in without.rows)
    encode(data, replace(custom, speaker_encoder=base.model))
    assert list(open_dataset(data).speakers) == ["ann", "bob", "speaker"]
    with pytest.raises(UnsupportedModeError, match="no speaker encoder"):
        encode(data, replace(custom, speaker_encoder=custom.model))


def test_a_speaker_encoder_of_another_width_is_refused(
    data: Path, base: EncodeSettings, tmp_path: Path
) -> None:
    other = Path(shutil.copytree(base.model, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    config["talker_config"]["hidden_size"] *= 2
    (other / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError):
        encode(data, replace(base, speaker_encoder=other))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"processes": 0}, "processes is 0; allowed: 1 or more"),
        ({"batch_s": -1.0}, "batch-seconds is -1"),
        ({"max_failed_share": 1.5}, "max-failed is 1.5"),
    ],
)
def test_settings_out_of_range_are_refused(
    base: EncodeSettings, change: dict[str, float], message: str
) -> None:
    with pytest.raises(InvalidSettingError, match=message):
        replace(base, **change)  # type: ignore[arg-type]


def test_batches_hold_their_padded_seconds_and_lose_no_clip() -> None:
    seconds = [30.0, 9.0, 8.0, 8.0, 3.0, 2.0, 2.0, 1.0]
    units = [
        Unit(source=ClipSource(Path(str(i))), seconds=s, codes_key=str(i), x_vector_key=None)
        for i, s in enumerate(seconds)
    ]
    batches = list(batches_of(units, 20.0))
    assert [unit for batch in batches for unit in batch] == units
    assert [[unit.seconds for unit in batch] for batch in batches] == [
        [30.0],
        [9.0, 8.0],
        [8.0, 3.0],
        [2.0, 2.0, 1.0],
    ]
    assert [len(batch) for batch in batches_of(units, 0.0)] == [1] * len(units)


def test_the_command_prints_what_adds_up(
    data: Path, base: EncodeSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", "encode", str(data), "--model", str(base.model), "--device", "cpu"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "12: 12 encoded, 0 failed" in out
    assert "by 3 speakers" in out
    rows = read_rows(data)
    write_rows(data / "rows.jsonl", [*rows, *bad_rows(data)[:1]])
    assert main(arguments) == 10
    assert "1 missing_audio" in capsys.readouterr().err
    assert main([*arguments, "--max-failed", "10%"]) == 0
    assert "13: 12 encoded, 1 failed (1 missing_audio)" in capsys.readouterr().out

"""Writers: every format, atomic files, open-ended streams, one clear line for each failure."""

from __future__ import annotations

import errno
import io
import os
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from intone.audio import files
from intone.audio.files import AudioFormat, FileWriter, StreamWriter, create_writer, save
from intone.core.errors import OutputError
from intone.core.types import Samples

RATE_HZ = 24_000


@pytest.fixture
def tone() -> Samples:
    time_s = np.arange(RATE_HZ, dtype=np.float32) / RATE_HZ
    return (0.5 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)


class BrokenStdout:
    """Standard output whose reader has gone."""

    class Buffer(io.BytesIO):
        def write(self, data: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    buffer = Buffer()

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("name", "container", "subtype", "tolerance"),
    [
        ("a.wav", "WAV", "PCM_16", 4e-5),
        ("a.FLAC", "FLAC", "PCM_16", 4e-5),
        ("a.ogg", "OGG", "VORBIS", 0.05),
        ("a.mp3", "MP3", "MPEG_LAYER_III", 0.05),
    ],
)
def test_a_file_is_decoded_to_what_was_written(
    tmp_path: Path, tone: Samples, name: str, container: str, subtype: str, tolerance: float
) -> None:
    path = save(tmp_path / name, tone, RATE_HZ)

    info = soundfile.info(path)
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert (info.format, info.subtype, info.channels, rate_hz) == (container, subtype, 1, RATE_HZ)
    assert abs(len(samples) - len(tone)) <= (0 if tolerance < 1e-3 else 2_400)
    middle = slice(4_000, 20_000)  # lossy encoders fade in and out
    assert np.abs(samples[middle] - tone[middle]).max() < tolerance


@pytest.mark.parametrize("name", ["a.pcm", "a.raw"])
def test_raw_pcm_is_the_samples_and_nothing_else(tmp_path: Path, tone: Samples, name: str) -> None:
    path = save(tmp_path / name, tone, RATE_HZ)

    assert path.read_bytes() == np.rint(tone * 32_767).astype("<i2").tobytes()


@pytest.mark.parametrize(
    ("name", "tolerance"), [("a.wav", 0), ("a.flac", 0), ("a.ogg", 0.05), ("a.mp3", 1e-6)]
)
def test_chunks_give_the_same_audio_as_one_piece(
    tmp_path: Path, tone: Samples, name: str, tolerance: float
) -> None:
    whole = save(tmp_path / f"whole-{name}", tone, RATE_HZ)
    with create_writer(tmp_path / name, RATE_HZ) as writer:
        for start in range(0, len(tone), 1_921):
            writer.write(tone[start : start + 1_921])

    expected, _ = soundfile.read(whole)
    samples, _ = soundfile.read(tmp_path / name)
    np.testing.assert_allclose(samples, expected, rtol=0, atol=tolerance)


def test_a_given_format_wins_over_the_ending(tmp_path: Path, tone: Samples) -> None:
    path = save(tmp_path / "take.bin", tone, RATE_HZ, format="flac")

    assert soundfile.info(path).format == "FLAC"


def test_loud_samples_are_clipped_not_wrapped(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.array([2.0, -2.0, 1.0], np.float32), RATE_HZ)

    samples, _ = soundfile.read(path, dtype="int16")
    assert samples.tolist() == [32_767, -32_767, 32_767]


def test_a_long_vorbis_take_written_at_once_survives(tmp_path: Path) -> None:
    path = save(tmp_path / "a.ogg", np.zeros(RATE_HZ * 200, np.float32), RATE_HZ)

    assert soundfile.info(path).frames == RATE_HZ * 200


def test_an_empty_take_is_a_valid_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros(0, np.float32), RATE_HZ)

    assert soundfile.info(path).frames == 0


def test_the_target_appears_only_when_closed(tmp_path: Path, tone: Samples) -> None:
    target = tmp_path / "a.wav"
    target.write_bytes(b"an older take")
    writer = create_writer(target, RATE_HZ)
    writer.write(tone)

    assert target.read_bytes() == b"an older take"
    writer.close()
    writer.close()
    assert soundfile.info(target).frames == len(tone)
    assert os.listdir(tmp_path) == ["a.wav"]


def test_an_exception_leaves_nothing_and_keeps_the_older_file(
    tmp_path: Path, tone: Samples
) -> None:
    target = tmp_path / "a.mp3"
    target.write_bytes(b"an older take")

    def interrupted() -> None:
        with create_writer(target, RATE_HZ) as writer:
            writer.write(tone)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert os.listdir(tmp_path) == ["a.mp3"]
    assert target.read_bytes() == b"an older take"


def test_abort_after_close_keeps_the_file(tmp_path: Path, tone: Samples) -> None:
    writer = create_writer(tmp_path / "a.wav", RATE_HZ)
    writer.write(tone)
    writer.close()
    writer.abort()

    assert soundfile.info(tmp_path / "a.wav").frames == len(tone)


def test_the_file_has_the_usual_permissions(tmp_path: Path, tone: Samples) -> None:
    (tmp_path / "other").touch()
    path = save(tmp_path / "a.wav", tone, RATE_HZ)

    assert path.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path, tone: Samples) -> None:
    (tmp_path / "real.wav").write_bytes(b"older")
    (tmp_path / "link.wav").symlink_to("real.wav")
    save(tmp_path / "link.wav", tone, RATE_HZ)

    assert (tmp_path / "link.wav").is_symlink()
    assert soundfile.info(tmp_path / "real.wav").frames == len(tone)


@pytest.mark.parametrize("name", ["take.aac", "take", "take."])
def test_an_unknown_ending_names_the_known_ones(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=r"cannot tell a format from '.*\.wav \.flac \.mp3"):
        create_writer(tmp_path / name, RATE_HZ)
    assert os.listdir(tmp_path) == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"a\.wav: no such directory; create it first"):
        create_writer(tmp_path / "none" / "a.wav", RATE_HZ)


@pytest.mark.parametrize("name", ["", "folder.wav"])
def test_a_directory_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(OutputError, match="that is a directory; add a file name"):
        create_writer(tmp_path / name, RATE_HZ)


def test_a_file_used_as_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="a part of the path is a file"):
        create_writer(tmp_path / "file" / "a.wav", RATE_HZ)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "permission denied; choose a directory"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_refused_open_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files, "_GuardedFile", refuse)
    with pytest.raises(OutputError, match=words):
        create_writer(tmp_path / "a.wav", RATE_HZ)


@pytest.mark.parametrize("format", ["wav", "flac", "mp3", "ogg", "pcm"])
def test_a_disk_that_fills_up_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: AudioFormat
) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, RATE_HZ * 4).astype(np.float32)
    full = _fill_after(files._GuardedFile, 20_000)
    monkeypatch.setattr(files, "_GuardedFile", full)

    def write() -> None:
        with create_writer(tmp_path / "a.bin", RATE_HZ, format) as writer:
            writer.write(noise)

    with pytest.raises(OutputError, match=r"a\.bin: the disk is full"):
        write()
    assert os.listdir(tmp_path) == []


def _fill_after(file_type: type[io.FileIO], limit_bytes: int) -> type[io.FileIO]:
    """A file on a disk of `limit_bytes`: the system's own write fails, not ours."""

    class Disk(io.FileIO):
        def write(self, data: memoryview) -> int:
            room = limit_bytes - self.tell()
            if room <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(data[:room])

    return type("FullFile", (file_type, Disk), {})


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_is_reported() -> None:
    with pytest.raises(OutputError, match="/dev/full: the disk is full"):
        create_writer("/dev/full", RATE_HZ)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs /dev/null")
def test_a_device_is_written_to_and_never_replaced(tone: Samples) -> None:
    save("/dev/null", tone, RATE_HZ)

    assert Path("/dev/null").is_char_device()


def test_an_impossible_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="as mp3 at 123456 Hz"):
        create_writer(tmp_path / "a.mp3", 123_456)
    assert os.listdir(tmp_path) == []


def test_standard_output_gets_a_wav_that_readers_accept(
    tone: Samples, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with create_writer("-", RATE_HZ) as writer:
        writer.write(tone[:1_000])
        writer.write(tone[1_000:])

    data = capfdbinary.readouterr().out
    assert data[:4] == b"RIFF"
    assert struct.unpack_from("<I", data, 4) == (0xFFFFFFFF,)
    assert struct.unpack_from("<I", data, 40) == (0xFFFFFFFF,)
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(samples, tone, atol=4e-5)


def test_a_stream_holds_the_same_samples_as_a_file(
    tmp_path: Path, tone: Samples, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with create_writer("-", RATE_HZ) as writer:
        writer.write(tone)
    save(tmp_path / "a.wav", tone, RATE_HZ)

    assert capfdbinary.readouterr().out[44:] == (tmp_path / "a.wav").read_bytes()[44:]


def test_standard_output_takes_raw_pcm(
    tone: Samples, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    with create_writer("-", RATE_HZ, "pcm") as writer:
        writer.write(tone)

    assert len(capfdbinary.readouterr().out) == 2 * len(tone)


def test_standard_output_refuses_what_needs_a_second_pass() -> None:
    with pytest.raises(OutputError, match="cannot stream mp3 to standard output; use wav or pcm"):
        create_writer("-", RATE_HZ, "mp3")


def test_a_reader_that_left_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", BrokenStdout())
    with pytest.raises(OutputError, match="the program reading the pipe has gone"):
        create_writer("-", RATE_HZ)


def test_a_terminal_is_spared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(OutputError, match="standard output is a terminal; pipe it"):
        create_writer("-", RATE_HZ)


def test_each_kind_of_target_gets_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with create_writer(tmp_path / "pipe", RATE_HZ) as pipe:
            assert isinstance(pipe, StreamWriter)
        with create_writer(tmp_path / "a.wav", RATE_HZ) as file:
            assert isinstance(file, FileWriter)
    finally:
        os.close(reader)

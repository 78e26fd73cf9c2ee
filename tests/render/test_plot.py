"""The picture of a script: what it shows, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from intone.core.errors import InvalidSettingError, MissingDependencyError, OutputError
from intone.render.plot import PlottedSegment, check_picture, save_picture, spectrogram_db

RATE_HZ = 24_000
TONE = np.sin(2 * np.pi * 3_000 * np.arange(2 * RATE_HZ) / RATE_HZ).astype(np.float32)
SEGMENTS = (
    PlottedSegment(start_s=0.0, end_s=0.8, label="ava", similarity=0.97),
    PlottedSegment(start_s=1.0, end_s=2.0, label="ava, 囁き", similarity=None),
)


def test_a_tone_stands_where_its_frequency_is_at_full_scale() -> None:
    levels = spectrogram_db(TONE, 240)

    assert levels.shape == (513, 200)
    assert levels[:, 100].argmax() == round(3_000 / RATE_HZ * 1_024)
    assert levels[:, 100].max() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("repeats", [1, 10])
def test_a_picture_is_written_with_a_row_for_every_15_s(tmp_path: Path, repeats: int) -> None:
    path = save_picture(tmp_path / "p.png", np.tile(TONE, repeats), RATE_HZ, SEGMENTS)

    header = path.read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    height = int.from_bytes(header[20:24], "big")
    assert (height > 300) == (repeats > 1)


def test_silence_and_nothing_can_be_drawn(tmp_path: Path) -> None:
    assert save_picture(tmp_path / "p.png", np.zeros(0, np.float32), RATE_HZ, ()).exists()
    assert save_picture(tmp_path / "p.png", np.zeros(9_000, np.float32), RATE_HZ, ()).exists()


def test_another_ending_is_refused_before_anything_is_rendered() -> None:
    with pytest.raises(InvalidSettingError, match=r"\.png"):
        check_picture(Path("picture.jpg"))


def test_a_place_that_cannot_be_written_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OutputError):
        save_picture(tmp_path / "file" / "p.png", TONE, RATE_HZ, SEGMENTS)


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(MissingDependencyError, match=r"intone\[plot\]"):
        check_picture(Path("p.png"))


def test_a_dark_picture_has_a_dark_ground(tmp_path: Path) -> None:
    from PIL import Image

    samples = np.zeros(24_000, dtype=np.float32)
    grounds = []
    for is_dark in (False, True):
        path = save_picture(tmp_path / f"{is_dark}.png", samples, 24_000, [], is_dark=is_dark)
        with Image.open(path) as picture:
            grounds.append(sum(picture.convert("RGB").getpixel((2, 2))))

    assert grounds[0] > 700 > 200 > grounds[1]

"""`check`: every row gets one verdict, and all add up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.train.speech import save, silence, speech

from intone.core.errors import DatasetError
from intone.train.data.check import CheckResult, CheckSettings, check
from intone.train.data.check_files import enforce, summarise, write_verdicts
from intone.train.data.limits import ClipLimits
from intone.train.data.parse_rows import RowDefaults
from intone.train.data.verdicts import CODES
from intone.train.rows import TrainingRow, read_rows

GOOD = {"audio": "good.wav", "text": "What a fine and sunny day this is"}

BAD: dict[str, dict[str, object]] = {
    "malformed_row": {},
    "unknown_key": GOOD | {"mood": "glad"},
    "wrong_type": GOOD | {"text": 7},
    "duplicate_id": GOOD | {"id": "first"},
    "bad_speaker": GOOD | {"speaker": "Zoë"},
    "unknown_language": GOOD | {"language": "klingon"},
    "unknown_split": GOOD | {"split": "test"},
    "empty_text": GOOD | {"text": "..."},
    "missing_audio": GOOD | {"audio": "absent.wav"},
    "undecodable_audio": GOOD | {"audio": "noise.bin"},
    "bad_cut": GOOD | {"start": 0.5, "end": 9},
    "bad_reference": GOOD | {"ref_audio": "short.wav"},
    "too_short": GOOD | {"audio": "short.wav"},
    "too_long": GOOD | {"audio": "long.wav"},
    "silent": GOOD | {"audio": "silent.wav"},
    "clipped": GOOD | {"audio": "clipped.wav"},
    "noisy": GOOD | {"audio": "noisy.wav"},
    "low_rate": GOOD | {"audio": "telephone.wav"},
    "chars_per_second": GOOD | {"text": "word " * 60},
    "leak": GOOD | {"audio": "held_out.wav"},
    "duplicate_audio": GOOD | {"text": "Other words for the same good clip"},
    "duplicate_text": GOOD | {"audio": "other.wav"},
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One clip of each kind."""
    folder = tmp_path_factory.mktemp("clips")
    save(folder / "good.wav", speech(2.0, seed=1))
    save(folder / "other.wav", speech(2.0, seed=2))
    save(folder / "held_out.wav", speech(2.0, seed=3))
    (folder / "noise.bin").write_bytes(b"\x00\x01" * 500)
    save(folder / "short.wav", speech(0.3))
    save(folder / "long.wav", speech(31.0))
    save(folder / "silent.wav", silence(2.0))
    save(folder / "clipped.wav", (8 * speech(2.0)).clip(-1, 1))
    save(folder / "noisy.wav", silence(2.0, noise=0.1))
    save(folder / "telephone.wav", speech(2.0, rate_hz=8_000), 8_000)
    return folder


def source(folder: Path, *rows: object) -> Path:
    path = folder / "train.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def settings(folder: Path, *rows: object) -> CheckSettings:
    return CheckSettings(source=source(folder, *rows), out=folder / "data")


def outcomes(result: CheckResult) -> list[str]:
    return [
        each.outcome.split if isinstance(each.outcome, TrainingRow) else each.outcome.code
        for each in result.verdicts
    ]


def test_every_reason_is_given_once_in_the_order_of_the_rows(clips: Path) -> None:
    rows = [
        GOOD | {"id": "first"},
        {"audio": "held_out.wav", "text": "These words are held out", "split": "val"},
    ]
    lines = [json.dumps(row) if row else '{"audio": ' for row in [*rows, *BAD.values()]]
    path = clips / "all.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")

    result = check(CheckSettings(source=path, out=clips / "data"))

    assert outcomes(result) == ["train", "validation", *BAD]
    assert tuple(BAD) == CODES
    assert all(rejection.reason for rejection in result.rejected)


@pytest.mark.slow
def test_ten_thousand_rows_with_five_percent_bad_add_up(tmp_path: Path) -> None:
    template = bytearray(save(tmp_path / "t.wav", speech(1.0, rate_hz=16_000), 16_000).read_bytes())
    (tmp_path / "bad.wav").write_bytes(b"RIFF of nothing")
    bad = Counter[str]()
    rows: list[object] = []
    for i in range(10_000):
        file, place = divmod(i, 10)
        template[200 + 3_200 * place : 204 + 3_200 * place] = i.to_bytes(4, "little")
        if place == 9:
            (tmp_path / f"{file}.wav").write_bytes(template)
        row = {"audio": f"{file}.wav", "text": f"{i:04}", "speaker": f"speaker {i % 7}"}
        row |= {"start": place / 10, "end": (place + 1) / 10}
        kind = (
            ("missing", "undecodable", "text", "copy", "line")[i // 20 % 5] if i % 20 == 3 else ""
        )
        bad[kind] += 1
        row |= {
            "": {},
            "missing": {"audio": "absent.wav"},
            "undecodable": {"audio": "bad.wav"},
            "text": {"text": "…"},
            "copy": {"start": (place - 1) / 10, "end": place / 10},
            "line": {},
        }[kind]
        rows.append(row if kind != "line" else "not an object")
    ours = replace(settings(tmp_path, *rows), limits=ClipLimits(min_s=0.05, max_chars_per_s=500))

    result = check(ours)
    summary = summarise(result)
    write_verdicts(result, summary, ours)

    assert bad == {
        "": 9_500,
        "missing": 100,
        "undecodable": 100,
        "text": 100,
        "copy": 100,
        "line": 100,
    }
    assert (summary.read, summary.kept, summary.rejected) == (10_000, 9_500, 500)
    assert summary.rejected_by_code == {
        "missing_audio": 100,
        "undecodable_audio": 100,
        "empty_text": 100,
        "duplicate_audio": 100,
        "malformed_row": 100,
    }
    kept = read_rows(ours.out)
    rejected = [json.loads(line) for line in (ours.out / "rejected.jsonl").read_text().splitlines()]
    assert len(kept) == 9_500
    assert {row.id for row in kept} | {row["id"] for row in rejected} == {
        f"train.jsonl:{i}" for i in range(1, 10_001)
    }
    assert sum(part.rows for part in summary.splits.values()) == 9_500
    assert sum(part.rows for part in summary.speakers.values()) == 9_500
    assert 300 < summary.splits["validation"].rows < 650
    enforce(summary, ours)


def test_too_much_that_is_rejected_is_an_error_after_all_is_written(clips: Path) -> None:
    ours = settings(clips, GOOD, GOOD | {"audio": "absent.wav"})
    result = check(ours)
    summary = summarise(result)
    write_verdicts(result, summary, ours)

    with pytest.raises(DatasetError, match=r"1 of 2 rows \(50\.0%\) .* 5\.0% .*missing_audio 1"):
        enforce(summary, ours)
    enforce(summary, replace(ours, max_rejected_share=0.5))
    assert json.loads((ours.out / "check.json").read_text())["rejected"] == 1


def test_nothing_kept_is_an_error_whatever_the_threshold(clips: Path) -> None:
    ours = replace(settings(clips, GOOD | {"audio": "absent.wav"}), max_rejected_share=1.0)

    with pytest.raises(DatasetError, match="1 of 1 rows"):
        enforce(summarise(check(ours)), ours)


def test_a_source_without_rows_is_an_error(clips: Path) -> None:
    with pytest.raises(DatasetError, match="holds no rows"):
        check(settings(clips))


def test_a_cut_is_judged_by_itself(tmp_path: Path) -> None:
    long = np.concatenate([speech(2.0, seed=1), silence(40.0), speech(2.0, seed=2)])
    save(tmp_path / "long.flac", long)
    rows = [
        {"audio": "long.flac", "text": "The first words of it", "start": 0, "end": 2},
        {"audio": "long.flac", "text": "And these are the last", "start": 42},
        {"audio": "long.flac", "text": "In the middle there is nothing", "start": 5, "end": 10},
    ]

    result = check(settings(tmp_path, *rows))

    assert [code for code in outcomes(result) if code not in ("train", "validation")] == ["silent"]
    assert [(row.start_s, row.end_s) for row in result.kept] == [(0.0, 2.0), (42.0, None)]


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [
        ("What a fine and sunny day this is", True),
        ("今天天气真好，我们出去走走吧", True),  # 13 characters in 2 s
        ("今天天气真好，我们出去走走吧" * 3, False),
        ("きょうはとてもいいてんきですね", True),
        ("오늘은 날씨가 정말 좋네요", True),
        ("In 1984 and 1985", True),
        ("No", False),
        ("No " * 50, False),
    ],
)
def test_characters_count_by_script(clips: Path, text: str, is_fine: bool) -> None:
    (verdict,) = outcomes(check(settings(clips, GOOD | {"text": text})))

    assert verdict == ("train" if is_fine else "chars_per_second")


def test_a_second_check_measures_nothing_again(clips: Path, tmp_path: Path) -> None:
    path = source(clips, GOOD, GOOD | {"audio": "noise.bin"}, GOOD | {"ref_audio": "other.wav"})
    ours = CheckSettings(source=path, out=tmp_path / "data")
    first = check(ours)
    second = check(replace(ours, limits=ClipLimits(max_s=1.0)))

    assert (first.num_clips, first.num_measured) == (3, 3)
    assert (second.num_clips, second.num_measured) == (3, 0)
    assert outcomes(second) == ["too_long", "undecodable_audio", "too_long"]


def test_a_second_source_validates(clips: Path) -> None:
    held_out = clips / "more" / "train.jsonl"
    held_out.parent.mkdir(exist_ok=True)
    row = {"audio": "../held_out.wav", "text": "These words are held out"}
    held_out.write_text(json.dumps(row))

    result = check(replace(settings(clips, GOOD), validation_source=held_out))

    assert outcomes(result) == ["train", "validation"]
    assert result.kept[1].id == "validation/train.jsonl:1"


def test_defaults_fill_what_rows_leave_out(clips: Path) -> None:
    defaults = RowDefaults(speaker="Ben", language="en", languages=("auto", "english"))
    rows = [GOOD, GOOD | {"audio": "other.wav", "speaker": "C", "language": "german"}]

    result = check(replace(settings(clips, *rows), defaults=defaults))

    assert (result.kept[0].speaker, result.kept[0].language) == ("ben", "english")
    assert "allowed: auto, english" in result.rejected[0].reason


def test_what_is_good_to_know_is_noted(tmp_path: Path) -> None:
    clip = np.concatenate([speech(2.0, rate_hz=16_000), silence(0.8, rate_hz=16_000)])
    save(tmp_path / "good.wav", clip, 16_000)

    notes = summarise(check(settings(tmp_path, GOOD | {"audio_codes": [[0]]}))).notes

    assert [note for note in notes if note.startswith("1 kept clips end in more than 0.5 s")]
    assert "1 kept clips are below 24000 Hz and will be upsampled" in notes
    assert [note for note in notes if note.startswith("no row validates")]
    assert "audio_codes of 1 rows was not read: encode makes its own codes" in notes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda ours: replace(ours, validation_share=1.0), "validation is 1; allowed"),
        (lambda ours: replace(ours, max_rejected_share=-0.1), "max-rejected is -0.1; allowed"),
        (lambda ours: replace(ours, out=ours.source.parent), "among the source"),
        (lambda ours: replace(ours, source=ours.out, out=ours.out), "among the source"),
        (lambda _: ClipLimits(min_s=3, max_s=2), "seconds are 3 to 2; allowed"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    clips: Path, change: Callable[[CheckSettings], object], message: str
) -> None:
    ours = settings(clips, GOOD)
    ours.out.mkdir(exist_ok=True)

    with pytest.raises(DatasetError, match=message):
        change(ours)

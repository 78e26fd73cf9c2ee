"""Every format of a dataset is read, and what cannot be read is a verdict, not a loss."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import DatasetError
from intone.train.data.parse_rows import Candidate, RowDefaults, parse_row
from intone.train.data.source_keys import KEYS, SourceOptions, SourceRow
from intone.train.data.sources import read_source
from intone.train.data.verdicts import Rejection
from intone.train.rows import TrainingRow, write_rows

PLAIN = SourceOptions()


def parsed(path: Path, options: SourceOptions = PLAIN) -> list[Candidate | Rejection]:
    return [
        read if isinstance(read, Rejection) else parse_row(read, RowDefaults())
        for read in read_source(path, options)
    ]


def rows(path: Path, options: SourceOptions = PLAIN) -> list[TrainingRow]:
    found = parsed(path, options)
    assert all(isinstance(each, Candidate) for each in found), found
    return [each.row for each in found if isinstance(each, Candidate)]


def rejection(path: Path, options: SourceOptions = PLAIN) -> Rejection:
    """Returns the one rejection of a source whose other rows are fine."""
    (found,) = [each for each in parsed(path, options) if isinstance(each, Rejection)]
    return found


def jsonl(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def test_the_founding_format(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"audio": "a.wav", "text": " Hello. ", "ref_audio": "/refs/r.wav"})

    assert rows(path) == [
        TrainingRow(
            id="train.jsonl:1",
            audio=tmp_path / "a.wav",
            text="Hello.",
            ref_audio=Path("/refs/r.wav"),
        )
    ]


def test_upstreams_format_with_codes_and_a_language(tmp_path: Path) -> None:
    line = {"audio": "./a.wav", "text": "你好", "language": "Chinese", "audio_codes": [[1] * 16]}

    (read,) = read_source(jsonl(tmp_path, line), PLAIN)

    assert not isinstance(read, Rejection)
    assert read.unused == ("audio_codes",)
    assert rows(tmp_path / "train.jsonl")[0].language == "chinese"


def test_every_optional_key(tmp_path: Path) -> None:
    line = {
        "id": "x",
        "audio": "a.wav",
        "text": "Hi",
        "speaker": "Uncle Fu",
        "language": "en-GB",
        "instruct": "whispering",
        "ref_audio": "r.wav",
        "ref_text": "Ref.",
        "start": 1,
        "end": 2.5,
        "split": "Dev",
    }

    assert rows(jsonl(tmp_path, line)) == [
        TrainingRow(
            id="x",
            audio=tmp_path / "a.wav",
            text="Hi",
            speaker="uncle_fu",
            language="english",
            instruct="whispering",
            ref_audio=tmp_path / "r.wav",
            ref_text="Ref.",
            start_s=1.0,
            end_s=2.5,
            split="validation",
        )
    ]


def test_our_own_rows_are_a_source(tmp_path: Path) -> None:
    row = TrainingRow(
        id="1", audio=tmp_path / "a.wav", text="Hi", start_s=0.5, end_s=2.0, split="validation"
    )
    write_rows(tmp_path / "rows.jsonl", [row])

    assert rows(tmp_path) == [row]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("t.csv", 'audio,text\na.wav,"Hi, you"\n'),
        ("t.csv", '\ufeffaudio,text,speaker\r\na.wav,"Hi, you",\r\n'),
        ("t.csv", 'text;audio_file\n"Hi, you";a.wav\n'),
        ("t.tsv", "path\tsentence\na.wav\tHi, you\n"),
        ("t.txt", "audio_file|text\na.wav|Hi, you\n"),
        ("metadata.csv", 'file_name,transcription\na.wav,"Hi, you"\n'),
    ],
)
def test_tables_with_a_header(tmp_path: Path, name: str, lines: str) -> None:
    (tmp_path / name).write_text(lines, encoding="utf-8")

    expected = TrainingRow(id=f"{name}:2", audio=tmp_path / "a.wav", text="Hi, you")
    assert rows(tmp_path / name) == [expected]


def test_a_quotation_mark_between_pipes_is_one(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text('audio|text\na.wav|"Hi\nb.wav|you"\n', encoding="utf-8")

    assert [row.text for row in rows(tmp_path / "t.txt")] == ['"Hi', 'you"']


def test_ljspeech(tmp_path: Path) -> None:
    (tmp_path / "wavs").mkdir()
    (tmp_path / "wavs" / "LJ002.flac").write_bytes(b"")
    (tmp_path / "metadata.csv").write_text(
        'LJ001|In "1984"|In "nineteen eighty-four"\nLJ002|Dr. Who|\nwavs/LJ003.wav|Three\n',
        encoding="utf-8",
    )

    found = rows(tmp_path)

    assert [row.text for row in found] == ['In "nineteen eighty-four"', "Dr. Who", "Three"]
    assert [str(row.audio.relative_to(tmp_path)) for row in found] == [
        "wavs/LJ001.wav",
        "wavs/LJ002.flac",
        "wavs/wavs/LJ003.wav",
    ]


def test_clips_with_a_text_beside_each(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for name in ("a.wav", "b/c.FLAC", "lonely.wav"):
        (tmp_path / name).write_bytes(b"")
    for name in ("a.txt", "b/c.lab", "silent.txt"):
        (tmp_path / name).write_text(f"words of {name}\n")

    found = parsed(tmp_path)

    assert [each.row.id for each in found if isinstance(each, Candidate)] == ["a.wav", "b/c.FLAC"]
    assert [(each.id, each.code) for each in found if isinstance(each, Rejection)] == [
        ("lonely.wav", "empty_text"),
        ("silent.txt", "missing_audio"),
    ]


def test_two_clips_of_one_name_are_both_accounted_for(tmp_path: Path) -> None:
    for name in ("a.flac", "a.wav"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "a.txt").write_text("words")

    assert rejection(tmp_path).code == "malformed_row"
    assert len(parsed(tmp_path)) == 2


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        (b'{"audio": "a.wav", "te', "malformed_row", "no JSON"),
        (b"[1, 2]", "malformed_row", "a list; a row is an object"),
        (b'{"audio": ' + b"[" * 100_000, "malformed_row", "no JSON"),
        (b'{"start": ' + b"9" * 5_000 + b"}", "malformed_row", "no JSON"),
        (b'{"audio": "a", "text": "x", "start": ' + b"9" * 400 + b"}", "wrong_type", "seconds"),
        (b'{"audio": "a.wav", "text": "\xff"}', "malformed_row", "no UTF-8"),
        (b'{"audio": "a.wav", "text": "\\ud800"}', "malformed_row", "no Unicode"),
        (b'{"audio": "a.wav", "text": "x", "mood": 1}', "unknown_key", "'mood' is not known"),
        (b'{"audio": "a", "path": "b", "text": "x"}', "unknown_key", "'path' is given twice"),
        (b'{"audio": 1, "text": "x"}', "wrong_type", "audio is 1, a int"),
        (b'{"audio": "a.wav", "text": ["x"]}', "wrong_type", "text is"),
        (b'{"audio": "a.wav", "text": "x", "start": "soon"}', "wrong_type", "start is 'soon'"),
        (b'{"audio": "a.wav", "text": "x", "end": true}', "wrong_type", "end is True"),
        (b'{"text": "x"}', "missing_audio", "no audio is named"),
        (b'{"audio": "a.wav"}', "empty_text", "no text"),
        (b'{"audio": "a.wav", "text": " \\n"}', "empty_text", "no text"),
        (b'{"audio": "a.wav", "text": "?!"}', "empty_text", "no letter"),
        (b'{"audio": "a", "text": "x", "speaker": "\xc3\x84nne"}', "bad_speaker", "'Änne'"),
        (b'{"audio": "a", "text": "x", "language": "klingon"}', "unknown_language", "russian"),
        (b'{"audio": "a", "text": "x", "split": "test"}', "unknown_split", "dev"),
        (b'{"audio": "a", "text": "x", "start": -1}', "bad_cut", "from 0 on"),
        (b'{"audio": "a", "text": "x", "start": NaN}', "bad_cut", "from 0 on"),
        (b'{"audio": "a", "text": "x", "start": 2, "end": 2}', "bad_cut", "after the start"),
        (b'{"audio": "a", "text": "x", "ref_text": "y"}', "bad_reference", "without ref_audio"),
    ],
)
def test_a_row_that_is_none_is_rejected_and_the_next_one_read(
    tmp_path: Path, line: bytes, code: str, reason: str
) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"\n" + line + b'\n{"audio": "good.wav", "text": "Good."}\n')

    bad, good = parsed(path)

    assert isinstance(bad, Rejection)
    assert (bad.id, bad.code) == ("train.jsonl:2", code)
    assert reason in bad.reason
    assert isinstance(good, Candidate)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
WORDS = st.sampled_from(
    ["a.wav", "Hi", "train", "en", "Anna", "1.5", "\ud800", "\0", "nan", "1e999"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(KEYS)), JSON | WORDS))
def test_any_values_get_an_answer(values: dict[str, object]) -> None:
    source = SourceRow(id="1", values=values, audio_root=Path("/data"))

    assert isinstance(parse_row(source, RowDefaults()), Candidate | Rejection)


@pytest.mark.parametrize(
    ("table", "ids"),
    [
        (b"audio,text\na.wav\nb.wav,two\n", ["t.csv:2"]),
        (b"audio,text\na.wav,\xff\nb.wav,two\n", ["t.csv:2"]),
        (b'audio,text\na.wav,"not closed\nb.wav,two\nc.wav,three\n', ["t.csv:2"]),
        (b"LJ1|one|one|one\nLJ2|two\n", ["t.csv:1"]),
        (b"|one\nLJ2|\xff\nLJ3|three\n", ["t.csv:1", "t.csv:2"]),
    ],
)
def test_a_broken_line_of_a_table_is_rejected(tmp_path: Path, table: bytes, ids: list[str]) -> None:
    (tmp_path / "t.csv").write_bytes(table)

    found = [each for each in parsed(tmp_path / "t.csv") if isinstance(each, Rejection)]

    assert [(each.id, each.code) for each in found] == [(each, "malformed_row") for each in ids]


def test_names_can_be_renamed_and_ignored(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"clip": "a.wav", "text": "Hi", "snr": 30})
    options = SourceOptions(columns={"clip": "audio"}, ignored=frozenset({"snr"}))

    assert rows(path, options)[0].audio == tmp_path / "a.wav"
    assert rejection(path).code == "unknown_key"


def test_paths_start_from_the_root_that_is_given(tmp_path: Path) -> None:
    path = jsonl(tmp_path, {"audio": "a.wav", "text": "Hi"})

    assert rows(path, SourceOptions(audio_root=Path("/data")))[0].audio == Path("/data/a.wav")


def _nothing(folder: Path) -> Path:
    return folder / "absent"


def _two_tables(folder: Path) -> Path:
    for name in ("metadata.csv", "rows.jsonl"):
        (folder / name).write_text("")
    return folder


def _unknown_format(folder: Path) -> Path:
    (folder / "rows.parquet").write_bytes(b"PAR1")
    return folder / "rows.parquet"


def _no_header(folder: Path) -> Path:
    (folder / "t.csv").write_text("a.wav,Hello\n")
    return folder / "t.csv"


def _foreign_column(folder: Path) -> Path:
    (folder / "t.csv").write_text("audio,text,mood\na.wav,Hello,glad\n")
    return folder / "t.csv"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_nothing, "does not exist"),
        (_two_tables, "holds rows.jsonl, metadata.csv; give the one"),
        (_unknown_format, "no known format"),
        (_no_header, r"begins with 'a\.wav,Hello'; a header names"),
        (_foreign_column, r"\['mood'\] that are unknown; allowed: .*--ignore"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        rows(make(tmp_path))

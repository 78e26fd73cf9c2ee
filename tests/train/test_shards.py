"""Shards keep what was appended, however they end; datasets give back what they got."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from intone.core.errors import DatasetError
from intone.core.types import Codes, Samples
from intone.train.encoded import EncodedRow
from intone.train.encoding.dataset import open_dataset
from intone.train.encoding.given import write_encoded
from intone.train.encoding.shards import Record, Shards, ShardWriter, cut_torn_ends, pack
from intone.train.rows import Split, TrainingRow, read_rows, write_rows

RECORDS = [
    Record("codes", "a", np.arange(12, dtype=np.uint16).reshape(3, 4)),
    Record("x_vector", "a", np.linspace(-1, 1, 5, dtype=np.float32)),
    Record("codes", "b", np.array([[65_535, 0]], dtype=np.uint16)),
]


def write_shard(directory: Path) -> Path:
    with ShardWriter(directory) as writer:
        writer.append(RECORDS[:1])
        writer.append(RECORDS[1:])
    (path,) = directory.glob("*.bin")
    return path


def assert_holds(shards: Shards, records: list[Record]) -> None:
    assert len(shards) == len(records)
    for record in records:
        found = shards.array(record.kind, record.key)
        assert found.dtype == record.array.dtype
        np.testing.assert_array_equal(found, record.array)


def test_what_was_appended_is_read_back(tmp_path: Path) -> None:
    write_shard(tmp_path)
    assert_holds(Shards(tmp_path), RECORDS)
    assert Shards(tmp_path).missing([("codes", "a"), ("codes", "c")]) == [("codes", "c")]


def test_a_shard_torn_at_any_byte_of_its_last_record_keeps_those_before(tmp_path: Path) -> None:
    whole = write_shard(tmp_path).read_bytes()
    last = len(pack(RECORDS[-1]))
    path = tmp_path / "shard-00001.bin"
    for size in range(len(whole) - last, len(whole)):
        path.write_bytes(whole[:size])
        assert_holds(Shards(tmp_path), RECORDS[:-1])
        cuts = cut_torn_ends(tmp_path)
        assert [cut.cut_bytes for cut in cuts] == [size - len(whole) + last] * bool(cuts)
        assert path.read_bytes() == whole[:-last]
    with ShardWriter(tmp_path) as writer:
        writer.append(RECORDS[-1:])
    assert_holds(Shards(tmp_path), RECORDS)


def test_no_changed_byte_of_a_record_goes_unseen(tmp_path: Path) -> None:
    whole = write_shard(tmp_path).read_bytes()
    last = len(pack(RECORDS[-1]))
    for at in range(len(whole) - last, len(whole)):
        changed = bytearray(whole)
        changed[at] ^= 1
        (tmp_path / "shard-00001.bin").write_bytes(changed)
        assert_holds(Shards(tmp_path), RECORDS[:-1])


def test_an_empty_shard_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "shard-00007.bin").touch()
    assert len(Shards(tmp_path)) == 0
    assert cut_torn_ends(tmp_path) == []
    with ShardWriter(tmp_path) as writer:
        writer.append(RECORDS)
    assert (tmp_path / "shard-00008.bin").exists()


def test_writers_never_share_a_shard(tmp_path: Path) -> None:
    with ShardWriter(tmp_path) as first, ShardWriter(tmp_path) as second:
        first.append(RECORDS[:1])
        second.append(RECORDS[1:2])
        first.append(RECORDS[2:])
    assert len(list(tmp_path.iterdir())) == 2
    assert_holds(Shards(tmp_path), RECORDS)


def encoded_row(number: int, *, split: Split = "train", speaker: str = "ann") -> EncodedRow:
    generator = np.random.default_rng(number)
    codes: Codes = generator.integers(0, 2048, (3 + number, 4))
    vector: Samples = generator.standard_normal(6).astype(np.float32)
    return EncodedRow(
        row=TrainingRow(
            id=f"rows:{number}",
            audio=Path(f"/nowhere/{number}.wav"),
            text=f"words {number}",
            speaker=speaker,
            split=split,
        ),
        codes=codes,
        x_vector=vector,
        ref_codes=codes[::-1].copy() if number % 2 else None,
    )


def assert_same(found: EncodedRow, given: EncodedRow) -> None:
    assert found.row == given.row
    assert found.codes.dtype == np.int64
    np.testing.assert_array_equal(found.codes, given.codes)
    np.testing.assert_array_equal(found.x_vector, given.x_vector)
    assert (found.ref_codes is None) == (given.ref_codes is None)
    if given.ref_codes is not None:
        np.testing.assert_array_equal(found.ref_codes, given.ref_codes)


def test_given_codes_become_a_dataset(tmp_path: Path) -> None:
    rows = [encoded_row(i) for i in range(5)]
    assert write_encoded(tmp_path, rows) == 5
    dataset = open_dataset(tmp_path)
    assert len(dataset.rows) == 5
    for found, given in zip(dataset.rows, rows, strict=True):
        assert_same(found, given)
    assert_same(dataset.rows[-1], rows[-1])
    assert [each.row.id for each in dataset.rows[1:3]] == ["rows:1", "rows:2"]


def test_a_speakers_vector_is_the_mean_of_its_training_rows(tmp_path: Path) -> None:
    rows = [
        encoded_row(0, speaker="ann"),
        encoded_row(1, speaker="ann"),
        encoded_row(2, speaker="ann", split="validation"),
        encoded_row(3, speaker="bob"),
    ]
    write_encoded(tmp_path, rows)
    speakers = open_dataset(tmp_path).speakers
    assert list(speakers) == ["ann", "bob"]
    assert speakers["ann"].dtype == np.float32
    first, second = rows[0].x_vector, rows[1].x_vector
    assert first is not None
    assert second is not None
    np.testing.assert_allclose(speakers["ann"], (first + second) / 2, rtol=1e-6)
    np.testing.assert_array_equal(speakers["bob"], rows[3].x_vector)


def test_writing_the_same_rows_again_adds_no_record(tmp_path: Path) -> None:
    rows = [encoded_row(i) for i in range(3)]
    write_encoded(tmp_path, rows)
    before = open_dataset(tmp_path).content_hash
    write_encoded(tmp_path, rows)
    assert len(list((tmp_path / "codes").glob("*.bin"))) == 1
    assert open_dataset(tmp_path).content_hash == before


def test_the_content_hash_follows_words_and_codes_but_not_places(tmp_path: Path) -> None:
    rows = [encoded_row(i) for i in range(3)]

    def hash_of(name: str, first: EncodedRow) -> str:
        write_encoded(tmp_path / name, [first, *rows[1:]])
        return open_dataset(tmp_path / name).content_hash

    row, plain = rows[0].row, hash_of("plain", rows[0])
    elsewhere = replace(rows[0], row=replace(row, audio=Path("/elsewhere/0.wav")))
    assert hash_of("elsewhere", elsewhere) == plain
    assert hash_of("words", replace(rows[0], row=replace(row, text="other"))) != plain
    assert hash_of("codes", replace(rows[0], codes=rows[0].codes + 1)) != plain
    shutil.move(tmp_path / "plain", tmp_path / "moved")
    assert open_dataset(tmp_path / "moved").content_hash == plain


def test_rows_that_changed_since_are_refused(tmp_path: Path) -> None:
    write_encoded(tmp_path, [encoded_row(0)])
    row = read_rows(tmp_path)[0]
    write_rows(tmp_path / "rows.jsonl", [replace(row, text="other words")])
    with pytest.raises(DatasetError, match=r"has changed since.*run `intone train encode"):
        open_dataset(tmp_path)


def test_a_lost_record_is_named(tmp_path: Path) -> None:
    write_encoded(tmp_path, [encoded_row(0), encoded_row(2)])
    (shard,) = (tmp_path / "codes").glob("*.bin")
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(DatasetError, match=r"1 of 2 rows lack their codes \(rows:2\)"):
        open_dataset(tmp_path)


def test_data_that_were_not_encoded_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not encoded yet"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (
            replace(encoded_row(1), codes=np.zeros((2, 5), np.int64)),
            r"\[2, 5\]; give frames \[F, 4",
        ),
        (replace(encoded_row(1), codes=np.zeros((0, 4), np.int64)), "one or more"),
        (replace(encoded_row(1), codes=np.full((1, 4), 65_536)), "to 65536; allowed: 0 to 65535"),
        (replace(encoded_row(1), codes=np.full((1, 4), -1)), "from -1"),
        (replace(encoded_row(1), x_vector=None), "1 of 2 rows have no x-vector"),
        (encoded_row(0), "two rows have the id 'rows:0'"),
    ],
)
def test_codes_that_fit_no_dataset_are_refused(
    tmp_path: Path, second: EncodedRow, message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        write_encoded(tmp_path, [encoded_row(0), second])


def test_other_rows_are_not_overwritten(tmp_path: Path) -> None:
    write_encoded(tmp_path, [encoded_row(0)])
    with pytest.raises(DatasetError, match="holds other rows"):
        write_encoded(tmp_path, [encoded_row(1)])
    assert len(open_dataset(tmp_path).rows) == 1


def test_a_split_has_its_rows_in_order_and_may_be_sliced(tmp_path: Path) -> None:
    write_encoded(
        tmp_path, [encoded_row(i, split="validation" if i % 3 == 0 else "train") for i in range(6)]
    )
    rows = open_dataset(tmp_path).split("train")
    assert [each.row.id for each in rows] == ["rows:1", "rows:2", "rows:4", "rows:5"]
    assert [each.row.id for each in rows[1:3]] == ["rows:2", "rows:4"]
    assert rows[-1].row.id == "rows:5"

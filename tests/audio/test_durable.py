"""Files that outlive a power cut: whole or absent; logs of whole lines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import pytest

from intone.audio.durable import append_line_synced, atomic_write, atomic_write_text
from intone.core.errors import OutputError


def test_a_file_and_its_folders_appear_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "rows.jsonl"

    atomic_write_text(path, "ä\n")

    assert path.read_bytes() == "ä\n".encode()
    assert os.listdir(path.parent) == ["rows.jsonl"]


def test_a_failed_write_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    atomic_write_text(path, "old")

    def fail(file: BinaryIO) -> None:
        file.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        atomic_write(path, fail)

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rows.jsonl"]


def test_a_file_where_a_folder_is_needed_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows").write_text("a file where a folder is needed")

    with pytest.raises(OutputError, match=r"directory .*rows: a file has that name"):
        atomic_write_text(tmp_path / "rows" / "x.json", "{}")


def test_a_log_grows_by_whole_lines_after_a_torn_one(tmp_path: Path) -> None:
    log = tmp_path / "run" / "log.jsonl"
    append_line_synced(log, '{"step": 1}')
    with log.open("ab") as file:
        file.write(b'{"step": 2, "lo')  # a crash in the middle of a line

    append_line_synced(log, '{"step": 2}')

    assert log.read_text().splitlines() == ['{"step": 1}', '{"step": 2, "lo', '{"step": 2}']
    with pytest.raises(ValueError, match="line break"):
        append_line_synced(log, "two\nlines")

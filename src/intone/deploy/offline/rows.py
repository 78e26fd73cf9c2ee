"""A file of rows, read whole and checked before anything is spoken: what is wrong is told at once.

The seed of a row that names none follows from the set's seed and the row's id, so that a row is the
same take in every run, wherever it is made and whatever stands around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from intone.core.errors import RequestError, TextFileError
from intone.core.seeds import derived_seed
from intone.core.speak_options import SpeakOptions, speech_request
from intone.core.types import SpeechRequest
from intone.deploy.offline.fields import row_fields
from intone.text.writing import is_speakable

ReadAloud = Callable[[str, str], str]
"""Turns a text and its language into what is spoken."""

CheckRequest = Callable[[SpeechRequest], None]
"""Raises a RequestError where a model cannot speak a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One take that is asked for."""

    id: str
    line: int
    """From 1."""
    text: str
    """As it was written."""
    request: SpeechRequest
    """With the text as it is spoken, the voice by name, and a seed."""

    @property
    def seed(self) -> int:
        assert self.request.seed is not None
        return self.request.seed


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be spoken."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RowFile:
    """What a file holds."""

    rows: tuple[Row, ...]
    bad: tuple[BadLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowReader:
    """Reads rows with what holds for all of them."""

    defaults: SpeakOptions
    """Keywords of a request where a row does not say; its seed is not read."""
    seed: int
    """What the seeds of rows follow from."""
    read_aloud: ReadAloud
    check: CheckRequest

    def read(self, path: Path) -> RowFile:
        """Returns the rows of a file in order, and every bad line; blank lines are skipped.

        Raises:
            TextFileError: the file cannot be read, or holds no line.
        """
        rows: dict[str, Row] = {}
        bad: list[BadLine] = []
        for number, line in _lines(path):
            try:
                row = self._row(number, line.decode("utf-8"))
                if row.id in rows:
                    raise TextFileError(
                        f"id {row.id!r:.80} is that of line {rows[row.id].line} too; "
                        "every row needs its own."
                    )
                rows[row.id] = row
            except UnicodeDecodeError as error:
                bad.append(BadLine(number, f"{error.reason}; save the file as UTF-8."))
            except RequestError as error:
                bad.append(BadLine(number, str(error)))
        if not rows and not bad:
            raise TextFileError(f"{path} holds no row; give one JSON object a line.")
        return RowFile(tuple(rows.values()), tuple(bad))

    def _row(self, number: int, line: str) -> Row:
        said = row_fields(line)
        name, text = str(number) if said.id is None else said.id, said.text or ""
        options = said.over(self.defaults)
        options["seed"] = derived_seed(self.seed, name) if said.seed is None else said.seed
        written = speech_request(text, options)  # an empty text is told here
        if not is_speakable(text):
            raise TextFileError(f"text is {text!r:.40}, which holds no word to speak.")
        spoken = " ".join(self.read_aloud(text, written.language).split())
        request = replace(written, text=spoken)
        self.check(request)
        return Row(id=name, line=number, text=text, request=request)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yields number and bytes of every line that is not blank."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                said = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if said.strip():
                    yield number, said
    except OSError as error:
        raise TextFileError(f"{path} cannot be read: {error.strerror}; check the path.") from error

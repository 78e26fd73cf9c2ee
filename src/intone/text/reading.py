"""Text files as text: UTF-8 with or without a mark, any line ends, and nothing that is no text."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import TextFileError

MAX_TEXT_BYTES = 64 * 1024 * 1024
"""About ten times the longest novels; beyond it a file is hardly a text."""

_SIGNATURES = {
    b"RIFF": "a WAV or AVI file",
    b"ID3": "an MP3 file",
    b"fLaC": "a FLAC file",
    b"OggS": "an Ogg file",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a zip archive (an epub, a Word document)",
    b"\x1f\x8b": "a gzip archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xff\xfb": "an MP3 file",
}
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_WANTED = "give a text file in UTF-8"


def read_text(path: Path) -> str:
    r"""Returns what a text file holds, with every line end as "\n".

    Raises:
        TextFileError: missing, a directory, unreadable, too large, no UTF-8, or no text at all.
    """
    return decode_text(read_bytes(path), name=str(path))


def read_bytes(path: Path) -> bytes:
    """Returns the bytes of a file of at most 64 MiB.

    Raises:
        TextFileError: missing, a directory, unreadable, or larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    except FileNotFoundError as error:
        raise TextFileError(f"{path} does not exist; check the path.") from error
    except IsADirectoryError as error:
        raise TextFileError(f"{path} is a directory; give one file.") from error
    except OSError as error:
        raise TextFileError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_TEXT_BYTES:
        limit = MAX_TEXT_BYTES // 1024**2
        raise TextFileError(f"{path} is larger than {limit} MiB; give the text in parts.")
    return data


def decode_text(data: bytes, *, name: str) -> str:
    r"""Returns bytes as text, with every line end as "\n"; a byte order mark is left out.

    Raises:
        TextFileError: no UTF-8 (with the line), or bytes that no text has.
    """
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise TextFileError(f"{name} is {kind}, not a text; {_WANTED}.")
    if data.startswith(_UTF_16_MARKS):
        raise TextFileError(f"{name} is UTF-16; save it as UTF-8.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TextFileError(
            f"{name}, line {line}: byte 0x{data[error.start]:02x} is not UTF-8; "
            "save the file as UTF-8."
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise TextFileError(f"{name}, line {line}: a zero byte, which no text has; {_WANTED}.")
    return text.replace("\r\n", "\n").replace("\r", "\n")

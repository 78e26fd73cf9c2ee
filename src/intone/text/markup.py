r"""The one parser of scripts: for the command line, the server and the studio.

    [Whispering] Come closer. [pause:1.5s] [voice:nora] The [say:GIF|jiff] is ready. [reset]

Every tag but `[say:…]` begins a new segment, which can be heard as soon as it is rendered. Every
character that is not markup reaches a segment, in order; only white space around a segment is left
out. `\[`, `\]` and `\\` stand for themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from intone.core.errors import EmptyTextError
from intone.text.dialogue import Speakers
from intone.text.script import Position, Script
from intone.text.segments import SegmentWriter
from intone.text.tags import MarkupMode, Say, Tag, markup_error, read_tag

_TOKEN = re.compile(
    r"\\(?P<escaped>[\[\]\\:：])"
    r"|\[(?P<inside>(?:[^\[\]\\\n]|\\[^\n])*+)\]"
    r"|(?P<stray>[\[\]])"
)
_ESCAPE = re.compile(r"\\([\[\]\\])")
_ONLY_TAGS = re.compile(r"\s*+(?:\[[^\[\]\n]*+\]\s*+)++")


def parse_script(
    source: str,
    *,
    mode: MarkupMode = "script",
    speakers: Collection[str] | None = None,
    dialogue: bool = False,
) -> Script:
    """Returns the segments and silences of a source; at least one segment.

    Args:
        source: the text with its tags.
        mode: "script": every bracket is a tag, an unknown word a mood. "say": known commands alone
            are tags, and everything else is read as it is written.
        speakers: the names of a cast; scripts only. Turns dialogue on, and makes a line that
            begins like a speech of somebody else an error.
        dialogue: reads lines of dialogue without a cast; scripts only.

    Raises:
        MarkupError: with line and column: a bracket that is empty, nested, unclosed or closes
            nothing; a command whose value it cannot take; a speaker who is not in the cast.
        EmptyTextError: there is nothing to speak.
        ValueError: dialogue was asked for in `say`, which has none.
    """
    has_dialogue = dialogue or speakers is not None
    if has_dialogue and mode == "say":
        raise ValueError("say reads no dialogue; use mode 'script'")
    parser = _Parser(mode, Speakers(speakers) if has_dialogue else None)
    for number, line in enumerate(_lines(source), start=1):
        parser.read_line(number, line)
    script = parser.finish()
    if not script.segments:
        raise EmptyTextError("the text holds no word to speak; write at least one beside its tags.")
    return script


class _Parser:
    """Reads lines in order and tells the writer what they hold."""

    def __init__(self, mode: MarkupMode, speakers: Speakers | None) -> None:
        self._mode: MarkupMode = mode
        self._speakers = speakers
        self._writer = SegmentWriter()

    def read_line(self, number: int, line: str) -> None:
        """Takes one line with its line break.

        Raises:
            MarkupError: see `parse_script`.
        """
        if self._speakers is None:
            self._read_words(number, line, 0, len(line))
            return
        if line.strip():
            self._read_dialogue(self._speakers, number, line)
        elif self._writer.is_in_speech:
            self._writer.end_speech()
        else:
            self._read_words(number, line, 0, len(line))

    def finish(self) -> Script:
        """Returns what was read."""
        return self._writer.finish()

    def _read_dialogue(self, speakers: Speakers, number: int, line: str) -> None:
        bare = line.rstrip()
        label = speakers.find(bare)
        if label is not None:
            self._writer.begin_speech(label)
            self._read_words(number, line, label.start, label.stop)
            self._writer.add(line[len(bare) :], Position(number, len(bare) + 1))
            return
        stranger = speakers.stranger(bare)
        if stranger is not None:
            message = f"{stranger.name!r} is not in the cast. {speakers.advice(stranger)}"
            raise markup_error(message, Position(number, stranger.start + 1))
        self._writer.begin_line(is_tag_line=_ONLY_TAGS.fullmatch(line) is not None)
        self._read_words(number, line, 0, len(line))

    def _read_words(self, number: int, line: str, start: int, stop: int) -> None:
        done = start
        for match in _TOKEN.finditer(line, start, stop):
            position = Position(number, match.start() + 1)
            literal = self._literal(line, match, position)
            if literal is None:
                continue
            self._writer.add(line[done : match.start()], Position(number, done + 1))
            if isinstance(literal, str):
                self._writer.add(literal, position)
            elif isinstance(literal, Say):
                self._writer.add_said(literal, position)
            else:
                self._writer.apply(literal, position)
            done = match.end()
        self._writer.add(line[done:stop], Position(number, done + 1))

    def _literal(self, line: str, match: re.Match[str], position: Position) -> str | Tag | None:
        """Returns the character that an escape means, or a tag; None leaves the match as text."""
        escaped, inside = match["escaped"], match["inside"]
        if escaped is not None:
            is_escape = escaped not in ":：" or self._speakers is not None
            return str(escaped) if is_escape else None
        if inside is not None:
            return read_tag(_ESCAPE.sub(r"\1", inside), position, self._mode)
        if self._mode == "script":
            raise markup_error(_what_is_wrong(line, match.start()), position)
        return None


def _lines(source: str) -> Iterator[str]:
    """Yields lines with their ends; only a line feed ends one, as in every editor's count."""
    start = 0
    while start < len(source):
        stop = source.find("\n", start) + 1 or len(source)
        yield source[start:stop]
        start = stop


def _what_is_wrong(line: str, index: int) -> str:
    """Returns the message about a bracket at `index` that is not part of a tag."""
    if line[index] == "]":
        return "']' closes nothing; write \\] for the character."
    rest = line[index:].rstrip("\r\n")
    inner = re.compile(r"(?<!\\)\[").search(rest, 1)
    if inner is not None and "]" in rest[inner.start() :]:
        return (
            f"{_short(rest)!r} has a bracket inside a bracket; close the first one, "
            "or write \\[ for the character."
        )
    return (
        f"{_short(rest)!r} opens a bracket that this line does not close; add ']', "
        "or write \\[ for the character."
    )


def _short(text: str) -> str:
    return text if len(text) <= 30 else f"{text[:29]}…"

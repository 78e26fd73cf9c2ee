"""Chinese and Japanese, written out by `wetext`, with rules of our own where it errs.

It is given one clause at a time, and only clauses with figures in them: across a comma it joins
numbers, and a text without figures has nothing to be written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from intone.core.errors import MissingDependencyError
from intone.text.normalise.addresses import EMAIL, URL, spoken_address
from intone.text.rewriting import Edit, Rewriting

_CLAUSE = re.compile(r"(?:[^，、。！？；!?;,\n]|(?<=\d),(?=\d{3})){1,80}(?!\d)")
"""Bounded: the time that wetext takes grows faster than a clause."""
_LONG_NUMBER = re.compile(r"\d{16,}")
_FIGURE = re.compile(r"\d")
_HALF_WIDTH = str.maketrans("％－＋０１２３４５６７８９．：／", "%-+0123456789.:/")
"""One character each: places in a text stay what they are."""
_VERSION = re.compile(r"(?<![A-Za-z0-9.,])\d{1,4}(?:\.\d{1,4}){2,}(?![A-Za-z0-9])")
_NAME_AND_NUMBER = re.compile(r"(?<=[A-Za-z])-(?=\d)")
_SIGN_AND_NOUN = re.compile(r"[¥￥](?=\d[\d,.]*\s?[元円])")
_CELSIUS = re.compile(r"([-−－]?)(\d+(?:\.\d+)?)\s?(?:℃|°C)")


@dataclass(frozen=True, slots=True)
class _Names:
    """How signs and figures are called."""

    code: str
    figures: str
    at: str
    dot: str
    slash: str


_NAMES: Mapping[str, _Names] = {
    "chinese": _Names("zh", "零一二三四五六七八九", " at ", "点", "斜杠"),
    "japanese": _Names("ja", "ゼロ一二三四五六七八九", "アットマーク", "ドット", "スラッシュ"),
}
LANGUAGES = tuple(_NAMES)


class EastAsianRules:
    """Rewrites numbers and signs in Chinese or Japanese."""

    def __init__(self, name: str) -> None:
        """Loads what counts.

        Raises:
            MissingDependencyError: `wetext` is not installed.
        """
        try:
            import wetext
        except ImportError as error:
            raise MissingDependencyError(
                f"reading numbers out in {name} needs the package wetext; install "
                "'intone[spoken]', or switch it off."
            ) from error
        self._names = _NAMES[name]
        self._normalizer = wetext.Normalizer(lang=self._names.code, operator="tn")
        self._alignment_error = wetext.AlignmentError

    def apply(self, rewriting: Rewriting) -> Rewriting:
        """Returns a text with its figures written out, and settled."""
        for pattern in (URL, EMAIL):
            rewriting = rewriting.replace(pattern, self._address)
        rewriting = rewriting.replace(_LONG_NUMBER, lambda match: self._digits(match[0]))
        rewriting = rewriting.replace(_VERSION, self._version)
        rewriting = rewriting.replace(_NAME_AND_NUMBER, lambda match: " ")
        rewriting = rewriting.replace(_SIGN_AND_NOUN, lambda match: "")
        if self._names.code == "ja":
            rewriting = rewriting.replace(_CELSIUS, self._celsius)
        return rewriting.edited(list(self._edits(rewriting)))

    def _edits(self, rewriting: Rewriting) -> Iterator[Edit]:
        for start, stop in rewriting.gaps():
            for clause in _CLAUSE.finditer(rewriting.text, start, stop):
                if _FIGURE.search(clause[0]):
                    yield from self._clause_edits(clause[0], clause.start())

    def _clause_edits(self, clause: str, start: int) -> Iterator[Edit]:
        """Yields what changes in a clause; all of it at once where it cannot be told in parts."""
        plain = clause.translate(_HALF_WIDTH)
        try:
            parts = self._normalizer.normalize_with_mapping(plain).mappings
        except self._alignment_error:
            said = self._normalizer.normalize(plain)
            yield Edit(start, start + len(clause), said)
            return
        for part in parts:
            if part.input_text != part.output_text:
                yield Edit(start + part.input_start, start + part.input_end, part.output_text)

    def _address(self, match: re.Match[str]) -> str:
        names = self._names
        return spoken_address(
            match[0], at=names.at, dot=names.dot, slash=names.slash, number=self._digits
        )

    def _version(self, match: re.Match[str]) -> str:
        return self._names.dot.join(map(self._digits, match[0].split(".")))

    def _celsius(self, match: re.Match[str]) -> str:
        minus = "マイナス" if match[1] else ""
        return f"{minus}{self._normalizer.normalize(match[2])}度"

    def _digits(self, written: str) -> str:
        return "".join(self._names.figures[int(digit)] for digit in written)

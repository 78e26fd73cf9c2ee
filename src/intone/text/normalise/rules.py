"""The rules of the languages that `num2words` counts for: what is written, and how it is said.

Rules run from the surest to the most general; what one has taken, the next one does not see.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from intone.text.normalise.addresses import EMAIL, URL, spoken_address
from intone.text.normalise.dates import date_rules
from intone.text.normalise.korean import korean_rules
from intone.text.normalise.numbers import MAX_DIGITS, NumberWords
from intone.text.normalise.tables import Table
from intone.text.normalise.times import time_rules
from intone.text.rewriting import Replacement, Rewriting
from intone.text.writing import is_hangul

Rule = tuple[re.Pattern[str], Replacement]

_PHONE = re.compile(
    r"(?<![\w.,+-])(?:\+\d[\d ()./-]{6,20}\d|\d{3}-\d{4}|\(\d{3}\) ?\d{3}-\d{4}"
    r"|\d+(?:-\d+){2,})(?![\w-])"
)
"""And other numbers in groups, such as those of books."""
_DIGIT_GROUP = re.compile(r"\d+")
_VERSION = re.compile(r"(?<![\w.,])\d{1,4}(?:\.\d{1,4}){2,}(?![\w])")
_DECADE = re.compile(r"(?<![\w.,])(?:(1[1-9]|20)(\d)0s|'?([2-9])0s)(?!\w)")
_GERMAN_DECADE = re.compile(r"(?<![\w.,])(\d{1,4})er(?!\w)")
_POINT_FIRST = re.compile(r"(?<![\w.])\.(\d+)(?!\w)")
_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4"}
_SIGN = r"(?:(?<![\w)\].,%])(?P<sign>[-−+])\s?)?"
_NOUN = re.compile(r"[ \u00a0\u202f][^\W\d_]")
_GERMAN_ORDINAL = re.compile(r"\.\s+[A-ZÄÖÜ]")
"""Behind a number: the end of a sentence, or an ordinal before a noun."""
_RUSSIAN_ENDING = re.compile(r"-[а-яё]")
_MAGNITUDES: Mapping[str, Mapping[str, str]] = {
    "english": {
        **{name: name for name in ("thousand", "million", "billion", "trillion")},
        **{"bn": "billion", "m": "million", "k": "thousand"},
    },
    "german": {
        **{name: name for name in ("Millionen", "Milliarden")},
        **{"Mio.": "Millionen", "Mrd.": "Milliarden"},
    },
}


class SpokenRules:
    """Rewrites numbers and signs in one language."""

    def __init__(self, name: str, table: Table) -> None:
        """Loads what counts.

        Raises:
            MissingDependencyError: `num2words` is not installed.
        """
        self._name = name
        self._table = table
        self._numbers = NumberWords(table)
        self._rules: tuple[Rule, ...] = tuple(self._all())

    def apply(self, rewriting: Rewriting) -> Rewriting:
        """Returns a text with what the rules know replaced, and settled."""
        for pattern, spoken in self._rules:
            rewriting = rewriting.replace(pattern, spoken)
        return rewriting

    def _all(self) -> Iterator[Rule]:
        numbers = self._numbers
        yield URL, self._address
        yield EMAIL, self._address
        yield from date_rules(self._name, self._table, numbers)
        yield from time_rules(self._name, numbers)
        yield _PHONE, self._phone
        if self._name == "korean":
            yield from korean_rules(numbers)
        yield _VERSION, self._version
        yield from self._money_rules()
        yield from self._unit_rules()
        yield from self._fraction_rules()
        yield from self._ordinal_rules()
        if self._name == "english":
            yield _DECADE, self._decade
            yield _POINT_FIRST, lambda match: f"{self._table.point} {numbers.digits(match[1])}"
        if self._name == "german":
            yield _GERMAN_DECADE, lambda match: f"{numbers.cardinal(int(match[1]))}er"
        yield from self._number_rules()

    def _money_rules(self) -> Iterator[Rule]:
        signs = _any_of(self._table.moneys)
        number = self._numbers.pattern
        amount = rf"(?:(?P<from>{number})\s?[-–]\s?)?(?P<number>{number})"
        large = _any_of(_MAGNITUDES.get(self._name, {}))
        magnitude = rf"(?:\s?(?P<magnitude>{large})(?!\w))?" if large else "(?P<magnitude>)"
        before = rf"(?<![\w.,]){_SIGN}(?P<money>{signs})\s?{amount}{magnitude}"
        after = rf"(?<![\w.,]){_SIGN}{amount}{magnitude}\s?(?P<money>{signs})(?!\w)"
        yield re.compile(before), self._money
        yield re.compile(after), self._money

    def _unit_rules(self) -> Iterator[Rule]:
        number = self._numbers.pattern
        pattern = (
            rf"(?<![\w.,]){_SIGN}(?:(?P<from>{number})\s?[-–]\s?)?(?P<number>{number})"
            rf"[ \u00a0\u202f]?(?P<unit>{_any_of(self._table.units)})(?![\w/²³])"
        )
        yield re.compile(pattern), self._unit

    def _fraction_rules(self) -> Iterator[Rule]:
        names = self._table.halves
        yield (
            re.compile(r"(?<![\w/.,])([1-3]/[2-4])(?![\w/])"),
            lambda match: names.get(match[1]),
        )
        yield re.compile(f"[{''.join(_VULGAR)}]"), self._vulgar

    def _ordinal_rules(self) -> Iterator[Rule]:
        numbers = self._numbers
        pattern = {
            "english": r"(\d{1,6})(?:st|nd|rd|th)",
            "french": r"(\d{1,6})(?:ers?|(?P<f>re)s?|es?|[eè]mes?|nde?s?)",
            "italian": r"(\d{1,6})(?:[º°]|(?P<f>ª))",
            "portuguese": r"(\d{1,6})\.?(?:[º°]|(?P<f>ª))",
            "spanish": r"(\d{1,6})\.?(?:[º°]|(?P<f>ª)|er)",
        }.get(self._name)
        if pattern is not None:
            yield (
                re.compile(rf"(?<![\w.,]){pattern}(?!\w)"),
                lambda match: numbers.ordinal(
                    int(match[1]), is_feminine=bool(match.groupdict().get("f"))
                ),
            )

    def _number_rules(self) -> Iterator[Rule]:
        number = self._numbers.pattern
        if self._name != "russian":
            yield (
                re.compile(rf"(?<![\w.,/-])({number})\s?[-–]\s?({number})(?![\w/-]|[.,]\d)"),
                self._range,
            )
        yield re.compile(r"(?<!\w)(?:#|№|Nr\.|No\.|nº|n°)\s?(\d+)(?!\w)"), self._numbered
        # Four digits alone are a year more often than anything else.
        yield (
            re.compile(r"(?<![\w.,/+-])(10[1-9]\d|1[1-9]\d\d|20\d\d)(?![\w/%-]|[.,]\d)"),
            lambda match: self._numbers.year(int(match[1])),
        )
        yield re.compile(rf"{_SIGN}(?P<number>{number})"), self._number
        yield re.compile(r"(?<=\s)&(?=\s)"), lambda match: self._table.and_word

    def _money(self, match: re.Match[str]) -> str:
        money = self._table.moneys[match["money"]]
        if match["magnitude"]:
            word = _MAGNITUDES[self._name][match["magnitude"]]
            amount = f"{self._numbers.number(match['number'])} {word}"
            return self._signed(match, f"{amount} {money.major.many}")
        whole, fraction = self._numbers.parts(match["number"])
        if not fraction or money.minor is None or len(fraction) > 2 or match["from"]:
            return self._signed(match, self._numbers.counted(match["number"], money.major))
        cents = str(int(fraction.ljust(2, "0")))
        parts = [self._numbers.counted(whole, money.major)] if int(whole) or cents == "0" else []
        if cents != "0":
            parts.append(self._numbers.counted(cents, money.minor))
        joiner = f" {self._table.money_and} ".replace("  ", " ")
        return self._signed(match, joiner.join(parts))

    def _unit(self, match: re.Match[str]) -> str:
        noun = self._table.units[match["unit"]]
        return self._signed(match, self._numbers.counted(match["number"], noun))

    def _signed(self, match: re.Match[str], words: str) -> str:
        if match["from"]:
            words = f"{self._numbers.number(match['from'])} {self._table.to} {words}"
        return f"{self._table.minus} {words}" if match["sign"] in ("-", "−") else words

    def _number(self, match: re.Match[str]) -> str | None:
        """Returns a number; letters that touch it are kept apart from its words."""
        text, stop = match.string, match.end()
        if self._is_unsure(match["number"], text, stop):
            return None
        words = self._numbers.number(match["number"])
        if match["sign"]:
            sign = self._table.plus if match["sign"] == "+" else self._table.minus
            words = f"{sign} {words}"
        before = " " if match.start() > 0 and _is_letter(text[match.start() - 1]) else ""
        after = " " if stop < len(text) and _is_letter(text[stop]) else ""
        return f"{before}{words}{after}"

    def _is_unsure(self, written: str, text: str, stop: int) -> bool:
        """Says whether what stands behind a number changes it in a way that nobody knows here."""
        if _NOUN.match(text, stop) and self._numbers.has_gender(written):
            return True
        if self._name == "german" and _GERMAN_ORDINAL.match(text, stop):
            return True
        is_inflected = self._name == "russian" and _RUSSIAN_ENDING.match(text, stop) is not None
        return is_inflected or self._numbers.is_unsure(written)

    def _range(self, match: re.Match[str]) -> str | None:
        first, last = (self._numbers.parts(text)[0] for text in match.groups())
        if len(first) > MAX_DIGITS or len(last) > MAX_DIGITS or int(first) >= int(last):
            return None
        ends = (self._year_or_number(text) for text in match.groups())
        return f" {self._table.to} ".join(ends)

    def _year_or_number(self, written: str) -> str:
        is_year = re.fullmatch(r"1[1-9]\d\d|20\d\d", written) is not None
        return self._numbers.year(int(written)) if is_year else self._numbers.number(written)

    def _numbered(self, match: re.Match[str]) -> str:
        return f"{self._table.number} {self._label(match[1])}"

    def _label(self, digits: str) -> str:
        return self._numbers.digits(digits) if len(digits) > 4 else self._numbers.number(digits)

    def _address(self, match: re.Match[str]) -> str:
        table = self._table
        return spoken_address(
            match[0], at=table.at, dot=table.dot, slash=table.slash, number=self._label
        )

    def _phone(self, match: re.Match[str]) -> str:
        groups = (self._numbers.digits(group) for group in _DIGIT_GROUP.findall(match[0]))
        plus = f"{self._table.plus} " if match[0].startswith("+") else ""
        return plus + ", ".join(groups)

    def _version(self, match: re.Match[str]) -> str | None:
        if self._numbers.is_grouped(match[0]):
            return None
        dot = f" {self._table.dot if self._name != 'english' else 'point'} "
        return dot.join(self._numbers.number(part) for part in match[0].split("."))

    def _vulgar(self, match: re.Match[str]) -> str:
        words = self._table.halves[_VULGAR[match[0]]]
        is_after_digit = match.start() > 0 and match.string[match.start() - 1].isdecimal()
        return f" {self._table.and_word} {words}" if is_after_digit else words

    def _decade(self, match: re.Match[str]) -> str:
        words = self._numbers.year(int(f"{match[1] or ''}{match[2] or match[3]}0"))
        return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _is_letter(character: str) -> bool:
    """Says whether a character must be kept apart from a word; Korean particles must not."""
    return character.isalpha() and not is_hangul(character)


def _any_of(symbols: Iterable[str]) -> str:
    """Returns a pattern of symbols, the longest first."""
    return "|".join(map(re.escape, sorted(symbols, key=lambda name: (-len(name), name))))

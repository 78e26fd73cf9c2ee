"""Dates, written in figures or with the name of the month."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intone.text.normalise.numbers import NumberWords
from intone.text.normalise.tables import Table
from intone.text.rewriting import Replacement

_ISO = re.compile(r"(?<![\w.,/-])(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})(?![\w/-])")
_DAY_FIRST = re.compile(
    r"(?<![\w.,/-])(?P<d>\d{1,2})(?P<mark>[./])(?P<m>\d{1,2})(?P=mark)(?P<y>\d{4})(?![\w/-])"
)
_MONTH_FIRST = re.compile(r"(?<![\w.,/-])(?P<m>\d{1,2})/(?P<d>\d{1,2})/(?P<y>\d{4})(?![\w/-])")
_RUSSIAN_YEAR = re.compile(r"(?<![\w.,/-])(\d{4})[ \u00a0]?(г\.|годом|года|году|год)(?!\w)")
_RUSSIAN_CASES = {"год": "n", "года": "g", "г.": "p", "году": "p", "годом": "i"}
_RUSSIAN_WORDS = {"г.": "году"}
_RUSSIAN_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,4})-(го|му|й|я|е|х|м)(?!\w)")
_RUSSIAN_ENDINGS = {
    "й": ("n", "m"),
    "я": ("n", "f"),
    "е": ("n", "n"),
    "го": ("g", "m"),
    "му": ("d", "m"),
    "м": ("p", "m"),
    "х": ("g", ""),
}
"""Case and gender; none is the plural."""
_GERMAN_DAY = re.compile(r"(?<![\w.,/-])(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?!\d)")


def date_rules(
    name: str, table: Table, numbers: NumberWords
) -> Iterator[tuple[re.Pattern[str], Replacement]]:
    """Yields the rules of a language, the surest first."""
    dates = _Dates(name, table, numbers)
    yield _ISO, dates.in_figures
    yield (_MONTH_FIRST if name == "english" else _DAY_FIRST), dates.in_figures
    months = "|".join(table.months)
    if name == "english":
        year = r"(?:,?\s(?P<y>1\d{3}|20\d\d))?(?![\w/-]|[.,]\d)"
        yield (
            re.compile(rf"\b(?P<month>{months})\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?!\w){year}"),
            dates.english,
        )
        yield (
            re.compile(
                rf"(?<![\w.,/-])(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s(?P<month>{months})(?!\w){year}"
            ),
            dates.english,
        )
    elif name == "german":
        yield _GERMAN_DAY, dates.german_in_figures
        yield (
            re.compile(rf"(?<![\w.,/-])(?P<d>\d{{1,2}})\.\s?(?P<month>{months})(?!\w)"),
            dates.german,
        )
    elif name == "russian":
        pattern = rf"(?<![\w.,/-])(?P<d>\d{{1,2}})\s(?P<month>{months})(?!\w)"
        yield (
            re.compile(rf"{pattern}(?:\s(?P<y>\d{{4}})(?:\s?(?:года|г\.)(?!\w)|(?![\w.,]\d)))?"),
            dates.russian,
        )
        yield _RUSSIAN_YEAR, dates.russian_year
        yield _RUSSIAN_ORDINAL, dates.russian_ordinal


class _Dates:
    """Says dates in one language."""

    def __init__(self, name: str, table: Table, numbers: NumberWords) -> None:
        self._name = name
        self._table = table
        self._numbers = numbers

    def in_figures(self, match: re.Match[str]) -> str | None:
        """Returns a date in figures in words; None when there is no such day."""
        day, month, year = int(match["d"]), int(match["m"]), int(match["y"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        name = self._table.months[month - 1]
        first = day == 1 and self._name in ("french", "italian", "portuguese", "spanish")
        said_day = self._numbers.ordinal(1) if first else self._numbers.cardinal(day)
        said_year = self._numbers.year(year)
        match self._name:
            case "english":
                return f"{name} {self._numbers.ordinal(day)}, {said_year}"
            case "german":
                return f"{self._german_day(match, day)} {name} {said_year}"
            case "spanish" | "portuguese":
                return f"{said_day} de {name} de {said_year}"
            case "russian":
                return self._russian(day, name, year)
            case "korean":
                return f"{said_year}년 {name}월 {said_day}일"
            case _:
                return f"{said_day} {name} {said_year}"

    def english(self, match: re.Match[str]) -> str | None:
        day = int(match["d"])
        if not 1 <= day <= 31:
            return None
        said = self._numbers.ordinal(day)
        is_month_first = match.start("month") < match.start("d")
        words = f"{match['month']} {said}" if is_month_first else f"{said} of {match['month']}"
        return f"{words}, {self._numbers.year(int(match['y']))}" if match["y"] else words

    def german(self, match: re.Match[str]) -> str:
        return f"{self._german_day(match, int(match['d']))} {match['month']}"

    def german_in_figures(self, match: re.Match[str]) -> str | None:
        day, month = int(match["d"]), int(match["m"])
        if not (1 <= day <= 31 and 1 <= month <= 12):
            return None
        return f"{self._german_day(match, day)} {self._table.months[month - 1]}"

    def russian(self, match: re.Match[str]) -> str:
        year = int(match["y"]) if match["y"] else None
        return self._russian(int(match["d"]), match["month"], year)

    def russian_year(self, match: re.Match[str]) -> str:
        case = _RUSSIAN_CASES[match[2]]
        said = self._numbers.russian_ordinal(int(match[1]), case, "m")
        return f"{said} {_RUSSIAN_WORDS.get(match[2], match[2])}"

    def russian_ordinal(self, match: re.Match[str]) -> str:
        number = int(match[1])
        case, gender = _RUSSIAN_ENDINGS[match[2]]
        is_decade = match[2] == "е" and number % 10 == 0 and number >= 20  # 90-е годы
        return self._numbers.russian_ordinal(number, case, "" if is_decade else gender)

    def _russian(self, day: int, month: str, year: int | None) -> str:
        words = f"{self._numbers.russian_ordinal(day, 'g', 'n')} {month}"
        if year is None:
            return words
        return f"{words} {self._numbers.russian_ordinal(year, 'g', 'm')} года"

    def _german_day(self, match: re.Match[str], day: int) -> str:
        """Returns "dritte" after an article in the nominative, else "dritten": am, vom, bis zum."""
        is_nominative = match.string[: match.start()].lower().endswith("der ")
        return self._numbers.ordinal(day) + ("" if is_nominative else "n")

"""Times of day, written as 14:30 or in the language's own way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intone.text.normalise import korean
from intone.text.normalise.numbers import NumberWords
from intone.text.normalise.tables import Noun
from intone.text.rewriting import Replacement

_CLOCK = r"(?<![\w.,:/-])(?P<h>[01]?\d|2[0-4])(?P<mark>{marks})(?P<m>[0-5]\d)(?![\w:]|[.,]\d)"
_TAIL = {
    "english": r"(?:\s?(?P<half>[apAP])\.?\s?[mM]\.?(?!\w))?",
    "german": r"(?:\s?Uhr(?!\w))?",
}
_MARKS = {"french": r":|\s?h\s?", "portuguese": ":|h", "german": r":|\.(?=\d\d\s?Uhr)"}
_HOUR_ALONE = {
    "english": re.compile(r"(?<![\w.,:/-])(?P<h>1[0-2]|[1-9])\s?(?P<half>[apAP])\.?[mM]\.?(?!\w)"),
    "french": re.compile(r"(?<![\w.,:/-])(?P<h>1?\d|2[0-4])\s?h(?!\w)"),
    "german": re.compile(r"(?<![\w.,:/-])(?P<h>1?\d|2[0-4])\s?Uhr(?!\w)"),
}
_FRENCH_HOUR = Noun("heure", "heures", "heures", is_feminine=True)
_PORTUGUESE_HOUR = Noun("hora", "horas", "horas", is_feminine=True)
_GERMAN_HOUR = Noun("Uhr", "Uhr", "Uhr")


def time_rules(name: str, numbers: NumberWords) -> Iterator[tuple[re.Pattern[str], Replacement]]:
    """Yields the rules of a language."""
    times = _Times(name, numbers)
    clock = _CLOCK.format(marks=_MARKS.get(name, ":"))
    yield re.compile(clock + _TAIL.get(name, "")), times.clock
    if name in _HOUR_ALONE:
        yield _HOUR_ALONE[name], times.hour_alone


class _Times:
    """Says times in one language."""

    def __init__(self, name: str, numbers: NumberWords) -> None:
        self._name = name
        self._numbers = numbers

    def clock(self, match: re.Match[str]) -> str:
        hour, minute = int(match["h"]), int(match["m"])
        said = self._numbers.cardinal(minute)
        match self._name:
            case "english":
                return self._english(hour, minute, match["half"])
            case "german":
                return f"{self._counted(hour, _GERMAN_HOUR)}{f' {said}' if minute else ''}"
            case "french":
                return f"{self._counted(hour, _FRENCH_HOUR)}{f' {said}' if minute else ''}"
            case "portuguese":
                hours = self._counted(hour, _PORTUGUESE_HOUR)
                return f"{hours} e {said}" if minute else hours
            case "italian":
                return f"{self._numbers.cardinal(hour)} e {said if minute else 'zero zero'}"
            case "korean":
                return f"{korean.hour(hour, self._numbers)} 시{f' {said} 분' if minute else ''}"
            case _:
                zero = self._numbers.cardinal(0)
                lead = f"{zero} " if minute < 10 else ""
                return f"{self._numbers.cardinal(hour)} {lead}{said}"

    def hour_alone(self, match: re.Match[str]) -> str:
        hour = int(match["h"])
        if self._name == "english":
            return f"{self._numbers.cardinal(hour)} {match['half'].lower()}.m."
        noun = _FRENCH_HOUR if self._name == "french" else _GERMAN_HOUR
        return self._counted(hour, noun)

    def _english(self, hour: int, minute: int, half: str | None) -> str:
        words = self._numbers.cardinal(hour)
        if 0 < minute < 10:
            words += f" oh {self._numbers.cardinal(minute)}"
        elif minute:
            words += f" {self._numbers.cardinal(minute)}"
        elif half is None:
            words += " o'clock" if 1 <= hour <= 12 else " hundred hours"
        return f"{words} {half.lower()}.m." if half else words

    def _counted(self, hour: int, noun: Noun) -> str:
        return self._numbers.counted(str(hour), noun)

"""Korean counts with two rows of numerals: the noun behind a number decides which."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intone.text.normalise.numbers import NumberWords
from intone.text.rewriting import Replacement

_NATIVE_ONES = ("", "한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉")
_NATIVE_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_COUNTERS = (
    "시간 시 개(?!월) 명 사람 마리 권 잔 병 살 번째 번 가지 곳 대 장 그루 송이 켤레 벌 쌍 달"
)
_COUNTED = re.compile(
    rf"(?<![\d.,:/-])(?<!제)(?<!제 )(?P<n>[1-9]\d?)\s?(?P<noun>{_COUNTERS.replace(' ', '|')})"
)
_MONTH = re.compile(r"(?<![\d.,/-])(6|10)\s?월")


def korean_rules(numbers: NumberWords) -> Iterator[tuple[re.Pattern[str], Replacement]]:
    """Yields the rules that choose the row of numerals."""
    yield _MONTH, lambda match: "유월" if match[1] == "6" else "시월"
    yield _COUNTED, lambda match: _counted(int(match["n"]), match["noun"], numbers)


def hour(number: int, numbers: NumberWords) -> str:
    """Returns an hour of the day: up to twelve by the native numerals, as clocks are read."""
    return native_numeral(number) if 1 <= number <= 12 else numbers.cardinal(number)


def _counted(number: int, noun: str, numbers: NumberWords) -> str:
    said = hour(number, numbers) if noun == "시" else native_numeral(number)
    return f"{said} {noun}"


def native_numeral(number: int) -> str:
    """Returns 1 to 99 in native numerals, as they stand before a noun (21 is seumul-han)."""
    if number == 20:
        return "스무"
    return _NATIVE_TENS[number // 10] + _NATIVE_ONES[number % 10]

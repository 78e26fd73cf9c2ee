"""Which letter says which sound: monotonic alignment of spellings and phonemes, learnt from words.

Every letter says no, one or two phonemes. How likely each is, is counted on the best alignments of
the round before (Viterbi training), the first round on words that merely hold both.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

_ROUNDS = 4
_FLOOR = 1e-6
_FIRST_GUESS = (0.15, 1.0, 0.02)
"""Of a letter that says no, one or two phonemes, before anything is known."""


class Letters:
    """Aligns words with their phonemes."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Learns from words and their phonemes, without stress marks and punctuation."""
        words = [(word, sounds) for word, sounds in dict.fromkeys(pairs) if word and sounds]
        self._costs = _first_costs(words)
        self._known: dict[tuple[str, str], list[int]] = {}
        for _ in range(_ROUNDS):
            counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
            for word, sounds in words:
                for letter, said in zip(word, self._path(word, sounds), strict=True):
                    counts[letter][said] += 1
            self._costs = {letter: _costs_of(found) for letter, found in counts.items()}

    def align(self, word: str, sounds: str) -> list[int]:
        """Returns how many phonemes each letter says; the numbers add up to all of them."""
        key = word, sounds
        if key not in self._known:
            self._known[key] = [len(said) for said in self._path(word, sounds)]
        return self._known[key]

    def group(self, words: Sequence[str], groups: Sequence[str]) -> list[int]:
        """Returns how many words each phoneme group says; espeak joins some little words.

        Empty where no division into one to three words fits.
        """
        best: dict[tuple[int, int], tuple[float, list[int]]] = {(0, 0): (0.0, [])}
        slack = len(words) - len(groups)
        for g, group in enumerate(groups):
            for w in range(g, g + slack + 1):
                if (w, g) not in best:
                    continue
                cost, path = best[w, g]
                for num in range(1, min(3, len(words) - w) + 1):
                    total = cost + self._cost(" ".join(words[w : w + num]), group)
                    if total < best.get((w + num, g + 1), (math.inf, []))[0]:
                        best[w + num, g + 1] = total, [*path, num]
        return best.get((len(words), len(groups)), (0.0, []))[1]

    def _cost(self, word: str, sounds: str) -> float:
        if not word or len(sounds) > 2 * len(word):
            return 50.0 + len(sounds)
        pairs = zip(word, self._path(word, sounds), strict=True)
        return sum(self._costs.get(letter, {}).get(said, 14.0) for letter, said in pairs)

    def _path(self, word: str, sounds: str) -> list[str]:
        if len(sounds) > 2 * len(word):
            return _evenly(word, sounds)
        best: list[dict[int, tuple[float, int]]] = [{0: (0.0, 0)}]
        for i, letter in enumerate(word):
            costs = self._costs.get(letter, {})
            row: dict[int, tuple[float, int]] = {}
            left = 2 * (len(word) - i - 1)
            for at, (cost, _) in best[-1].items():
                for num in range(min(2, len(sounds) - at) + 1):
                    if len(sounds) - at - num > left:
                        continue
                    total = cost + costs.get(sounds[at : at + num], 14.0)
                    if at + num not in row or total < row[at + num][0]:
                        row[at + num] = total, at
            best.append(row)
        return _traced(best, sounds)


def _traced(best: Sequence[dict[int, tuple[float, int]]], sounds: str) -> list[str]:
    said, end = [], len(sounds)
    for row in reversed(best[1:]):
        start = row[end][1]
        said.append(sounds[start:end])
        end = start
    return said[::-1]


def _evenly(word: str, sounds: str) -> list[str]:
    cuts = [round(i * len(sounds) / len(word)) for i in range(len(word) + 1)]
    return [sounds[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]


def _first_costs(words: Sequence[tuple[str, str]]) -> dict[str, dict[str, float]]:
    together: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for word, sounds in words:
        for letter in set(word):
            together[letter].update(set(sounds))
    out = {}
    for letter, found in together.items():
        total = sum(found.values())
        costs = {sound: -math.log(_FIRST_GUESS[1] * n / total) for sound, n in found.items()}
        pairs = {a + b: costs[a] + 2.0 for a in costs for b in costs}
        out[letter] = {"": -math.log(_FIRST_GUESS[0]), **costs, **pairs}
    return out


def _costs_of(found: Counter[str]) -> dict[str, float]:
    total = found.total()
    return {said: -math.log(n / total + _FLOOR) for said, n in found.items()}

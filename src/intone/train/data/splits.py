"""Which rows are repeats, which would leak, and which validate.

A sentence of a speaker lies on one side only, with all its repeats: the draw is by a hash of
speaker and text, so that a row keeps its side when others are added, moved or recorded again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from intone.train.data.limits import Problem
from intone.train.data.parse_rows import Candidate
from intone.train.data.spoken_text import normalised_text
from intone.train.rows import Split, TrainingRow

_HASH_RANGE = 2.0**64

Sentence = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Heard:
    """A row whose clip is fine by itself."""

    candidate: Candidate
    digest: str
    """Of its samples."""

    @property
    def row(self) -> TrainingRow:
        return self.candidate.row

    @property
    def sentence(self) -> Sentence:
        """Returns speaker and words, which lie on one side of the split."""
        return self.row.speaker, normalised_text(self.row.text)


def repeat_problems(rows: Sequence[Heard], *, allow_repeats: bool) -> dict[int, Problem]:
    """Returns the problem of each row, by index, that another row has made superfluous.

    Validation rows come first: a training row that repeats one is a leak. Then the first in order
    stays. The same words are no repeat when they are said in another way (`instruct`).

    Args:
        allow_repeats: keep other recordings of the same words; the same recording never stays.
    """
    validation = [i for i, heard in enumerate(rows) if heard.row.split == "validation"]
    training = [i for i, heard in enumerate(rows) if heard.row.split == "train"]
    problems = _repeats(rows, validation, allow_repeats)
    held_out = [i for i in validation if i not in problems]
    problems |= _leaks(rows, training, held_out)
    problems |= _repeats(rows, [i for i in training if i not in problems], allow_repeats)
    return problems


def _leaks(
    rows: Sequence[Heard], training: Iterable[int], held_out: Iterable[int]
) -> dict[int, Problem]:
    by_digest: dict[str, str] = {}
    by_sentence: dict[Sentence, str] = {}
    for i in held_out:
        by_digest[rows[i].digest] = rows[i].row.id
        by_sentence[rows[i].sentence] = rows[i].row.id
    problems: dict[int, Problem] = {}
    for i in training:
        same_sound = by_digest.get(rows[i].digest)
        same_words = by_sentence.get(rows[i].sentence)
        if same_sound or same_words:
            what = "audio" if same_sound else "words of this speaker"
            reason = f"the {what} of validation row {same_sound or same_words}; keep one of them"
            problems[i] = "leak", reason
    return problems


def _repeats(
    rows: Sequence[Heard], indices: Iterable[int], allow_repeats: bool
) -> dict[int, Problem]:
    by_digest: dict[str, str] = {}
    by_words: dict[tuple[Sentence, str], str] = {}
    problems: dict[int, Problem] = {}
    for i in indices:
        heard = rows[i]
        words = heard.sentence, (heard.row.instruct or "").casefold()
        if heard.digest in by_digest:
            problems[i] = "duplicate_audio", f"the audio of row {by_digest[heard.digest]}"
        elif words in by_words and not allow_repeats:
            problems[i] = (
                "duplicate_text",
                (
                    f"the words of row {by_words[words]}, by the same speaker and without another "
                    "instruct; --allow-repeats keeps such recordings"
                ),
            )
        else:
            by_digest[heard.digest] = heard.row.id
            by_words.setdefault(words, heard.row.id)
    return problems


def drawn(rows: Sequence[Heard], share: float) -> list[TrainingRow]:
    """Returns the rows with their final split, in order.

    Nothing is drawn when the source names validation rows itself, or when `share` is 0. Else about
    `share` of the sentences validate: at least one, and of no speaker all.

    Args:
        share: from 0 to below 1, of the rows whose split the source does not name.
    """
    free = [heard for heard in rows if not heard.candidate.has_split]
    is_named = any(heard.row.split == "validation" for heard in rows)
    if is_named or not share:
        return [heard.row for heard in rows]
    chosen = _chosen({heard.sentence for heard in free}, rows, share)
    return [replace(heard.row, split=_side(heard, chosen)) for heard in rows]


def _side(heard: Heard, chosen: set[Sentence]) -> Split:
    is_chosen = not heard.candidate.has_split and heard.sentence in chosen
    return "validation" if is_chosen else "train"


def _chosen(free: set[Sentence], rows: Sequence[Heard], share: float) -> set[Sentence]:
    """Returns the sentences that validate."""
    bound = {heard.sentence for heard in rows if heard.candidate.has_split}
    free = free - bound  # a sentence that has to train, trains with all its repeats
    by_speaker: Mapping[str, set[Sentence]] = defaultdict(set)
    for heard in rows:
        by_speaker[heard.row.speaker].add(heard.sentence)
    ranked = sorted(free, key=_position)
    chosen: set[Sentence] = set()
    for sentence in ranked:
        is_last = by_speaker[sentence[0]] <= chosen | {sentence}
        if not is_last and (_position(sentence) < share or not chosen):
            chosen.add(sentence)
    return chosen


def _position(sentence: Sentence) -> float:
    """Returns the sentence's place in [0, 1), the same on every machine."""
    digest = hashlib.blake2b("\0".join(sentence).encode("utf-8"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _HASH_RANGE

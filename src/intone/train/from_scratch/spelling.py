"""A small byte-level BPE in Qwen2's file format, learnt from the training texts.

A few hundred merges shorten a text to about two letters a token, which the per-frame layout needs:
text must arrive faster than it is spoken. `segmented` now and then leaves merges out, so that the
talker also learns what the single letters sound like (BPE dropout, arXiv 1910.13267).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from intone.models.tiny_tokenizer import write_tiny_tokenizer
from intone.prompt.tokenizer import TextTokenizer

_SPLIT = Regex(r" ?\p{L}+(?:'\p{L}+)?|\s+|[^\s\p{L}]+")


def write_spelling(directory: Path, texts: Iterable[str], num_merges: int) -> dict[str, int]:
    """Writes the three tokenizer files; returns the ids that config.json names."""
    ids = write_tiny_tokenizer(directory, words=())
    vocabulary = json.loads((directory / "vocab.json").read_text(encoding="utf-8"))
    merges = (directory / "merges.txt").read_text(encoding="utf-8").split("\n")[:-1]
    shift = 0
    for left, right in learn_merges(texts, num_merges):
        if left + right not in vocabulary:
            vocabulary[left + right] = len(vocabulary)
            shift += 1
        if f"{left} {right}" not in merges:
            merges.append(f"{left} {right}")
    return _write(directory, vocabulary, merges, {k: v + _moved(k, shift) for k, v in ids.items()})


def _moved(name: str, shift: int) -> int:
    """Control tokens follow the pieces, so they move up; the roles are pieces and stay."""
    return 0 if name in ("assistant", "user") else shift


def _write(
    directory: Path, vocabulary: dict[str, int], merges: list[str], ids: dict[str, int]
) -> dict[str, int]:
    (directory / "vocab.json").write_text(_json(vocabulary), encoding="utf-8")
    (directory / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    path = directory / "tokenizer_config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    tokens = {token["content"]: token for token in config["added_tokens_decoder"].values()}
    config["added_tokens_decoder"] = {str(ids[name]): token for name, token in tokens.items()}
    path.write_text(_json(config), encoding="utf-8")
    return ids


def _json(data: object) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def learn_merges(texts: Iterable[str], num_merges: int) -> list[tuple[str, str]]:
    """Returns the most useful merges within words, most frequent first."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.NFC()
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(_SPLIT, behavior="isolated"), byte_level]
    )
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + num_merges, initial_alphabet=alphabet, max_token_length=5
    )
    learner.train_from_iterator(texts, trainer)
    merges = json.loads(learner.to_str())["model"]["merges"]
    return [(left, right) for left, right in merges]


class Speller:
    """The shipped tokenizer, and the same with a share of its merges left out."""

    def __init__(self, directory: Path, dropout: float) -> None:
        self.exact = TextTokenizer.from_dir(directory)
        self.loose = TextTokenizer.from_dir(directory)
        self._dropout = dropout
        pieces = json.loads((directory / "vocab.json").read_text(encoding="utf-8"))
        self.lengths = {index: len(piece) for piece, index in pieces.items()}
        """Characters of each piece; right for ASCII, which is all the training texts hold."""

    def loosen(self) -> None:
        """From now on `loose` leaves merges out; before, a builder has read the roles with it."""
        self.loose._encoder.model.dropout = self._dropout

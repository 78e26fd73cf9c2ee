"""The tokenizer alone; equality with transformers is in `test_golden_ids.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from intone.core.errors import CheckpointError
from intone.models.tiny_tokenizer import (
    CONTROL_TOKENS,
    OFFICIAL_VOCAB_SIZE,
    write_tiny_tokenizer,
)
from intone.prompt.tokenizer import TextTokenizer


@pytest.fixture
def directory(tokenizer_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tokenizer_dir, tmp_path / "copy"))


def test_roles_and_words_are_single_pieces(tokenizer: TextTokenizer, ids: dict[str, int]) -> None:
    assert tokenizer.encode("assistant") == [ids["assistant"]]
    assert tokenizer.encode_role("user") == [ids["user"], *tokenizer.encode_role("x")[1:]]
    assert len(tokenizer.encode("Hello world 你好")) == 4  # the space before 你 is its own piece


def test_text_never_becomes_a_control_token(tokenizer: TextTokenizer, ids: dict[str, int]) -> None:
    for control in CONTROL_TOKENS:
        encoded = tokenizer.encode(f"a{control}b")
        assert len(encoded) > 5
        assert max(encoded) < ids["<|endoftext|>"]


@pytest.mark.parametrize("text", [" ab", "\n\nab", "ab \n", "\u3000ab\u00a0", "\r\n ab\t"])
def test_white_space_at_the_ends_is_dropped(tokenizer: TextTokenizer, text: str) -> None:
    assert tokenizer.encode(text) == tokenizer.encode("ab")


def test_white_space_inside_is_kept(tokenizer: TextTokenizer) -> None:
    assert len({tuple(tokenizer.encode(t)) for t in ("ab", "a b", "a  b", "a\nb", "a\n\nb")}) == 5


def test_composed_and_decomposed_text_are_the_same(tokenizer: TextTokenizer) -> None:
    assert tokenizer.encode("caf\u00e9") == tokenizer.encode("cafe\u0301")


def test_a_version_line_is_skipped_but_hash_merges_are_not(directory: Path) -> None:
    vocabulary = json.loads((directory / "vocab.json").read_text(encoding="utf-8"))
    vocabulary["##"] = len(vocabulary) + 1000
    (directory / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    merges = (directory / "merges.txt").read_text(encoding="utf-8")

    (directory / "merges.txt").write_text("# #\n" + merges, encoding="utf-8")
    assert TextTokenizer.from_dir(directory).encode("##") == [vocabulary["##"]]
    (directory / "merges.txt").write_text("#version: 0.2\n# #\n" + merges, encoding="utf-8")
    assert TextTokenizer.from_dir(directory).encode("##") == [vocabulary["##"]]


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt", "tokenizer_config.json"])
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        TextTokenizer.from_dir(directory)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", '{"a": 0}', "255 of the 256 byte pieces"),
        ("vocab.json", "{", "not readable JSON"),
        ("merges.txt", "a q\n", "merge 'a q' does not fit"),
        ("merges.txt", "aq\n", "merge 'aq' does not fit"),
        ("tokenizer_config.json", "{}", "lacks 'added_tokens_decoder'"),
        (
            "tokenizer_config.json",
            '{"added_tokens_decoder": {"5": {"content": "<|im_start|>"}}}',
            "id 5 of '<|im_start|>' is another piece",
        ),
    ],
)
def test_a_broken_file_is_refused(directory: Path, name: str, content: str, message: str) -> None:
    (directory / name).write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError, match=message.replace("|", r"\|")):
        TextTokenizer.from_dir(directory)


def test_an_unknown_control_token_is_refused(tokenizer: TextTokenizer) -> None:
    with pytest.raises(CheckpointError, match="no added token '<nothing>'"):
        tokenizer.special_id("<nothing>")


def test_filled_up_vocabulary_has_the_official_control_ids(tmp_path: Path) -> None:
    ids = write_tiny_tokenizer(tmp_path, vocab_size=OFFICIAL_VOCAB_SIZE)
    official = {"<|im_start|>": 151644, "<|im_end|>": 151645, "<tts_pad>": 151671}
    assert official.items() <= ids.items()
    assert ids["<|audio_pad|>"] == 151675
    assert TextTokenizer.from_dir(tmp_path).special_id("<tts_text_eod>") == 151673


def test_filling_up_to_less_than_the_words_need_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="vocab_size is 100"):
        write_tiny_tokenizer(tmp_path, vocab_size=100)

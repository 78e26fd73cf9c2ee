"""Writes a small tokenizer in the official files' format, for random and built-in checkpoints.

Every byte is a piece, a few words are single pieces, and the control tokens follow directly. Any
text can be encoded; nothing is learned.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import pre_tokenizers

OFFICIAL_VOCAB_SIZE = 151_643
"""Pieces of the official vocabulary; its first control token has this id."""

CONTROL_TOKENS = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|object_ref_start|>",
    "<|object_ref_end|>",
    "<|box_start|>",
    "<|box_end|>",
    "<|quad_start|>",
    "<|quad_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<tool_call>",
    "</tool_call>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
    "<|audio_start|>",
    "<|audio_end|>",
    "<tts_pad>",
    "<tts_text_bos>",
    "<tts_text_eod>",
    "<tts_text_bos_single>",
    "<|audio_pad|>",
)
"""In the official order (source: tokenizer_config.json of the released checkpoints)."""

_ROLES = ("assistant", "user")
_WORDS = ("Hello", " hello", " world", " the", " voice", "你好", "\n\n")


def write_tiny_tokenizer(
    directory: Path,
    *,
    words: Iterable[str] = _WORDS,
    vocab_size: int | None = None,
) -> dict[str, int]:
    """Writes vocab.json, merges.txt and tokenizer_config.json; returns the ids config.json names.

    Args:
        directory: an existing directory.
        words: texts that become single pieces, beside the two roles.
        vocab_size: fill up with unused pieces to this many, so that the control tokens start
            there; None adds none.

    Returns:
        Ids of the control tokens by content, and of "assistant" and "user".

    Raises:
        ValueError: `vocab_size` is smaller than what the words need.
    """
    vocabulary = {byte: index for index, byte in enumerate(sorted(_alphabet()))}
    merges: list[str] = []
    for word in (*_ROLES, *words):
        _add_word(_as_bytes(word), vocabulary, merges)
    _fill_up(vocabulary, vocab_size)
    control_ids = {token: len(vocabulary) + n for n, token in enumerate(CONTROL_TOKENS)}

    _write_json(directory / "vocab.json", vocabulary)
    (directory / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    _write_json(directory / "tokenizer_config.json", _tokenizer_config(control_ids))
    return {**control_ids, **{role: vocabulary[role] for role in _ROLES}}


def _alphabet() -> list[str]:
    return list(pre_tokenizers.ByteLevel.alphabet())


def _as_bytes(word: str) -> str:
    """Returns the word in the alphabet that byte-level BPE writes bytes in."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return "".join(piece for piece, _ in byte_level.pre_tokenize_str(word))


def _add_word(word: str, vocabulary: dict[str, int], merges: list[str]) -> None:
    """Adds the merges that build `word` from the left, and a piece for each."""
    for end in range(1, len(word)):
        merged = word[: end + 1]
        if merged not in vocabulary:
            vocabulary[merged] = len(vocabulary)
            merges.append(f"{word[:end]} {word[end]}")


def _fill_up(vocabulary: dict[str, int], vocab_size: int | None) -> None:
    if vocab_size is None:
        return
    if vocab_size < len(vocabulary):
        raise ValueError(f"vocab_size is {vocab_size}; the words need {len(vocabulary)}")
    for index in range(len(vocabulary), vocab_size):
        vocabulary[f"<unused{index}>"] = index


def _tokenizer_config(control_ids: dict[str, int]) -> dict[str, object]:
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    return {
        "add_bos_token": False,
        "add_prefix_space": False,
        "added_tokens_decoder": {
            str(index): {"content": content, **flags, "special": True}
            for content, index in control_ids.items()
        },
        "bos_token": None,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>",
        "errors": "replace",
        "model_max_length": 131_072,
        "pad_token": "<|endoftext|>",
        "processor_class": "Qwen3TTSProcessor",
        "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer",
        "unk_token": None,
    }


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

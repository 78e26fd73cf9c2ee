"""A tiny tokenizer, tiny configurations of all kinds, and a reader that turns rows into words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from intone.models.config import ModelConfig
from intone.models.tiny_tokenizer import write_tiny_tokenizer
from intone.prompt.builder import PromptBuilder
from intone.prompt.spec import PromptSpec
from intone.prompt.talker_prompt import TalkerPrompt
from intone.prompt.tokenizer import TextTokenizer

NUM_CODEBOOKS = 3
HIDDEN_SIZE = 8
CODEC_NAMES = {
    -1: ".",
    40: "PAD",
    41: "BOS",
    43: "THINK",
    44: "NOTHINK",
    45: "THINK_BOS",
    46: "THINK_EOS",
    50: "english",
    51: "chinese",
    52: "beijing_dialect",
    60: "ryan",
    61: "dylan",
}


@pytest.fixture(scope="session")
def tokenizer_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tokenizer")
    ids = write_tiny_tokenizer(directory)
    (directory / "ids.json").write_text(json.dumps(ids), encoding="utf-8")
    return directory


@pytest.fixture(scope="session")
def ids(tokenizer_dir: Path) -> dict[str, int]:
    return json.loads((tokenizer_dir / "ids.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def tokenizer(tokenizer_dir: Path) -> TextTokenizer:
    return TextTokenizer.from_dir(tokenizer_dir)


@pytest.fixture(scope="session")
def make_config(ids: dict[str, int]) -> Callable[..., ModelConfig]:
    def make(
        kind: str = "custom_voice", size: str = "1b7", max_positions: int = 512
    ) -> ModelConfig:
        return ModelConfig.from_dict(_config_json(ids, kind, size, max_positions))

    return make


@dataclass(frozen=True)
class Reader:
    """Builds a prompt and writes its rows as "text|codec", one string per row."""

    builder: PromptBuilder
    text_names: dict[int, str]

    def build(self, text: str = "ab", **spec: object) -> TalkerPrompt:
        return self.builder.build(PromptSpec(text=text, **spec))  # type: ignore[arg-type]

    def rows(self, text: str = "ab", **spec: object) -> list[str]:
        prompt = self.build(text, **spec)
        rows = [
            f"{self.text_names[int(text_id)]}|{self._codec(codec_ids)}"
            for text_id, codec_ids in zip(prompt.text_ids, prompt.codec_ids, strict=True)
        ]
        if prompt.speaker_row is not None:
            assert rows[prompt.speaker_row].endswith("|.")
            rows[prompt.speaker_row] = rows[prompt.speaker_row].replace("|.", "|X_VECTOR")
        return rows

    def trailing(self, text: str = "ab", **spec: object) -> str:
        return " ".join(self.text_names[int(i)] for i in self.build(text, **spec).trailing_text_ids)

    def _codec(self, codec_ids: np.ndarray) -> str:
        if (codec_ids[1:] >= 0).any():
            return "+".join(str(code) for code in codec_ids)
        return CODEC_NAMES[int(codec_ids[0])]


@pytest.fixture(scope="session")
def make_reader(
    make_config: Callable[..., ModelConfig], tokenizer: TextTokenizer, ids: dict[str, int]
) -> Callable[..., Reader]:
    names = {index: content for content, index in ids.items()}
    names |= {ids["<tts_pad>"]: "pad", ids["<tts_text_bos>"]: "bos", ids["<tts_text_eod>"]: "eos"}
    names |= {ids["<|im_start|>"]: "im_start", ids["<|im_end|>"]: "im_end"}
    names |= {tokenizer.encode(letter)[0]: letter for letter in "abcdefgxyz"}
    names[tokenizer.encode_role("user")[-1]] = "LF"

    def make(kind: str = "custom_voice", size: str = "1b7", max_positions: int = 512) -> Reader:
        return Reader(PromptBuilder(make_config(kind, size, max_positions), tokenizer), names)

    return make


def _config_json(
    ids: dict[str, int], kind: str, size: str, max_positions: int
) -> dict[str, object]:
    block = {
        "hidden_size": HIDDEN_SIZE,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 4,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "num_code_groups": NUM_CODEBOOKS,
    }
    is_custom = kind == "custom_voice"
    talker = {
        **block,
        "code_predictor_config": {**block, "vocab_size": 32},
        "vocab_size": 64,
        "text_vocab_size": 512,
        "text_hidden_size": 8,
        "max_position_embeddings": max_positions,
        "codec_pad_id": 40,
        "codec_bos_id": 41,
        "codec_eos_token_id": 42,
        "codec_think_id": 43,
        "codec_nothink_id": 44,
        "codec_think_bos_id": 45,
        "codec_think_eos_id": 46,
        "codec_language_id": {"english": 50, "chinese": 51, "beijing_dialect": 52},
        "spk_id": {"ryan": 60, "dylan": 61} if is_custom else {},
        "spk_is_dialect": {"ryan": False, "dylan": "beijing_dialect"} if is_custom else {},
    }
    return {
        "model_type": "qwen3_tts",
        "tts_model_type": kind,
        "tts_model_size": size,
        "talker_config": talker,
        "im_start_token_id": ids["<|im_start|>"],
        "im_end_token_id": ids["<|im_end|>"],
        "assistant_token_id": ids["assistant"],
        "tts_pad_token_id": ids["<tts_pad>"],
        "tts_bos_token_id": ids["<tts_text_bos>"],
        "tts_eos_token_id": ids["<tts_text_eod>"],
    }

"""Frozen configurations, read from the official JSON files; upstream's names are mapped here, once.

Nothing is assumed where the file speaks: upstream's class defaults differ from the released values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intone.core.constants import DEFAULT_MAX_FRAMES
from intone.core.errors import CheckpointError
from intone.core.types import ModelKind, SamplingParams
from intone.models.speaker_encoder_config import SpeakerEncoderConfig

_KINDS: Mapping[str, ModelKind] = {
    "base": "base",
    "custom_voice": "custom",
    "voice_design": "design",
}
_SIZES = {"0b6": "0.6b", "1b7": "1.7b"}
_SMALL = ("0.6b", "builtin")

JsonObject = Mapping[str, Any]


def read_json(path: Path) -> JsonObject:
    """Returns the object in a JSON file.

    Raises:
        CheckpointError: missing, unreadable, or not an object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{path.name} is missing in {path.parent}; a Qwen3-TTS checkpoint directory holds "
            "config.json, model.safetensors, vocab.json, merges.txt and speech_tokenizer/. "
            "Pull it again with `intone models pull`."
        ) from error
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not readable JSON ({error}); pull it again.") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} holds a {type(data).__name__}; expected a JSON object.")
    return data


def field_of(data: JsonObject, key: str, where: str) -> Any:
    """Returns `data[key]`; raises CheckpointError naming the key and the file section."""
    if key not in data:
        raise CheckpointError(
            f"{where} lacks {key!r}; this is not a Qwen3-TTS checkpoint, or it is truncated."
        )
    return data[key]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerConfig:
    """The Qwen3 decoder block's dimensions, shared by talker and code predictor."""

    hidden_size: int
    intermediate_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float

    @classmethod
    def from_dict(cls, data: JsonObject, where: str) -> TransformerConfig:
        """Reads one network's section; raises CheckpointError for what Intone cannot run."""
        if data.get("attention_bias") or data.get("hidden_act", "silu") != "silu":
            raise CheckpointError(f"{where}: only bias-free attention with silu is supported.")
        if data.get("sliding_window") is not None and data.get("use_sliding_window"):
            raise CheckpointError(f"{where}: sliding window attention is not supported.")
        return cls(
            hidden_size=int(field_of(data, "hidden_size", where)),
            intermediate_size=int(field_of(data, "intermediate_size", where)),
            num_layers=int(field_of(data, "num_hidden_layers", where)),
            num_heads=int(field_of(data, "num_attention_heads", where)),
            num_kv_heads=int(field_of(data, "num_key_value_heads", where)),
            head_dim=int(field_of(data, "head_dim", where)),
            rms_norm_eps=float(field_of(data, "rms_norm_eps", where)),
            rope_theta=float(field_of(data, "rope_theta", where)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TalkerConfig:
    """The talker: text and codec ids in, codebook 0 out."""

    block: TransformerConfig
    vocab_size: int
    """Codec ids: 2,048 sounds and the control ids above them."""
    text_vocab_size: int
    text_hidden_size: int
    num_codebooks: int
    max_positions: int
    codec_bos_id: int
    codec_eos_id: int
    codec_pad_id: int
    codec_think_id: int
    codec_nothink_id: int
    codec_think_bos_id: int
    codec_think_eos_id: int
    language_ids: Mapping[str, int]
    """Languages and dialects by lower-case name."""
    speaker_ids: Mapping[str, int]
    """Preset speakers: row of the codec embedding."""
    speaker_dialects: Mapping[str, str | None]
    """Dialect that a preset speaks when the language is Chinese or auto."""

    @property
    def hidden_size(self) -> int:
        return self.block.hidden_size

    @classmethod
    def from_dict(cls, data: JsonObject) -> TalkerConfig:
        where = "config.json: talker_config"
        dialects = data.get("spk_is_dialect") or {}
        speakers = {str(k).lower(): int(v) for k, v in (data.get("spk_id") or {}).items()}
        return cls(
            block=TransformerConfig.from_dict(data, where),
            vocab_size=int(field_of(data, "vocab_size", where)),
            text_vocab_size=int(field_of(data, "text_vocab_size", where)),
            text_hidden_size=int(field_of(data, "text_hidden_size", where)),
            num_codebooks=int(field_of(data, "num_code_groups", where)),
            max_positions=int(field_of(data, "max_position_embeddings", where)),
            codec_bos_id=int(field_of(data, "codec_bos_id", where)),
            codec_eos_id=int(field_of(data, "codec_eos_token_id", where)),
            codec_pad_id=int(field_of(data, "codec_pad_id", where)),
            codec_think_id=int(field_of(data, "codec_think_id", where)),
            codec_nothink_id=int(field_of(data, "codec_nothink_id", where)),
            codec_think_bos_id=int(field_of(data, "codec_think_bos_id", where)),
            codec_think_eos_id=int(field_of(data, "codec_think_eos_id", where)),
            language_ids={
                str(k).lower(): int(v) for k, v in (data.get("codec_language_id") or {}).items()
            },
            speaker_ids=speakers,
            speaker_dialects={name: dialects.get(name) or None for name in speakers},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePredictorConfig:
    """The code predictor: codebooks 1 to K-1, one after the other."""

    block: TransformerConfig
    vocab_size: int
    num_codebooks: int
    input_size: int
    """Width of the talker, from which it is fed."""

    @classmethod
    def from_dict(cls, data: JsonObject, talker_hidden_size: int) -> CodePredictorConfig:
        where = "config.json: talker_config.code_predictor_config"
        return cls(
            block=TransformerConfig.from_dict(data, where),
            vocab_size=int(field_of(data, "vocab_size", where)),
            num_codebooks=int(field_of(data, "num_code_groups", where)),
            input_size=talker_hidden_size,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """One checkpoint's `config.json`."""

    kind: ModelKind
    size: str
    """"0.6b", "1.7b", or the file's own word for another size."""
    talker: TalkerConfig
    code_predictor: CodePredictorConfig
    speaker_encoder: SpeakerEncoderConfig | None
    """Base, and any other kind whose file describes one: then it clones as well."""
    im_start_id: int
    im_end_id: int
    assistant_id: int
    tts_bos_id: int
    tts_eos_id: int
    tts_pad_id: int

    @classmethod
    def from_dict(cls, data: JsonObject) -> ModelConfig:
        """Reads the official object.

        Raises:
            CheckpointError: another model's file, a missing key, or an unknown kind.
        """
        where = "config.json"
        if data.get("model_type") != "qwen3_tts":
            raise CheckpointError(
                f"{where}: model_type is {data.get('model_type')!r}; Intone speaks with "
                "'qwen3_tts' checkpoints. Give the directory of one (see `intone models list`)."
            )
        kind_word = str(field_of(data, "tts_model_type", where))
        if kind_word not in _KINDS:
            raise CheckpointError(
                f"{where}: tts_model_type is {kind_word!r}; known: {', '.join(_KINDS)}."
            )
        talker_data = field_of(data, "talker_config", where)
        talker = TalkerConfig.from_dict(talker_data)
        predictor = CodePredictorConfig.from_dict(
            field_of(talker_data, "code_predictor_config", where), talker.hidden_size
        )
        size_word = str(data.get("tts_model_size", "other"))
        kind = _KINDS[kind_word]
        return cls(
            kind=kind,
            size=_SIZES.get(size_word, size_word),
            talker=talker,
            code_predictor=predictor,
            speaker_encoder=_speaker_encoder(data, kind),
            im_start_id=int(field_of(data, "im_start_token_id", where)),
            im_end_id=int(field_of(data, "im_end_token_id", where)),
            assistant_id=int(field_of(data, "assistant_token_id", where)),
            tts_bos_id=int(field_of(data, "tts_bos_token_id", where)),
            tts_eos_id=int(field_of(data, "tts_eos_token_id", where)),
            tts_pad_id=int(field_of(data, "tts_pad_token_id", where)),
        )

    @property
    def follows_instruct(self) -> bool:
        """Whether an instruct changes anything; small CustomVoice models were not taught to."""
        return self.kind == "design" or (self.kind == "custom" and self.size not in _SMALL)

    @property
    def languages(self) -> tuple[str, ...]:
        """Languages a caller may name; dialects come with a speaker, as upstream has it."""
        names = (name for name in self.talker.language_ids if "dialect" not in name)
        return ("auto", *sorted(names))

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(self.talker.speaker_ids)


def _speaker_encoder(data: JsonObject, kind: ModelKind) -> SpeakerEncoderConfig | None:
    section = data.get("speaker_encoder_config")
    if section is None and kind != "base":
        return None
    return SpeakerEncoderConfig.from_dict(section or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationDefaults:
    """One checkpoint's `generation_config.json`."""

    sampling: SamplingParams
    predictor_sampling: SamplingParams
    max_frames: int

    @classmethod
    def from_dict(cls, data: JsonObject) -> GenerationDefaults:
        """Reads the official object; upstream calls the code predictor "subtalker"."""
        return cls(
            sampling=SamplingParams(
                temperature=float(data.get("temperature", 0.9)),
                top_k=int(data.get("top_k", 50)),
                top_p=float(data.get("top_p", 1.0)),
                repetition_penalty=float(data.get("repetition_penalty", 1.05)),
                greedy=not data.get("do_sample", True),
            ),
            predictor_sampling=SamplingParams(
                temperature=float(data.get("subtalker_temperature", 0.9)),
                top_k=int(data.get("subtalker_top_k", 50)),
                top_p=float(data.get("subtalker_top_p", 1.0)),
                greedy=not data.get("subtalker_dosample", True),
            ),
            max_frames=int(data.get("max_new_tokens", DEFAULT_MAX_FRAMES)),
        )

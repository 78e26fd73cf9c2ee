"""The official JSON files of a checkpoint, written for a given kind and size.

The released dimensions stand here once; "tiny" keeps every feature (grouped heads, a projection
into the code predictor, windows, dialects) in a few hundred kilobytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from intone.core.types import ModelKind

RandomSize = Literal["tiny", "0.6b", "1.7b"]

JsonDict = dict[str, Any]

_KIND_WORDS = {"base": "base", "custom": "custom_voice", "design": "voice_design"}
_SIZE_WORDS = {"tiny": "tiny", "0.6b": "0b6", "1.7b": "1b7"}
_NUM_CONTROL_IDS = 1024

_CONTROL_IDS = {
    "codec_pad_id": 100,
    "codec_bos_id": 101,
    "codec_eos_token_id": 102,
    "codec_think_id": 106,
    "codec_nothink_id": 107,
    "codec_think_bos_id": 108,
    "codec_think_eos_id": 109,
}
"""Offsets above the sounds (official: 2,048 + these)."""

_LANGUAGES = {
    "chinese": 7,
    "english": 2,
    "german": 5,
    "italian": 22,
    "portuguese": 23,
    "spanish": 6,
    "japanese": 10,
    "korean": 16,
    "french": 13,
    "russian": 21,
}
_DIALECTS = {"beijing_dialect": 26, "sichuan_dialect": 14}
_SPEAKERS = {
    "serena": 1018,
    "vivian": 1017,
    "uncle_fu": 962,
    "ryan": 1013,
    "aiden": 813,
    "ono_anna": 825,
    "sohee": 816,
    "eric": 827,
    "dylan": 830,
}
_SPEAKER_DIALECTS = {"eric": "sichuan_dialect", "dylan": "beijing_dialect"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimensions:
    """What differs between sizes; the defaults are what the released ones share."""

    hidden: int
    intermediate: int
    layers: int = 28
    heads: int = 16
    kv_heads: int = 8
    head_dim: int = 128
    mrope_section: tuple[int, int, int] = (24, 20, 20)
    text_hidden: int = 2048
    num_sounds: int = 2048
    """Codes per codebook."""
    num_codebooks: int = 16
    predictor_hidden: int = 1024
    predictor_intermediate: int = 3072
    predictor_layers: int = 5


SIZES: dict[RandomSize, Dimensions] = {
    "0.6b": Dimensions(hidden=1024, intermediate=3072),
    "1.7b": Dimensions(hidden=2048, intermediate=6144),
    "tiny": Dimensions(
        hidden=64,
        intermediate=96,
        layers=3,
        heads=4,
        kv_heads=2,
        head_dim=16,
        mrope_section=(4, 2, 2),
        text_hidden=48,
        num_sounds=64,
        num_codebooks=16,
        predictor_hidden=32,
        predictor_intermediate=64,
        predictor_layers=2,
    ),
}


def model_config(
    kind: ModelKind, size: RandomSize, token_ids: dict[str, int], text_vocab_size: int
) -> JsonDict:
    """Returns the object of `config.json`."""
    config: JsonDict = {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_size": _SIZE_WORDS[size],
        "tts_model_type": _KIND_WORDS[kind],
        "im_start_token_id": token_ids["<|im_start|>"],
        "im_end_token_id": token_ids["<|im_end|>"],
        "assistant_token_id": token_ids["assistant"],
        "tts_pad_token_id": token_ids["<tts_pad>"],
        "tts_bos_token_id": token_ids["<tts_text_bos>"],
        "tts_eos_token_id": token_ids["<tts_text_eod>"],
        "talker_config": _talker_config(kind, SIZES[size], text_vocab_size),
        "transformers_version": "4.57.3",
    }
    if kind == "base":
        config["speaker_encoder_config"] = _speaker_encoder_config(size)
    return config


def _talker_config(kind: ModelKind, d: Dimensions, text_vocab_size: int) -> JsonDict:
    is_custom = kind == "custom"
    languages = {**_LANGUAGES, **_DIALECTS} if is_custom else _LANGUAGES
    speakers = _SPEAKERS if is_custom else {}
    return {
        **_block(d.hidden, d.intermediate, d.layers, d.heads, d.kv_heads, d.head_dim),
        "model_type": "qwen3_tts_talker",
        "vocab_size": d.num_sounds + _NUM_CONTROL_IDS,
        "text_vocab_size": text_vocab_size,
        "text_hidden_size": d.text_hidden,
        "num_code_groups": d.num_codebooks,
        "max_position_embeddings": 32768,
        "position_id_per_seconds": 13,
        "rope_scaling": {
            "interleaved": True,
            "mrope_section": list(d.mrope_section),
            "rope_type": "default",
            "type": "default",
        },
        **{name: d.num_sounds + offset for name, offset in _CONTROL_IDS.items()},
        "codec_language_id": {name: d.num_sounds + id for name, id in languages.items()},
        "spk_id": {name: d.num_sounds + id for name, id in speakers.items()},
        "spk_is_dialect": {name: _SPEAKER_DIALECTS.get(name, False) for name in speakers},
        "pad_token_id": d.num_sounds + _CONTROL_IDS["codec_pad_id"],
        "code_predictor_config": {
            **_block(
                d.predictor_hidden,
                d.predictor_intermediate,
                d.predictor_layers,
                d.heads,
                d.kv_heads,
                d.head_dim,
            ),
            "model_type": "qwen3_tts_talker_code_predictor",
            "vocab_size": d.num_sounds,
            "num_code_groups": d.num_codebooks,
            "max_position_embeddings": 65536,
            "layer_types": ["full_attention"] * d.predictor_layers,
            "rope_scaling": None,
        },
    }


def _block(
    hidden: int, intermediate: int, layers: int, heads: int, kv_heads: int, head_dim: int
) -> JsonDict:
    return {
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "attention_bias": False,
        "attention_dropout": 0,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000,
        "sliding_window": None,
        "use_sliding_window": False,
        "use_cache": True,
    }


def _speaker_encoder_config(size: RandomSize) -> JsonDict:
    config: JsonDict = {"enc_dim": SIZES[size].hidden, "sample_rate": 24000}
    if size == "tiny":
        config |= {
            "enc_channels": [32, 32, 32, 32, 96],
            "enc_attention_channels": 16,
            "enc_se_channels": 16,
        }
    return config


def generation_config() -> JsonDict:
    """Returns the object of `generation_config.json`, the released values."""
    return {
        "do_sample": True,
        "repetition_penalty": 1.05,
        "temperature": 0.9,
        "top_p": 1.0,
        "top_k": 50,
        "subtalker_dosample": True,
        "subtalker_temperature": 0.9,
        "subtalker_top_p": 1.0,
        "subtalker_top_k": 50,
        "max_new_tokens": 8192,
    }


def codec_config(size: RandomSize) -> JsonDict:
    """Returns the object of `speech_tokenizer/config.json`."""
    d = SIZES[size]
    is_tiny = size == "tiny"
    return {
        "architectures": ["Qwen3TTSTokenizerV2Model"],
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_valid_num_quantizers": d.num_codebooks,
        "input_sample_rate": 24000,
        "output_sample_rate": 24000,
        "decode_upsample_rate": 1920,
        "encode_downsample_rate": 1920,
        "decoder_config": _codec_decoder(d, is_tiny),
        "encoder_config": _codec_encoder(d, is_tiny),
        "transformers_version": "4.57.3",
    }


def _codec_decoder(d: Dimensions, is_tiny: bool) -> JsonDict:
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "latent_dim": 32 if is_tiny else 1024,
        "codebook_dim": 32 if is_tiny else 512,
        "codebook_size": d.num_sounds,
        "decoder_dim": 32 if is_tiny else 1536,
        "hidden_act": "silu",
        "hidden_size": 32 if is_tiny else 512,
        "intermediate_size": 48 if is_tiny else 1024,
        "layer_scale_initial_scale": 0.01,
        "max_position_embeddings": 8000,
        "head_dim": 8 if is_tiny else 64,
        "num_attention_heads": 4 if is_tiny else 16,
        "num_hidden_layers": 2 if is_tiny else 8,
        "num_key_value_heads": 4 if is_tiny else 16,
        "num_quantizers": d.num_codebooks,
        "num_semantic_quantizers": 1,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000,
        "semantic_codebook_size": 4096,
        "sliding_window": 12 if is_tiny else 72,
        "upsample_rates": [8, 5, 4, 3],
        "upsampling_ratios": [2, 2],
        "vector_quantization_hidden_dimension": 512,
    }


def _codec_encoder(d: Dimensions, is_tiny: bool) -> JsonDict:
    return {
        "_frame_rate": 12.5,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "audio_channels": 1,
        "codebook_dim": 16 if is_tiny else 256,
        "codebook_size": d.num_sounds,
        "compress": 2,
        "dilation_growth_rate": 2,
        "head_dim": 8 if is_tiny else 64,
        "hidden_act": "gelu",
        "hidden_size": 32 if is_tiny else 512,
        "initializer_range": 0.02,
        "intermediate_size": 64 if is_tiny else 2048,
        "kernel_size": 7,
        "last_kernel_size": 3,
        "layer_scale_initial_scale": 0.01,
        "max_position_embeddings": 8000,
        "norm_eps": 1e-05,
        "normalize": False,
        "num_attention_heads": 4 if is_tiny else 8,
        "num_filters": 4 if is_tiny else 64,
        "num_hidden_layers": 2 if is_tiny else 8,
        "num_key_value_heads": 4 if is_tiny else 8,
        "num_quantizers": 2 * d.num_codebooks,
        "num_residual_layers": 1,
        "num_semantic_quantizers": 1,
        "pad_mode": "constant",
        "residual_kernel_size": 3,
        "rope_theta": 10000.0,
        "sampling_rate": 24000,
        "sliding_window": 250,
        "trim_right_ratio": 1.0,
        "upsample_groups": 32 if is_tiny else 512,
        "upsampling_ratios": [8, 6, 5, 4],
        "use_cache": False,
        "use_causal_conv": True,
        "use_conv_shortcut": False,
        "use_streaming": False,
        "vector_quantization_hidden_dimension": 16 if is_tiny else 256,
    }


def preprocessor_config() -> JsonDict:
    """Returns the object of `speech_tokenizer/preprocessor_config.json`."""
    return {
        "chunk_length_s": None,
        "feature_extractor_type": "EncodecFeatureExtractor",
        "feature_size": 1,
        "overlap": None,
        "padding_side": "right",
        "padding_value": 0.0,
        "return_attention_mask": True,
        "sampling_rate": 24000,
    }

"""The built-in voice's dimensions, as the official JSON files spell them."""

from __future__ import annotations

from typing import Any

NUM_CODEBOOKS = 6
CODEBOOK_SIZE = 512
PHONEMES = " !,.?AIOWYbdfhijklmnpstuvwzæðŋɑɔəɛɜɡɪɹɾʃʊʌʒʤʧˈˌθᵊᵻ"
"""What the sound codes count: the teacher's spelling of American English, silence first."""
PRESETS = {"ava": "af_heart", "bella": "af_bella", "michael": "am_michael", "fenrir": "am_fenrir"}
"""Preset speakers, and the teacher's voices they were learnt from."""

_CONTROL_ROWS = 1024
"""Upstream bans the last 1,024 codec ids but the end id from sampling; so that many stand there."""


def codec_json() -> dict[str, Any]:
    """Returns `speech_tokenizer/config.json`."""
    return {
        "architectures": ["Qwen3TTSTokenizerV2Model"],
        "model_type": "qwen3_tts_tokenizer_12hz",
        "encoder_valid_num_quantizers": NUM_CODEBOOKS,
        "input_sample_rate": 24000,
        "output_sample_rate": 24000,
        "decode_upsample_rate": 1920,
        "encode_downsample_rate": 1920,
        "decoder_config": _decoder_json(),
        "encoder_config": _encoder_json(),
    }


def _decoder_json() -> dict[str, Any]:
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "latent_dim": 256,
        "codebook_dim": 256,
        "codebook_size": CODEBOOK_SIZE,
        "decoder_dim": 128,
        "hidden_act": "silu",
        "hidden_size": 256,
        "intermediate_size": 512,
        "layer_scale_initial_scale": 0.1,
        "max_position_embeddings": 8000,
        "head_dim": 64,
        "num_attention_heads": 4,
        "num_hidden_layers": 1,
        "num_key_value_heads": 4,
        "num_quantizers": NUM_CODEBOOKS,
        "num_semantic_quantizers": 1,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000,
        "semantic_codebook_size": CODEBOOK_SIZE,
        "sliding_window": 72,
        "upsample_rates": [8, 5, 4, 3],
        "upsampling_ratios": [2, 2],
        "vector_quantization_hidden_dimension": 256,
    }


def _encoder_json() -> dict[str, Any]:
    """Returns a Mimi encoder's section: read by loaders, though no encoder is shipped."""
    return {
        "_frame_rate": 12.5,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "audio_channels": 1,
        "codebook_dim": 128,
        "codebook_size": CODEBOOK_SIZE,
        "compress": 2,
        "dilation_growth_rate": 2,
        "head_dim": 32,
        "hidden_act": "gelu",
        "hidden_size": 128,
        "intermediate_size": 512,
        "kernel_size": 7,
        "last_kernel_size": 3,
        "layer_scale_initial_scale": 0.01,
        "max_position_embeddings": 8000,
        "norm_eps": 1e-5,
        "normalize": False,
        "num_attention_heads": 4,
        "num_filters": 16,
        "num_hidden_layers": 2,
        "num_key_value_heads": 4,
        "num_quantizers": NUM_CODEBOOKS,
        "num_residual_layers": 1,
        "num_semantic_quantizers": 1,
        "pad_mode": "constant",
        "residual_kernel_size": 3,
        "rope_theta": 10000.0,
        "sampling_rate": 24000,
        "sliding_window": 250,
        "trim_right_ratio": 1.0,
        "upsample_groups": 128,
        "upsampling_ratios": [8, 6, 5, 4],
        "use_cache": False,
        "use_causal_conv": True,
        "use_conv_shortcut": False,
        "vector_quantization_hidden_dimension": 128,
    }


def model_json(token_ids: dict[str, int], text_vocab_size: int) -> dict[str, Any]:
    """Returns `config.json`, given the ids of the control tokens and of "assistant"."""
    return {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_size": "builtin",
        "tts_model_type": "custom_voice",
        "assistant_token_id": token_ids["assistant"],
        "im_start_token_id": token_ids["<|im_start|>"],
        "im_end_token_id": token_ids["<|im_end|>"],
        "tts_pad_token_id": token_ids["<tts_pad>"],
        "tts_bos_token_id": token_ids["<tts_text_bos>"],
        "tts_eos_token_id": token_ids["<tts_text_eod>"],
        "talker_config": _talker_json(text_vocab_size),
    }


def _talker_json(text_vocab_size: int) -> dict[str, Any]:
    first = CODEBOOK_SIZE
    return {
        **_blocks_json(hidden=256, inner=768, layers=5, heads=4),
        "model_type": "qwen3_tts_talker",
        # Read by the public package; its three position rows are equal, so this is plain RoPE.
        "rope_scaling": {
            "interleaved": True,
            "mrope_section": [12, 10, 10],
            "rope_type": "default",
            "type": "default",
        },
        "max_position_embeddings": 4096,
        "num_code_groups": NUM_CODEBOOKS,
        "position_id_per_seconds": 13,
        "text_hidden_size": 256,
        "text_vocab_size": text_vocab_size,
        "vocab_size": CODEBOOK_SIZE + _CONTROL_ROWS,
        "codec_pad_id": first,
        "codec_bos_id": first + 1,
        "codec_eos_token_id": first + 2,
        "codec_think_id": first + 3,
        "codec_nothink_id": first + 4,
        "codec_think_bos_id": first + 5,
        "codec_think_eos_id": first + 6,
        "codec_language_id": {"english": first + 7},
        "spk_id": {name: first + 8 + i for i, name in enumerate(PRESETS)},
        "spk_is_dialect": dict.fromkeys(PRESETS, False),
        "code_predictor_config": {
            **_blocks_json(hidden=192, inner=448, layers=2, heads=3),
            "model_type": "qwen3_tts_talker_code_predictor",
            "max_position_embeddings": 64,
            "num_code_groups": NUM_CODEBOOKS,
            "vocab_size": CODEBOOK_SIZE,
        },
    }


def _blocks_json(hidden: int, inner: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "head_dim": 64,
        "hidden_act": "silu",
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": heads,
        "rms_norm_eps": 1e-6,
        "rope_scaling": None,
        "rope_theta": 10000,
        "sliding_window": None,
        "use_sliding_window": False,
    }


def generation_json() -> dict[str, Any]:
    """Returns `generation_config.json`."""
    return {
        "do_sample": True,
        "temperature": 0.3,
        "top_k": 50,
        "top_p": 1.0,
        "repetition_penalty": 1.0,
        "subtalker_dosample": True,
        "subtalker_temperature": 0.3,
        "subtalker_top_k": 50,
        "subtalker_top_p": 1.0,
        "max_new_tokens": 400,
    }

"""Writes the goldens of codec and speaker encoder. For the public package's own environment only.

    .venv-oracle/bin/python tests/oracle/make_codec_goldens.py tests/golden

Each file holds one tiny network with random weights, its input, what upstream computes, and the
configuration as JSON. This file must not import intone: it is the other side of the comparison.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers  # noqa: F401  (looks for torchaudio on import: must come before the stand-in)
from safetensors.torch import save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent))
from upstream import provide_torchaudio

NUM_FRAMES = 90
"""More than the transformer's window of 72."""
KEPT_FRAMES = (*range(3), *range(70, 75), 89)
CLIP_SAMPLES = (1, 1921, 253_440)
"""One sample, one more than a frame, and 10.6 s: more than the 250 steps that the encoder's
configuration calls its window, and that upstream does not apply."""

DECODER = {
    "attention_bias": False,
    "attention_dropout": 0.0,
    "latent_dim": 24,
    "codebook_dim": 16,
    "codebook_size": 32,
    "decoder_dim": 32,
    "hidden_act": "silu",
    "hidden_size": 16,
    "intermediate_size": 24,
    "layer_scale_initial_scale": 0.01,
    "max_position_embeddings": 8000,
    "head_dim": 8,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "num_quantizers": 8,
    "num_semantic_quantizers": 1,
    "rms_norm_eps": 1e-05,
    "rope_theta": 10000,
    "semantic_codebook_size": 64,
    "sliding_window": 72,
    "upsample_rates": [8, 5, 4, 3],
    "upsampling_ratios": [2, 2],
    "vector_quantization_hidden_dimension": 16,
}
ENCODER = {
    "_frame_rate": 12.5,
    "attention_bias": False,
    "attention_dropout": 0.0,
    "audio_channels": 1,
    "codebook_dim": 12,
    "codebook_size": 32,
    "compress": 2,
    "dilation_growth_rate": 2,
    "head_dim": 8,
    "hidden_act": "gelu",
    "hidden_size": 16,
    "intermediate_size": 24,
    "kernel_size": 7,
    "last_kernel_size": 3,
    "layer_scale_initial_scale": 0.01,
    "max_position_embeddings": 8000,
    "norm_eps": 1e-05,
    "num_attention_heads": 2,
    "num_filters": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "num_quantizers": 10,
    "num_residual_layers": 1,
    "num_semantic_quantizers": 1,
    "pad_mode": "constant",
    "residual_kernel_size": 3,
    "rope_theta": 10000.0,
    "sampling_rate": 24000,
    "sliding_window": 250,
    "trim_right_ratio": 1.0,
    "upsample_groups": 16,
    "upsampling_ratios": [8, 6, 5, 4],
    "use_cache": False,
    "use_causal_conv": True,
    "use_conv_shortcut": False,
    "use_streaming": False,
    "vector_quantization_hidden_dimension": 12,
}
CODEC = {
    "model_type": "qwen3_tts_tokenizer_12hz",
    "encoder_valid_num_quantizers": 8,
    "input_sample_rate": 24000,
    "output_sample_rate": 24000,
    "decode_upsample_rate": 1920,
    "encode_downsample_rate": 1920,
    "decoder_config": DECODER,
    "encoder_config": ENCODER,
}
SPEAKER = {
    "enc_dim": 24,
    "enc_channels": [16, 16, 16, 16, 48],
    "enc_attention_channels": 8,
    "enc_res2net_scale": 4,
    "enc_se_channels": 8,
}


def clip(num_samples: int) -> Tensor:
    """Returns a random walk, [1, S], exact on every machine: integers from a frozen generator."""
    steps = np.random.RandomState(7).randint(-600, 601, size=num_samples)
    walk = np.cumsum(steps) % 32_768 - 16_384
    return torch.from_numpy(walk.astype(np.float32) / 32_768)[None]


@torch.no_grad()
def randomise(network: nn.Module, gain: float = 0.8, bias: float = 0.2) -> None:
    """Draws weights under which every part of the network matters to its output."""
    for name, tensor in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith(("inv_freq", "initialized", "stride", "kernel_size", "padding_total")):
            continue
        if name.endswith(("cluster_usage", "scale")):
            tensor.uniform_(0.2, 1.0)
        elif name.endswith(("embedding_sum", "embed_sum")):
            tensor.normal_()
        elif name.endswith("norm.weight"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.dim() == 1:
            tensor.normal_(0.0, bias)
        else:
            tensor.normal_(0.0, gain * tensor[0].numel() ** -0.5)


def codec() -> Any:
    from qwen_tts.core.tokenizer_12hz import configuration_qwen3_tts_tokenizer_v2 as configuration
    from qwen_tts.core.tokenizer_12hz import modeling_qwen3_tts_tokenizer_v2 as modeling

    config = configuration.Qwen3TTSTokenizerV2Config(**json.loads(json.dumps(CODEC)))
    model = modeling.Qwen3TTSTokenizerV2Model._from_config(config).eval()
    randomise(model.decoder)
    randomise(model.encoder, gain=1.5, bias=0.02)
    randomise(model.encoder.encoder_transformer, gain=2.5)
    return model


def decoder_golden(model: Any) -> dict[str, Tensor]:
    codes = torch.randint(0, DECODER["codebook_size"], (2, DECODER["num_quantizers"], NUM_FRAMES))
    last = model.decoder.decoder[-1].conv
    last.weight.mul_(0.25)
    frames = model.decoder(codes).squeeze(1).unflatten(1, (NUM_FRAMES, -1))
    share = (frames.abs() == 1.0).float().mean().item()
    print(f"decoder: rms {frames.square().mean().sqrt():.3f}, clipped {share:.4f}")
    return {"codes": codes.to(torch.uint8), "samples": frames[:, KEPT_FRAMES].contiguous()}


def encode(model: Any, samples: Tensor) -> Tensor:
    """[1, S] -> codes [K, F]."""
    return model.encode(samples, torch.ones_like(samples, dtype=torch.long)).audio_codes[0].T


def encoder_golden(model: Any) -> dict[str, Tensor]:
    result = {}
    for num_samples in CLIP_SAMPLES:
        samples = clip(num_samples)
        codes = encode(model, samples)
        again = encode(model, samples + 2e-7 * torch.randn_like(samples))
        if not torch.equal(codes, again):
            raise SystemExit("a code hangs on rounding; take another seed")
        print(f"encoder: {num_samples} samples, {codes.unique().numel()} different codes")
        result[f"codes_{num_samples}"] = codes.to(torch.uint8).contiguous()
    return result


def speaker_golden() -> tuple[nn.Module, dict[str, Tensor]]:
    from qwen_tts.core.models import modeling_qwen3_tts as modeling
    from qwen_tts.core.models.configuration_qwen3_tts import Qwen3TTSSpeakerEncoderConfig

    network = modeling.Qwen3TTSSpeakerEncoder(Qwen3TTSSpeakerEncoderConfig(**SPEAKER)).eval()
    randomise(network)
    mel = modeling.mel_spectrogram(clip(24_000), 1024, 128, 24_000, 256, 1024, 0, 12_000)
    mel = mel.transpose(1, 2).contiguous()
    return network, {"mel": mel, "x_vector": network(mel)}


def save(
    directory: Path, name: str, weights: dict[str, Tensor], data: dict[str, Tensor], config: Any
) -> None:
    tensors = {f"weights.{key}": value.contiguous() for key, value in weights.items()}
    path = directory / f"{name}.safetensors"
    save_file(tensors | data, path, metadata={"config": json.dumps(config)})
    print(f"{path.name}: {path.stat().st_size} bytes")


@torch.no_grad()
def main() -> None:
    (directory,) = map(Path, sys.argv[1:])
    provide_torchaudio()
    torch.set_num_threads(1)
    torch.manual_seed(22)
    model = codec()
    save(directory, "codec_decoder", model.decoder.state_dict(), decoder_golden(model), CODEC)
    save(directory, "codec_encoder", model.encoder.state_dict(), encoder_golden(model), CODEC)
    network, data = speaker_golden()
    save(directory, "speaker_encoder", network.state_dict(), data, SPEAKER)


if __name__ == "__main__":
    main()

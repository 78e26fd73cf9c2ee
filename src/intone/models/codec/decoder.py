"""The codec decoder: codes to samples, whole or frame after frame.

Every layer is causal, so a stream is continued exactly from what its layers remember; there is no
overlap to decode again. After upstream's `modeling_qwen3_tts_tokenizer_v2.py` (Apache-2.0).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.models.codec.config import CodecDecoderConfig
from intone.models.codec.conv import Causal, CausalConv1d, CausalConvTranspose1d
from intone.models.codec.quantizer import ResidualCodebooks, SplitQuantizer
from intone.models.codec.snake import SnakeBeta
from intone.models.codec.state import CodecState
from intone.models.codec.transformer import (
    GatedMlp,
    KeyValueWindow,
    TransformerLayer,
    attention_context,
)


class FrameTransformer(nn.Module):
    """Windowed attention over frames, between projections from and to the latent width."""

    def __init__(self, config: CodecDecoderConfig) -> None:
        super().__init__()
        block = config.transformer
        self.config = block
        self.window = config.window_frames
        self.layers = nn.ModuleList(
            TransformerLayer(block, nn.RMSNorm, GatedMlp(block)) for _ in range(block.num_layers)
        )
        self.norm = nn.RMSNorm(block.hidden_size, eps=block.norm_eps)
        self.input_proj = nn.Linear(config.latent_dim, block.hidden_size)
        self.output_proj = nn.Linear(block.hidden_size, config.latent_dim)

    def new_state(self, batch: int, like: Tensor) -> tuple[KeyValueWindow, ...]:
        """Returns empty windows, one per layer."""
        shape = (batch, self.config.num_kv_heads, self.window - 1, self.config.head_dim)
        return tuple(
            KeyValueWindow(like.new_zeros(shape), like.new_zeros(shape)) for _ in self.layers
        )

    def forward(
        self, x: Tensor, position: Tensor, windows: tuple[KeyValueWindow, ...] | None = None
    ) -> Tensor:
        """[B, F, latent] -> [B, F, latent], the first frame being number `position` [B]."""
        num_kept = 0 if windows is None else self.window - 1
        block = self.config
        context = attention_context(
            position, x.shape[1], num_kept, self.window, block.head_dim, block.rope_theta
        )
        x = self.input_proj(x)
        for layer, kept in zip(self.layers, windows or [None] * len(self.layers), strict=True):
            x = layer(x, context, kept)
        return self.output_proj(self.norm(x))


class ConvNeXtBlock(Causal):
    """Depthwise convolution, then a feed-forward over channels, as a residual."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = CausalConv1d(dim, dim, 7, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        return self.dwconv.new_history(batch, like)

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        y = self.norm(self.dwconv(x, history).transpose(1, 2))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.transpose(1, 2)


class ResidualUnit(Causal):
    """Snake, dilated convolution, Snake, 1x1 convolution, as a residual."""

    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        self.act1 = SnakeBeta(dim)
        self.conv1 = CausalConv1d(dim, dim, 7, dilation=dilation)
        self.act2 = SnakeBeta(dim)
        self.conv2 = CausalConv1d(dim, dim, 1)

    def new_history(self, batch: int, like: Tensor) -> Tensor:
        return self.conv1.new_history(batch, like)

    def forward(self, x: Tensor, history: Tensor | None = None) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        return self.conv2(self.act2(self.conv1(self.act1(x), history))).add_(x)


class WaveBlock(nn.Module):
    """Upsamples by `rate` to half the width, then three residual units, ever wider in time."""

    def __init__(self, in_dim: int, out_dim: int, rate: int) -> None:
        super().__init__()
        self.block = nn.ModuleList(
            [
                SnakeBeta(in_dim),
                CausalConvTranspose1d(in_dim, out_dim, 2 * rate, rate),
                *(ResidualUnit(out_dim, dilation) for dilation in (1, 3, 9)),
            ]
        )


class CodecDecoder(nn.Module):
    """Codes to samples. `state_dict` names are the official ones below "decoder."."""

    def __init__(self, config: CodecDecoderConfig) -> None:
        super().__init__()
        self.config = config
        latent, dim = config.latent_dim, config.decoder_dim
        self.quantizer = SplitQuantizer(config)
        self.pre_conv = CausalConv1d(config.codebook_dim, latent, 3)
        self.pre_transformer = FrameTransformer(config)
        self.upsample = nn.ModuleList(
            nn.ModuleList(
                [CausalConvTranspose1d(latent, latent, rate, rate), ConvNeXtBlock(latent)]
            )
            for rate in config.frame_upsampling
        )
        layers: list[nn.Module] = [CausalConv1d(latent, dim, 7)]
        for rate in config.wave_upsampling:
            layers.append(WaveBlock(dim, dim // 2, rate))
            dim //= 2
        self.decoder = nn.ModuleList([*layers, SnakeBeta(dim), CausalConv1d(dim, 1, 7)])

    def pack(self) -> None:
        """Lays the convolutions' weights out for inference; names, shapes and values stay."""
        for module in self.modules():
            if isinstance(module, CausalConv1d | CausalConvTranspose1d):
                module.pack()

    def fold(self) -> None:
        """Computes once what depends on the weights alone; they must not change afterwards.

        A quarter fewer operations, all of them small: these count where a step is short.
        """
        for module in self.modules():
            if isinstance(module, SnakeBeta | ResidualCodebooks):
                module.fold()

    def new_state(
        self,
        batch: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> CodecState:
        """Returns the state before a stream's first frame; by default where the weights are."""
        weight = self.pre_conv.conv.weight
        like = torch.empty(0, device=device or weight.device, dtype=dtype or weight.dtype)
        return CodecState(
            position=torch.zeros(batch, dtype=torch.int64, device=like.device),
            attention=self.pre_transformer.new_state(batch, like),
            histories=tuple(
                layer.new_history(batch, like)
                for layer in (self.pre_conv, *self._wave_layers())
                if isinstance(layer, Causal)
            ),
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Decodes whole takes: int64 codes [B, K, F] -> samples [B, F * 1920] in [-1, 1]."""
        return self._decode(codes, codes.new_zeros(1), None, itertools.repeat(None))

    @torch.inference_mode()
    def step(self, codes: Tensor, state: CodecState) -> Tensor:
        """Continues streams: codes [B, K, F] -> their own samples [B, F * 1920] in [-1, 1].

        `state` is brought up to date in place. Any cutting into chunks gives what `forward` gives.
        """
        samples = self._decode(codes, state.position, state.attention, iter(state.histories))
        state.position.add_(codes.shape[-1])
        return samples

    def _decode(
        self,
        codes: Tensor,
        position: Tensor,
        windows: tuple[KeyValueWindow, ...] | None,
        histories: Iterator[Tensor | None],
    ) -> Tensor:
        if codes.shape[1] != self.config.num_codebooks:
            raise ValueError(
                f"codes have {codes.shape[1]} codebooks; this codec has {self.config.num_codebooks}"
            )
        x = self.pre_conv(self.quantizer(codes), next(histories))
        x = self.pre_transformer(x.transpose(1, 2), position, windows).transpose(1, 2)
        for layer in self._wave_layers():
            x = layer(x, next(histories)) if isinstance(layer, Causal) else layer(x)
        return x.squeeze(1).clamp(-1.0, 1.0)

    def _wave_layers(self) -> Iterator[nn.Module]:
        """Yields what follows the transformer, in running order."""
        for stage in self.upsample:
            yield from cast(nn.ModuleList, stage)
        for layer in self.decoder:
            yield from layer.block if isinstance(layer, WaveBlock) else (layer,)

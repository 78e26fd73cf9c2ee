"""The causal transformer of both codec halves: rotary attention and LayerScale, pre-norm.

The halves differ in norm (RMS or Layer) and feed-forward (gated silu or gelu), which the caller
builds. Attention may be limited to a window, and then be continued chunk after chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.models.codec.config import CodecTransformerConfig


@dataclass(frozen=True, slots=True)
class KeyValueWindow:
    """The keys and values of one layer's last `window - 1` frames, [B, N, window - 1, D] each."""

    keys: Tensor
    values: Tensor

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the kept frames followed by the new ones, and keeps the latest."""
        kept = self.keys.shape[2]
        keys = torch.cat((self.keys, keys), dim=2)
        values = torch.cat((self.values, values), dim=2)
        self.keys.copy_(keys[:, :, keys.shape[2] - kept :])
        self.values.copy_(values[:, :, values.shape[2] - kept :])
        return keys, values


@dataclass(frozen=True, slots=True)
class AttentionContext:
    """What all layers share in one pass: rotation of the new frames, and who sees whom."""

    cos: Tensor
    """[B, 1, T, D]; the sine's first half is negated, see `_rotate`."""
    sin: Tensor
    mask: Tensor
    """True where a new frame sees a kept or new one, [B, 1, T, kept + T]."""


def attention_context(
    position: Tensor, num_new: int, num_kept: int, window: int | None, head_dim: int, theta: float
) -> AttentionContext:
    """Builds the context of `num_new` frames from `position` [B] on, after `num_kept` kept ones."""
    device = position.device
    offset = torch.arange(-num_kept, num_new, device=device)
    seen_at, seen_from = position[:, None] + offset, position[:, None] + offset[num_kept:]
    age = seen_from[:, :, None] - seen_at[:, None, :]
    mask = (age >= 0) & (seen_at >= 0)[:, None, :]
    if window is not None:
        mask &= age < window
    exponent = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
    angle = seen_from[:, None, :, None].float() * (1.0 / theta**exponent)
    sin = angle.sin()
    return AttentionContext(
        torch.cat((angle.cos(),) * 2, dim=-1), torch.cat((-sin, sin), dim=-1), mask[:, None]
    )


def _rotate(x: Tensor, context: AttentionContext) -> Tensor:
    """Rotates pairs (i, i + D/2); [B, N, T, D]."""
    swapped = x.roll(x.shape[-1] // 2, dims=-1)
    return x * context.cos.to(x.dtype) + swapped * context.sin.to(x.dtype)


class Attention(nn.Module):
    """Causal self-attention with rotary positions; key and value heads may be shared."""

    def __init__(self, config: CodecTransformerConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        width, bias = config.num_heads * config.head_dim, config.has_attention_bias
        kv_width = config.num_kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=bias)
        self.k_proj = nn.Linear(config.hidden_size, kv_width, bias=bias)
        self.v_proj = nn.Linear(config.hidden_size, kv_width, bias=bias)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=bias)

    def forward(self, x: Tensor, context: AttentionContext, kept: KeyValueWindow | None) -> Tensor:
        """[B, T, H] -> [B, T, H]."""
        query, key = (self._heads(proj(x)) for proj in (self.q_proj, self.k_proj))
        query, key = _rotate(query, context), _rotate(key, context)
        value = self._heads(self.v_proj(x))
        if kept is not None:
            key, value = kept.extend(key, value)
        y = F.scaled_dot_product_attention(
            query, key, value, attn_mask=context.mask, enable_gqa=key.shape[1] != query.shape[1]
        )
        return self.o_proj(y.transpose(1, 2).flatten(2))

    def _heads(self, x: Tensor) -> Tensor:
        """[B, T, N * D] -> [B, N, T, D]."""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)


class LayerScale(nn.Module):
    """A learnt factor per channel on a residual branch (arXiv 2103.17239)."""

    def __init__(self, size: int, init: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((size,), init))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * x


class GatedMlp(nn.Module):
    """Gated silu feed-forward, without biases."""

    def __init__(self, config: CodecTransformerConfig) -> None:
        super().__init__()
        hidden, inner = config.hidden_size, config.intermediate_size
        self.gate_proj = nn.Linear(hidden, inner, bias=False)
        self.up_proj = nn.Linear(hidden, inner, bias=False)
        self.down_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class GeluMlp(nn.Module):
    """Gelu feed-forward, without biases."""

    def __init__(self, config: CodecTransformerConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class TransformerLayer(nn.Module):
    """Attention, then feed-forward, each normed before and scaled after."""

    def __init__(
        self, config: CodecTransformerConfig, norm: type[nn.RMSNorm | nn.LayerNorm], mlp: nn.Module
    ) -> None:
        super().__init__()
        size = config.hidden_size
        self.self_attn = Attention(config)
        self.mlp = mlp
        self.input_layernorm = norm(size, eps=config.norm_eps)
        self.post_attention_layernorm = norm(size, eps=config.norm_eps)
        self.self_attn_layer_scale = LayerScale(size, config.layer_scale_init)
        self.mlp_layer_scale = LayerScale(size, config.layer_scale_init)

    def forward(
        self, x: Tensor, context: AttentionContext, kept: KeyValueWindow | None = None
    ) -> Tensor:
        """[B, T, H] -> [B, T, H]."""
        x = x + self.self_attn_layer_scale(self.self_attn(self.input_layernorm(x), context, kept))
        return x + self.mlp_layer_scale(self.mlp(self.post_attention_layernorm(x)))

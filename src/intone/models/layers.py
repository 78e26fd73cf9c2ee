"""The Qwen3 decoder block that talker and code predictor share.

Query, key and value projections are one matrix, gate and up another: fewer, larger reads per step.
`weights.py` joins the official tensors on loading and splits them on saving.

Source: upstream `modeling_qwen3_tts.py` (Qwen3TTSTalkerDecoderLayer, Qwen3TTSDecoderLayer). Its
"interleaved" multimodal RoPE has three equal position rows and so is plain one-dimensional NeoX
rotation, which is what stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from intone.models.config import TransformerConfig


class Attention(Protocol):
    """How one layer's new queries meet the keys and values seen so far.

    The block hands over rotated queries [B, T, N, D] and keys and values [B, T, N_kv, D] and gets
    the attended values [B, T, N * D] back. Who keeps the cache, and how, is the runtime's business.
    """

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor: ...


class CausalAttention:
    """Each row sees itself and the rows before it; nothing is kept. For training and references."""

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return causal_attention(q, k, v)


class PackedAttention:
    """Sequences one after the other in one row: each sees itself alone, and nothing is padding."""

    def __init__(self, lengths: Sequence[int]) -> None:
        self._lengths = list(lengths)

    def __call__(self, layer: int, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        parts = (each.split(self._lengths, dim=1) for each in (q, k, v))
        return torch.cat([causal_attention(*part) for part in zip(*parts, strict=True)], dim=1)


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Returns [B, T, N * D] from q [B, T, N, D] and k, v [B, T, N_kv, D]."""
    out = functional.scaled_dot_product_attention(
        q.transpose(1, 2),
        k.transpose(1, 2),
        v.transpose(1, 2),
        is_causal=q.shape[1] > 1,
        enable_gqa=q.shape[2] != k.shape[2],
    )
    return out.transpose(1, 2).flatten(2)


class RotaryTable:
    """cos and sin of every position, made once, in the shape that `rotate` wants."""

    def __init__(self, head_dim: int, theta: float, positions: int, device: torch.device) -> None:
        exponents = torch.arange(0, head_dim, 2, dtype=torch.float32, device=device) / head_dim
        angles = torch.arange(positions, dtype=torch.float32, device=device)[:, None] / (
            theta**exponents
        )
        self.cos = torch.cat([angles.cos(), angles.cos()], dim=-1)[:, None]
        """[positions, 1, D]"""
        self.sin = torch.cat([-angles.sin(), angles.sin()], dim=-1)[:, None]
        """[positions, 1, D]; the first half carries rotate_half's minus sign."""

    def rows(self, positions: Tensor | slice, dtype: torch.dtype) -> Rotation:
        """Returns the rotation of those rows: cos and sin, [T, 1, D] each."""
        return self.cos[positions].to(dtype), self.sin[positions].to(dtype)


Rotation = tuple[Tensor, Tensor]


def blank_embedding(rows: int, size: int) -> nn.Embedding:
    """Returns a table without values: a checkpoint or a trainer fills it.

    The ordinary constructor draws random ones, which takes seconds for tables of this size, and on
    the meta device brings in the compiler.
    """
    return nn.Embedding.from_pretrained(torch.empty(rows, size), freeze=False)


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Rotates heads x [B, T, N, D]: x * cos + rotate_half(x) * sin."""
    cos, sin = rotation
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, dims=-1), sin)


class RmsNorm(nn.Module):
    """Root-mean-square norm with a gain."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, self.weight.shape, self.weight, self.eps)


class SelfAttention(nn.Module):
    """Grouped-query attention with per-head norms of queries and keys, but for what stands between
    projecting and `o_proj`: see `Attention`."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.num_heads = config.num_heads
        self.num_kv_heads = config.num_kv_heads
        self.head_dim = config.head_dim
        width = (config.num_heads + 2 * config.num_kv_heads) * config.head_dim
        self.qkv_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.o_proj = nn.Linear(config.num_heads * config.head_dim, config.hidden_size, bias=False)
        self.q_norm = RmsNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RmsNorm(config.head_dim, config.rms_norm_eps)
        self._packed_gain: Tensor | None = None

    def pack(self) -> None:
        """Keeps the gains of queries and keys as one tensor, for inference."""
        self._packed_gain = self._gain()

    def _gain(self) -> Tensor:
        """Returns the gains of queries and keys, one row per head, [N + N_kv, D]."""
        q = self.q_norm.weight.expand(self.num_heads, -1)
        return torch.cat([q, self.k_norm.weight.expand(self.num_kv_heads, -1)])

    def project(self, x: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
        """Returns rotated queries [B, T, N, D] and keys, and values [B, T, N_kv, D]."""
        heads = self.qkv_proj(x).unflatten(-1, (-1, self.head_dim))
        qk, v = heads.split((self.num_heads + self.num_kv_heads, self.num_kv_heads), dim=-2)
        # Norm and rotation once for queries and keys: a step is many small operations.
        gain = self._gain() if self._packed_gain is None else self._packed_gain
        qk = functional.rms_norm(qk, (self.head_dim,), None, self.q_norm.eps) * gain
        q, k = rotate(qk, rotation).split((self.num_heads, self.num_kv_heads), dim=-2)
        return q, k, v


class GatedMlp(nn.Module):
    """SwiGLU."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.gate_up_proj = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = self.gate_up_proj(x).chunk(2, dim=-1)
        return self.down_proj(functional.silu(gate) * up)


class DecoderBlock(nn.Module):
    """Pre-norm attention and MLP, each added to the stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.input_layernorm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = SelfAttention(config)
        self.post_attention_layernorm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = GatedMlp(config)

    def before_attention(self, x: Tensor, rotation: Rotation) -> tuple[Tensor, Tensor, Tensor]:
        """Returns what `Attention` is handed; see `SelfAttention.project`."""
        return self.self_attn.project(self.input_layernorm(x), rotation)

    def after_attention(self, x: Tensor, attended: Tensor) -> Tensor:
        """Returns the stream [B, T, H] from what went in and what attention gave back."""
        x = x + self.self_attn.o_proj(attended)
        return x + self.mlp(self.post_attention_layernorm(x))

    def forward(self, x: Tensor, layer: int, rotation: Rotation, attend: Attention) -> Tensor:
        return self.after_attention(x, attend(layer, *self.before_attention(x, rotation)))


def pack_attention(network: nn.Module) -> None:
    """Packs every attention below `network` for inference; weights must not change afterwards."""
    for module in network.modules():
        if isinstance(module, SelfAttention):
            module.pack()


def run_blocks(blocks: nn.ModuleList, x: Tensor, rotation: Rotation, attend: Attention) -> Tensor:
    """Returns x [B, T, H] after every block."""
    for layer, block in enumerate(blocks):
        x = block(x, layer, rotation, attend)
    return x

"""The decoder's residual codebooks: a frame is the sum of one vector from each."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.models.codec.config import CodecDecoderConfig

_MIN_USAGE = 1e-5


class Codebook(nn.Module):
    """A table kept as running sums: vector = embedding_sum / cluster_usage."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.cluster_usage = nn.Parameter(torch.ones(size))
        self.embedding_sum = nn.Parameter(torch.zeros(size, dim))

    def forward(self, codes: Tensor) -> Tensor:
        """[B, F] -> [B, F, dim]; dividing the rows looked up spares dividing the table."""
        usage = self.cluster_usage.clamp(min=_MIN_USAGE)[codes]
        return F.embedding(codes, self.embedding_sum) / usage[..., None]

    def vectors(self) -> Tensor:
        """Returns the whole table divided, [size, dim]."""
        return self.embedding_sum / self.cluster_usage.clamp(min=_MIN_USAGE)[:, None]


class _VectorQuantizer(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self._codebook = Codebook(size, dim)

    def forward(self, codes: Tensor) -> Tensor:
        return self._codebook(codes)


class ResidualCodebooks(nn.Module):
    """Codebooks whose vectors add up to a frame."""

    def __init__(self, num_codebooks: int, size: int, dim: int) -> None:
        super().__init__()
        self._size = size
        self._folded: tuple[Tensor, Tensor] | None = None
        self.layers = nn.ModuleList(_VectorQuantizer(size, dim) for _ in range(num_codebooks))

    @torch.no_grad()
    def fold(self) -> None:
        """Keeps all codebooks as one divided table, for inference with these weights."""
        books = [cast(_VectorQuantizer, layer)._codebook for layer in self.layers]
        table = torch.cat([book.vectors() for book in books])
        first = torch.arange(len(books), device=table.device) * self._size
        self._folded = table, first[:, None, None]

    def forward(self, codes: Tensor) -> Tensor:
        """[B, K, F] -> [B, F, dim]."""
        if self._folded is not None:
            table, first = self._folded
            return F.embedding(codes.transpose(0, 1) + first, table).sum(dim=0)
        vectors = [layer(codes[:, k]) for k, layer in enumerate(self.layers)]
        return torch.stack(vectors).sum(dim=0)


class ResidualQuantizer(nn.Module):
    """Codebooks that share one projection; `input_proj` is stored but serves encoding only."""

    def __init__(self, num_codebooks: int, config: CodecDecoderConfig) -> None:
        super().__init__()
        width, dim = config.codebook_dim, config.vector_dim
        self.input_proj = nn.Conv1d(width, dim, 1, bias=False)
        self.output_proj = nn.Conv1d(dim, width, 1, bias=False)
        self.vq = ResidualCodebooks(num_codebooks, config.codebook_size, dim)

    def forward(self, codes: Tensor) -> Tensor:
        """[B, K, F] -> [B, codebook_dim, F]."""
        return self.output_proj(self.vq(codes).transpose(1, 2))


class SplitQuantizer(nn.Module):
    """The first codebook (what is said) apart from the rest (how it sounds)."""

    def __init__(self, config: CodecDecoderConfig) -> None:
        super().__init__()
        self.rvq_first = ResidualQuantizer(1, config)
        self.rvq_rest = ResidualQuantizer(config.num_codebooks - 1, config)

    def forward(self, codes: Tensor) -> Tensor:
        """[B, K, F] -> [B, codebook_dim, F]."""
        return self.rvq_first(codes[:, :1]) + self.rvq_rest(codes[:, 1:])

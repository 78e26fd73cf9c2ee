"""The codec encoder, a Mimi encoder (arXiv 2410.00037): a whole reference clip to codes.

After transformers' `modeling_mimi.py` (Apache-2.0), as `qwen-tts` runs it: without a cache, its
transformer attends to the whole past, although the configuration names a window.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.core.constants import SAMPLES_PER_FRAME
from intone.models.codec.config import CodecConfig, CodecEncoderConfig
from intone.models.codec.conv import CausalConv1d
from intone.models.codec.transformer import GeluMlp, TransformerLayer, attention_context

_MIN_USAGE = 1e-5


class ResidualBlock(nn.Module):
    """ELU and convolution twice, narrower inside, as a residual."""

    def __init__(self, dim: int, dilation: int, config: CodecEncoderConfig) -> None:
        super().__init__()
        inner = dim // config.compress
        self.block = nn.Sequential(
            nn.ELU(),
            CausalConv1d(dim, inner, config.residual_kernel_size, dilation=dilation),
            nn.ELU(),
            CausalConv1d(inner, dim, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        return x + self.block(x)


class WaveEncoder(nn.Module):
    """Samples to features at twice the frame rate, by strided causal convolutions."""

    def __init__(self, config: CodecEncoderConfig) -> None:
        super().__init__()
        dim = config.num_filters
        layers: list[nn.Module] = [CausalConv1d(1, dim, config.kernel_size)]
        for stride in config.strides:
            for i in range(config.num_residual_layers):
                layers.append(ResidualBlock(dim, config.dilation_growth**i, config))
            layers += [nn.ELU(), CausalConv1d(dim, 2 * dim, 2 * stride, stride=stride)]
            dim *= 2
        last = CausalConv1d(dim, config.transformer.hidden_size, config.last_kernel_size)
        self.layers = nn.Sequential(*layers, nn.ELU(), last)

    def forward(self, samples: Tensor, lengths: Tensor | None = None) -> Tensor:
        """[B, S] -> [B, H, ceil(S / 960)]; behind a clip's own length nothing is defined."""
        x = samples[:, None]
        for layer in self.layers:
            if lengths is not None and isinstance(layer, CausalConv1d) and layer.stride > 1:
                # Alone, a clip is padded here, with zeros behind its own last step.
                x = x.masked_fill(_is_behind(x, lengths)[:, None], 0.0)
                lengths = _steps(lengths, layer.stride)
            x = layer(x)
        return x


def _is_behind(x: Tensor, lengths: Tensor) -> Tensor:
    """True where a step of [B, C, T] lies behind its clip, [B, T]."""
    return torch.arange(x.shape[-1], device=x.device) >= lengths[:, None]


def _steps(lengths: Tensor, stride: int) -> Tensor:
    return -(-lengths // stride)


class EncoderTransformer(nn.Module):
    """Attention over the whole past."""

    def __init__(self, config: CodecEncoderConfig) -> None:
        super().__init__()
        block = config.transformer
        self.config = block
        self.layers = nn.ModuleList(
            TransformerLayer(block, nn.LayerNorm, GeluMlp(block)) for _ in range(block.num_layers)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, H] -> [B, T, H]."""
        start = torch.zeros(1, dtype=torch.int64, device=x.device)
        block = self.config
        context = attention_context(start, x.shape[1], 0, None, block.head_dim, block.rope_theta)
        for layer in self.layers:
            x = layer(x, context)
        return x


class EncoderCodebook(nn.Module):
    """A table kept as running sums; upstream stores it with buffers, so does this."""

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.initialized: Tensor
        self.cluster_usage: Tensor
        self.embed_sum: Tensor
        self.register_buffer("initialized", torch.ones(1))
        self.register_buffer("cluster_usage", torch.ones(size))
        self.register_buffer("embed_sum", torch.zeros(size, dim))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[B, F, dim] -> the nearest entries' codes [B, F] and vectors [B, F, dim]."""
        table = self.embed_sum / self.cluster_usage.clamp(min=_MIN_USAGE)[:, None]
        # The distance function decides near ties: it must be upstream's own.
        codes = torch.cdist(x.flatten(0, 1)[None].float(), table[None].float())[0].argmin(dim=-1)
        codes = codes.view(x.shape[:-1])
        return codes, F.embedding(codes, table)


class _VectorQuantizer(nn.Module):
    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.codebook = EncoderCodebook(size, dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.codebook(x)


class ResidualEncoder(nn.Module):
    """Each codebook encodes what the ones before it left; `output_proj` is stored, not used."""

    def __init__(self, num_codebooks: int, config: CodecEncoderConfig) -> None:
        super().__init__()
        hidden, dim = config.transformer.hidden_size, config.vector_dim
        self.input_proj: nn.Conv1d | None = None
        self.output_proj: nn.Conv1d | None = None
        if hidden != dim:
            self.input_proj = nn.Conv1d(hidden, dim, 1, bias=False)
            self.output_proj = nn.Conv1d(dim, hidden, 1, bias=False)
        self.layers = nn.ModuleList(
            _VectorQuantizer(config.codebook_size, config.codebook_dim)
            for _ in range(num_codebooks)
        )

    def forward(self, x: Tensor, num_codebooks: int) -> Tensor:
        """[B, H, F] -> codes [B, num_codebooks, F]."""
        if self.input_proj is not None:
            x = self.input_proj(x)
        residual, found = x.transpose(1, 2), []
        for layer in self.layers[:num_codebooks]:
            codes, vectors = layer(residual)
            residual = residual - vectors
            found.append(codes)
        return torch.stack(found, dim=1)


class SplitEncoder(nn.Module):
    """The semantic codebooks and the acoustic ones encode the same features apart."""

    def __init__(self, config: CodecEncoderConfig) -> None:
        super().__init__()
        self.num_semantic = config.num_semantic_codebooks
        num_acoustic = config.num_codebooks - self.num_semantic
        self.semantic_residual_vector_quantizer = ResidualEncoder(self.num_semantic, config)
        self.acoustic_residual_vector_quantizer = ResidualEncoder(num_acoustic, config)

    def forward(self, x: Tensor, num_codebooks: int) -> Tensor:
        """[B, H, F] -> codes [B, num_codebooks, F]."""
        num_acoustic = num_codebooks - self.num_semantic
        semantic = self.semantic_residual_vector_quantizer(x, self.num_semantic)
        acoustic = self.acoustic_residual_vector_quantizer(x, num_acoustic)
        return torch.cat((semantic, acoustic), dim=1)


class CodecEncoder(nn.Module):
    """Samples to codes. `state_dict` names are the official ones below "encoder."."""

    def __init__(self, config: CodecConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.encoder.transformer.hidden_size
        self.encoder = WaveEncoder(config.encoder)
        self.encoder_transformer = EncoderTransformer(config.encoder)
        self.downsample = CausalConv1d(
            hidden, hidden, 4, stride=2, bias=False, pad_mode="replicate"
        )
        self.quantizer = SplitEncoder(config.encoder)

    @torch.inference_mode()
    def encode(self, samples: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Encodes clips: samples [B, S] at 24 kHz, S > 0 -> int64 codes [B, K, ceil(S / 1920)].

        Args:
            samples: a shorter clip is followed by anything.
            lengths: each clip's own samples, int64 [B], 1 to S; None is S for all. The frames of a
                clip, ceil(length / 1920), are those that it has alone, the last one included:
                nothing behind a clip is seen. What follows them means nothing.
        """
        x = self.encoder(samples, lengths)
        x = self.encoder_transformer(x.transpose(1, 2)).transpose(1, 2)
        if lengths is not None:
            x = _held(x, _steps(lengths, SAMPLES_PER_FRAME // self.downsample.stride))
        codes = self.quantizer(self.downsample(x), self.config.num_codebooks)
        assert codes.shape[-1] == -(-samples.shape[-1] // SAMPLES_PER_FRAME)
        return codes


def _held(x: Tensor, lengths: Tensor) -> Tensor:
    """Repeats each clip's last step behind it, as the downsampling does alone; [B, C, T]."""
    last = x.gather(2, (lengths - 1)[:, None, None].expand(-1, x.shape[1], 1))
    return torch.where(_is_behind(x, lengths)[:, None], last, x)

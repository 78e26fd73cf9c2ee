"""The speaker encoder: a reference clip's log-mel to an x-vector (ECAPA-TDNN, arXiv 2005.07143).

After upstream's `modeling_qwen3_tts.py` (Apache-2.0). Every convolution keeps the length by
reflecting the ends; the x-vector is used as it comes, without normalising.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from intone.models.speaker_encoder_config import SpeakerEncoderConfig

_MIN_VARIANCE = 1e-12


def _conv(in_dim: int, out_dim: int, kernel_size: int = 1, dilation: int = 1) -> nn.Conv1d:
    return nn.Conv1d(
        in_dim, out_dim, kernel_size, dilation=dilation, padding="same", padding_mode="reflect"
    )


class TdnnBlock(nn.Module):
    """Convolution over time, then ReLU."""

    def __init__(self, in_dim: int, out_dim: int, kernel_size: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv = _conv(in_dim, out_dim, kernel_size, dilation)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C', T]."""
        return F.relu(self.conv(x))


class Res2NetBlock(nn.Module):
    """Channels in `scale` parts: each part but the first also sees the result before it."""

    def __init__(self, dim: int, scale: int, kernel_size: int, dilation: int) -> None:
        super().__init__()
        part = dim // scale
        self.scale = scale
        self.blocks = nn.ModuleList(
            TdnnBlock(part, part, kernel_size, dilation) for _ in range(scale - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        first, *parts = x.chunk(self.scale, dim=1)
        outputs = [first]
        for i, (block, part) in enumerate(zip(self.blocks, parts, strict=True)):
            outputs.append(block(part if i == 0 else part + outputs[-1]))
        return torch.cat(outputs, dim=1)


class SqueezeExcitation(nn.Module):
    """Weighs channels by what their means say."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__()
        self.conv1 = _conv(dim, inner_dim)
        self.conv2 = _conv(inner_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        mean = x.mean(dim=2, keepdim=True)
        return x * torch.sigmoid(self.conv2(F.relu(self.conv1(mean))))


class SeRes2NetBlock(nn.Module):
    """TDNN, Res2Net, TDNN, squeeze-excitation, as a residual."""

    def __init__(self, config: SpeakerEncoderConfig, index: int) -> None:
        super().__init__()
        dim = config.channels[index]
        self.tdnn1 = TdnnBlock(config.channels[index - 1], dim)
        self.res2net_block = Res2NetBlock(
            dim, config.res2net_scale, config.kernel_sizes[index], config.dilations[index]
        )
        self.tdnn2 = TdnnBlock(dim, dim)
        self.se_block = SqueezeExcitation(dim, config.se_channels)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, C, T]."""
        return x + self.se_block(self.tdnn2(self.res2net_block(self.tdnn1(x))))


class AttentiveStatistics(nn.Module):
    """Mean and deviation over time, each moment weighed by attention."""

    def __init__(self, dim: int, inner_dim: int) -> None:
        super().__init__()
        self.tdnn = TdnnBlock(3 * dim, inner_dim)
        self.conv = _conv(inner_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] -> [B, 2C, 1]."""
        plain = _statistics(x, x.new_full((1, 1, 1), 1.0 / x.shape[2]))
        whole = torch.cat((x, *(value.expand_as(x) for value in plain)), dim=1)
        weights = self.conv(torch.tanh(self.tdnn(whole))).softmax(dim=2)
        return torch.cat(_statistics(x, weights), dim=1)


def _statistics(x: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weighted mean and deviation over time, [B, C, 1] each."""
    mean = (weights * x).sum(dim=2, keepdim=True)
    variance = (weights * (x - mean).square()).sum(dim=2, keepdim=True)
    return mean, variance.clamp(min=_MIN_VARIANCE).sqrt()


class SpeakerEncoder(nn.Module):
    """Log-mel to x-vector. `state_dict` names are the official ones below "speaker_encoder."."""

    def __init__(self, config: SpeakerEncoderConfig) -> None:
        super().__init__()
        self.config = config
        first, *_, last = config.channels
        self.blocks = nn.ModuleList(
            [
                TdnnBlock(config.mel_dim, first, config.kernel_sizes[0], config.dilations[0]),
                *(SeRes2NetBlock(config, i) for i in range(1, len(config.channels) - 1)),
            ]
        )
        self.mfa = TdnnBlock(last, last, config.kernel_sizes[-1], config.dilations[-1])
        self.asp = AttentiveStatistics(last, config.attention_channels)
        self.fc = _conv(2 * last, config.enc_dim)

    def forward(self, mel: Tensor) -> Tensor:
        """[B, T, mel_dim] -> [B, enc_dim]."""
        first, *blocks = self.blocks
        x, outputs = first(mel.transpose(1, 2)), []
        for block in blocks:
            x = block(x)
            outputs.append(x)
        return self.fc(self.asp(self.mfa(torch.cat(outputs, dim=1)))).squeeze(-1)

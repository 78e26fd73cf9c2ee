"""Official tensor names, the joined ones of `layers.py`, and memory-mapped reading.

Every problem of a checkpoint is collected and named in one error, before any weight is touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from intone.core.errors import CheckpointError
from intone.models.layers import SelfAttention
from intone.models.raw_tensors import weight_paths

_JOINED = {
    "self_attn.qkv_proj": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "mlp.gate_up_proj": ("mlp.gate_proj", "mlp.up_proj"),
}
_JOINED_PATTERN = re.compile(r"(?P<head>.*\.)(?P<joined>self_attn\.qkv_proj|mlp\.gate_up_proj)\.")

TEXT_EMBEDDING = "model.text_embedding.weight"
"""A third of the 0.6B checkpoint, of which a request reads a hundred rows: stays in the file."""

_SHOWN = 6


def official_names(name: str) -> tuple[str, ...]:
    """Returns the official tensor or tensors that our tensor `name` is made of, in order."""
    match = _JOINED_PATTERN.match(name)
    if match is None:
        return (name,)
    tail = name[match.end() :]
    return tuple(f"{match['head']}{part}.{tail}" for part in _JOINED[match["joined"]])


def official_shapes(module: nn.Module, prefix: str) -> dict[str, tuple[int, ...]]:
    """Returns the official names below `prefix` and their shapes for one of our networks."""
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in module.state_dict().items():
        for part, size in zip(
            official_names(name), _split_sizes(module, name, tensor), strict=True
        ):
            shapes[prefix + part] = (size, *tensor.shape[1:]) if tensor.dim() else ()
    return shapes


def official_state(module: nn.Module, prefix: str) -> dict[str, Tensor]:
    """Returns the module's weights under their official names, ready to be saved."""
    return official_tensors(module, prefix, module.state_dict())


def official_tensors(
    module: nn.Module, prefix: str, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Returns tensors that belong to parameters of `module`, by our name, under official names.

    Joined ones are split by rows, so anything with the rows of its parameter may be given.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        names = official_names(name)
        pieces = tensor.split(_split_sizes(module, name, tensor)) if len(names) > 1 else (tensor,)
        for part, piece in zip(names, pieces, strict=True):
            state[prefix + part] = piece.contiguous()
    return state


def joined_tensor(name: str, prefix: str, official: Mapping[str, Tensor]) -> Tensor | None:
    """Returns our tensor `name` of official ones; None when they are not among them."""
    pieces = [official.get(prefix + part) for part in official_names(name)]
    found = [piece for piece in pieces if piece is not None]
    if len(found) < len(pieces):
        return None
    return torch.cat(found) if len(found) > 1 else found[0]


def _split_sizes(module: nn.Module, name: str, tensor: Tensor) -> list[int]:
    rows = tensor.shape[0] if tensor.dim() else 0
    parts = len(official_names(name))
    if parts == 1:
        return [rows]
    if parts == 2:
        return [rows // 2, rows // 2]
    attention = module.get_submodule(name.rsplit(".", 2)[0])
    assert isinstance(attention, SelfAttention)
    kv = attention.num_kv_heads * attention.head_dim
    return [rows - 2 * kv, kv, kv]


class TensorFiles:
    """One or several safetensors files, memory-mapped, read by tensor name."""

    def __init__(self, directory: Path) -> None:
        """Opens `model.safetensors`, or the shards its index names.

        Raises:
            CheckpointError: missing, truncated, or not safetensors.
        """
        self.directory = directory
        self._files = [self._open(path) for path in weight_paths(directory)]
        self._home = {name: file for file in self._files for name in file.keys()}

    @staticmethod
    def _open(path: Path) -> safe_open:
        try:
            return safe_open(path, framework="pt", device="cpu")
        except FileNotFoundError as error:
            raise CheckpointError(
                f"{path} is missing; pull the checkpoint again with `intone models pull`."
            ) from error
        except (SafetensorError, OSError) as error:
            raise CheckpointError(
                f"{path} is truncated or not a safetensors file ({error}); pull it again."
            ) from error

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns every tensor's shape, from the headers alone."""
        return {name: tuple(file.get_slice(name).get_shape()) for name, file in self._home.items()}

    def read(self, name: str) -> Tensor:
        """Returns the tensor, still backed by the file where the platform maps it."""
        tensor: Tensor = self._home[name].get_tensor(name)
        return tensor


def check_tensors(
    found: Mapping[str, tuple[int, ...]],
    needed: Mapping[str, tuple[int, ...]],
    optional: Mapping[str, tuple[int, ...]],
    where: Path,
) -> None:
    """Raises one CheckpointError that names every missing, unknown and mis-shaped tensor."""
    known = {**optional, **needed}
    wrong = [
        f"{name} is {list(found[name])}, expected {list(shape)}"
        for name, shape in known.items()
        if name in found and found[name] != shape
    ]
    problems = [
        *_listed("missing", [name for name in needed if name not in found]),
        *_listed("unknown", [name for name in found if name not in known]),
        *_listed("mis-shaped", wrong),
    ]
    if problems:
        raise CheckpointError(
            f"{where} does not fit its config.json: {'; '.join(problems)}. "
            "Pull the checkpoint again, or check that it is a Qwen3-TTS 12 Hz model."
        )


def _listed(label: str, items: list[str]) -> Iterator[str]:
    if items:
        more = f", and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
        yield f"{len(items)} {label} ({', '.join(items[:_SHOWN])}{more})"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """How one network is filled."""

    prefix: str
    """Official prefix, for example "talker."."""
    dtype: torch.dtype
    device: torch.device
    keep_in_file: frozenset[str] = frozenset()
    """Our names that are neither converted nor moved."""
    copy: bool = True
    """False leaves tensors in the file where neither type nor device changes."""


def fill(module: nn.Module, files: TensorFiles, plan: LoadPlan) -> None:
    """Fills a module built on the meta device; shapes have been checked before.

    What stays in the file gets a mapping of its own and the rest is copied, so that the pages that
    were read are given back when `files` is dropped.
    """
    state: dict[str, Tensor] = {}
    for name in module.state_dict():
        if name in plan.keep_in_file:
            state[name] = TensorFiles(files.directory).read(plan.prefix + name)
            continue
        pieces = [files.read(plan.prefix + part) for part in official_names(name)]
        tensor = torch.cat(pieces) if len(pieces) > 1 else pieces[0]
        state[name] = tensor.to(plan.device, plan.dtype, copy=plan.copy and len(pieces) == 1)
    module.load_state_dict(state, assign=True)
    module.requires_grad_(False)
    module.eval()


def num_parameters(shapes: Iterable[tuple[int, ...]]) -> int:
    """Returns how many numbers tensors of these shapes hold."""
    return sum(int(torch.Size(shape).numel()) for shape in shapes)

"""The host's side of fixed tensors: one copy up for all inputs of a call, one down for its codes.

Host buffers are pinned on CUDA and go round in a ring, so that the host fills one while the device
still reads another; before one is filled again, its copy has to be over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from intone.runtime.frame.arrays import Array

_ALIGNMENT = 16


@dataclass(frozen=True, slots=True)
class Field:
    """One tensor of a packed buffer."""

    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def num_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class Upload:
    """Tensors in one buffer of the device, filled by one copy from a ring of host buffers."""

    def __init__(self, fields: Sequence[Field], device: torch.device, depth: int) -> None:
        """Allocates zeros.

        Args:
            depth: host buffers; how many calls may be under way.
        """
        starts, end = [], 0
        for field in fields:
            starts.append(end)
            end += -(-field.num_bytes // _ALIGNMENT) * _ALIGNMENT
        self._buffer = torch.zeros(end, dtype=torch.uint8, device=device)
        self.tensors = _views(self._buffer, fields, starts)
        """On the device; never another."""
        self._hosts = [_HostBuffer(end, device) for _ in range(depth)]
        self._arrays = [
            [view.numpy() for view in _views(host.buffer, fields, starts)] for host in self._hosts
        ]
        self._next = 0

    def arrays(self) -> list[Array]:
        """Returns what to fill before `send`, in the order of fields; what stood there is old."""
        self._hosts[self._next].wait()
        return self._arrays[self._next]

    def send(self) -> None:
        """Copies what `arrays` handed out; the device reads it when its turn comes."""
        host = self._hosts[self._next]
        self._buffer.copy_(host.buffer, non_blocking=True)
        host.mark()
        self._next = (self._next + 1) % len(self._hosts)


class Download:
    """A tensor of the device that is copied into a ring of host buffers."""

    def __init__(self, source: Tensor, depth: int) -> None:
        field = Field(source.dtype, tuple(source.shape))
        self._source = source
        self._hosts = [_HostBuffer(field.num_bytes, source.device) for _ in range(depth)]
        self._views = [_views(host.buffer, [field], [0])[0] for host in self._hosts]
        self._next = 0

    def fetch(self) -> Fetched:
        """Starts a copy of what the source will hold when what was asked of the device is done."""
        host, view = self._hosts[self._next], self._views[self._next]
        view.copy_(self._source, non_blocking=True)
        host.mark()
        self._next = (self._next + 1) % len(self._hosts)
        return Fetched(host, view)


class Fetched:
    """A copy that is on its way."""

    def __init__(self, host: _HostBuffer, view: Tensor) -> None:
        self._host = host
        self._view = view

    def array(self) -> Array:
        """Returns it when it is there; valid until the ring has come round."""
        self._host.wait()
        array: Array = self._view.numpy()
        return array


class _HostBuffer:
    """Bytes of the host, and whether the device is done with them."""

    def __init__(self, num_bytes: int, device: torch.device) -> None:
        is_cuda = device.type == "cuda"
        self.buffer = torch.zeros(num_bytes, dtype=torch.uint8, pin_memory=is_cuda)
        self._device = device
        self._done = torch.cuda.Event() if is_cuda else None

    def mark(self) -> None:
        """Remembers where the device's work stands."""
        if self._done is not None:
            self._done.record(torch.cuda.current_stream(self._device))

    def wait(self) -> None:
        """Returns when the device has come to the mark."""
        if self._done is not None and not self._done.query():
            self._done.synchronize()


def _views(buffer: Tensor, fields: Sequence[Field], starts: Sequence[int]) -> list[Tensor]:
    return [
        buffer[start : start + field.num_bytes].view(field.dtype).view(field.shape)
        for field, start in zip(fields, starts, strict=True)
    ]

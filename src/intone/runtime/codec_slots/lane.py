"""Where a thread's device work goes: a CUDA stream of its own, or nowhere special on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class DeviceLane:
    """Work in order, beside that of other lanes; it alone waits for what it fetches."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        if self._stream is not None:  # what it will work on, weights for one, may be on its way
            self._stream.wait_stream(torch.cuda.current_stream(device))

    @contextmanager
    def entered(self) -> Iterator[None]:
        """What is called meanwhile goes into the lane; no gradients."""
        with torch.inference_mode():
            if self._stream is None:
                yield
            else:
                with torch.cuda.stream(self._stream):
                    yield

    def upload(self, array: npt.NDArray[np.int64]) -> Tensor:
        """Returns a copy on the device; does not wait for it. To be called when entered."""
        host = torch.from_numpy(array)
        if self._stream is None:
            return host.clone()
        # The allocator of pinned memory does not lend it again before the copy is done.
        return host.pin_memory().to(self._device, non_blocking=True)

    def download(self, tensor: Tensor) -> npt.NDArray[np.float32]:
        """Returns a copy on the host, after everything in the lane before it."""
        if self._stream is None:
            return np.array(tensor.numpy())
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        self._stream.synchronize()
        # Pinned memory is scarce, and whoever gets the samples may keep them.
        return host.numpy().copy()

    def wait(self) -> None:
        """Returns when all work of the lane is done."""
        if self._stream is not None:
            self._stream.synchronize()


def exact_convolutions(device: torch.device) -> AbstractContextManager[None]:
    """Keeps fp32 convolutions fp32: on CUDA they otherwise read 10 of a number's 23 bits."""
    if device.type != "cuda":
        return nullcontext()
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return flags

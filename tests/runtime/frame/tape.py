"""A CUDA graph without CUDA: operations are written down once, and done again on the same tensors.

As with a graph, Python does not run again: a branch, a number read on the host or a tensor that is
made anew shows as a wrong result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from intone.runtime.graphs import GraphPool, Work

Operation = Callable[..., Any]


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class _Recording(TorchDispatchMode):
    """Writes down every operation that computes something."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Operation, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        known = {tensor.untyped_storage().data_ptr() for tensor in _tensors((args, kwargs))}
        is_view = all(each.untyped_storage().data_ptr() in known for each in _tensors(out))
        if func._schema.is_mutable or not is_view:
            self.operations.append((func, args, kwargs, out))
        return out


class TapePool(GraphPool):
    """Records on a CPU; `num_graphs` counts as on CUDA."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))

    def capture(self, work: Work) -> Work:
        with _Recording() as recording:
            work()
        self.num_graphs += 1

        def replay() -> None:
            for function, args, kwargs, kept in recording.operations:
                out = function(*args, **kwargs)
                if not function._schema.is_mutable:  # type: ignore[attr-defined]
                    for old, new in zip(_tensors(kept), _tensors(out), strict=True):
                        old.copy_(new)

        return replay

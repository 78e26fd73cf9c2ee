"""A CUDA graph without CUDA: operations are written down once, and done again on the same tensors.

As with a graph, Python does not run again: a branch, a number read on the host or a tensor that is
made anew shows as a wrong result. And as with a graph, what was there before is not kept alive: a
tensor that somebody let go shows as an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from intone.runtime.graphs import GraphPool, Work

Operation = Callable[..., Any]


def _tensors(tree: object) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


class _Outside:
    """A tensor that was not made by what is recorded: an address, as in a graph."""

    def __init__(self, tensor: Tensor) -> None:
        self._storage = StorageWeakRef(tensor.untyped_storage())
        self._dtype = tensor.dtype
        self._shape = tensor.storage_offset(), tensor.shape, tensor.stride()

    def tensor(self) -> Tensor:
        assert not self._storage.expired(), "recorded work reads memory that was freed"
        storage = torch.UntypedStorage._new_with_weak_ptr(self._storage.cdata)
        return torch.empty(0, dtype=self._dtype).set_(storage, *self._shape)


class _Recording(TorchDispatchMode):
    """Writes down every operation that computes something."""

    def __init__(self) -> None:
        super().__init__()
        self._made: list[Tensor] = []
        """What came to be meanwhile: a graph's own memory."""
        self._operations: list[tuple[Operation, Any, Any]] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        known = {_address(tensor) for tensor in _tensors((args, kwargs))}
        is_new = [tensor for tensor in _tensors(out) if _address(tensor) not in known]
        if func._schema.is_mutable or is_new:
            self._made.extend(is_new)
            self._operations.append((func, self._noted((args, kwargs)), out if is_new else None))
        return out

    def _noted(self, tree: Any) -> Any:
        made = {_address(tensor) for tensor in self._made}
        return tree_map(
            lambda leaf: (
                _Outside(leaf) if isinstance(leaf, Tensor) and _address(leaf) not in made else leaf
            ),
            tree,
        )

    def replay(self) -> None:
        """Does it again."""
        for function, noted, kept in self._operations:
            args, kwargs = tree_map(
                lambda leaf: leaf.tensor() if isinstance(leaf, _Outside) else leaf, noted
            )
            out = function(*args, **kwargs)
            if kept is not None:
                for old, new in zip(_tensors(kept), _tensors(out), strict=True):
                    old.copy_(new)


def _address(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


class TapePool(GraphPool):
    """Records on a CPU; `num_graphs` counts as on CUDA."""

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.captures = True

    def _record(self, work: Work) -> Work:
        with _Recording() as recording:
            work()
        return recording.replay

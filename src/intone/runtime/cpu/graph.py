"""A graph under construction, and the file its weights stream into.

A thin layer over `onnx.helper`: names are made up, one output is a string, weights are appended to
one external file as they come, so that no second copy of a network ever exists.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

_OPSET = 20
_CONTRIB = "com.microsoft"
_IR_VERSION = 10
_ALIGN_BYTES = 4096
"""A page: ONNX Runtime maps a tensor of its own file only from the start of one."""
_INLINE_BYTES = 1024

Dim = int | str
Attribute = int | float | str | Sequence[int]


class WeightFile:
    """One file of tensors, each from the start of a page on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def append(self, name: str, array: npt.NDArray) -> TensorProto:
        """Writes an array and returns the initializer that refers to it."""
        self._file.write(b"\0" * (-self._file.tell() % _ALIGN_BYTES))
        offset = self._file.tell()
        self._file.write(np.ascontiguousarray(array).data)
        proto = TensorProto(
            name=name,
            dims=array.shape,
            data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in (
            ("location", self.path.name),
            ("offset", offset),
            ("length", array.nbytes),
        ):
            proto.external_data.add(key=key, value=str(value))
        return proto


class Graph:
    """Nodes in running order; every method that makes a value returns its name."""

    def __init__(self, name: str, weights: WeightFile) -> None:
        self._name = name
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: list[TensorProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._num_values = 0

    def input(self, name: str, shape: Sequence[Dim], dtype: type[np.generic] = np.float32) -> str:
        self._inputs.append(_value_info(name, shape, dtype))
        return name

    def output(
        self, value: str, name: str, shape: Sequence[Dim], dtype: type[np.generic] = np.float32
    ) -> None:
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(_value_info(name, shape, dtype))

    def output_of(
        self, name: str, shape: Sequence[Dim], dtype: type[np.generic] = np.float32
    ) -> None:
        """Declares a value that a node was told to call `name` as an output."""
        self._outputs.append(_value_info(name, shape, dtype))

    def weight(self, array: npt.NDArray) -> str:
        """Stores a constant: small ones in the graph, the rest in the file."""
        name = self._new_name("w")
        if array.nbytes <= _INLINE_BYTES:
            self._initializers.append(onnx.numpy_helper.from_array(array, name))
        else:
            self._initializers.append(self._weights.append(name, array))
        return name

    def ints(self, *values: int) -> str:
        return self.weight(np.array(values, dtype=np.int64))

    def node(self, op: str, *inputs: str, **attributes: Attribute) -> str:
        """Adds a standard operator with one output."""
        (value,) = self._add(op, inputs, [self._new_name(op)], "", attributes)
        return value

    def split(self, value: str, sizes: Sequence[int], axis: int = -1) -> list[str]:
        names = [self._new_name("split") for _ in sizes]
        return self._add("Split", [value, self.ints(*sizes)], names, "", {"axis": axis})

    def contrib(
        self,
        op: str,
        inputs: Sequence[str],
        attributes: dict[str, Attribute],
        outputs: Sequence[str] | None = None,
    ) -> list[str]:
        """Adds one of ONNX Runtime's own operators; an output named "" is not wanted."""
        names = [self._new_name(op)] if outputs is None else list(outputs)
        return self._add(op, inputs, names, _CONTRIB, attributes)

    def new_name(self, stem: str) -> str:
        """Returns a name for an output of `contrib`."""
        return self._new_name(stem)

    def _add(
        self,
        op: str,
        inputs: Sequence[str],
        outputs: list[str],
        domain: str,
        attributes: dict[str, Attribute],
    ) -> list[str]:
        node = helper.make_node(op, inputs, outputs, domain=domain)
        node.attribute.extend(helper.make_attribute(k, v) for k, v in attributes.items())
        self._nodes.append(node)
        return outputs

    def _new_name(self, stem: str) -> str:
        self._num_values += 1
        return f"{stem}_{self._num_values}"

    def save(self, path: Path) -> None:
        """Writes the graph; its weights stand beside it already."""
        graph = helper.make_graph(
            self._nodes, self._name, self._inputs, self._outputs, self._initializers
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_CONTRIB, 1)],
            ir_version=_IR_VERSION,
            producer_name="intone",
        )
        path.write_bytes(model.SerializeToString())


def _value_info(name: str, shape: Sequence[Dim], dtype: type[np.generic]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape)
    )

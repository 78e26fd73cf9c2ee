"""ONNX Runtime sessions as this engine wants them, and arrays that they read and write in place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy.typing as npt
from onnxruntime import InferenceSession, OrtValue, SessionOptions

_PROVIDERS = ["CPUExecutionProvider"]


def open_session(path: Path, num_threads: int) -> InferenceSession:
    """Returns a graph ready to run on `num_threads` threads, the caller's being one of them."""
    options = SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # A plan of all buffers per input shape would be kept for every length that ever came.
    options.enable_mem_pattern = False
    # Within a run helpers wait for their next piece without sleeping: a frame has two thousand.
    # After it they let go of their cores at once, for the graph that runs next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return InferenceSession(str(path), options, providers=_PROVIDERS)


class Bound:
    """A session with every input and output tied to an array of ours: a run allocates nothing."""

    def __init__(
        self,
        session: InferenceSession,
        inputs: Mapping[str, npt.NDArray],
        outputs: Mapping[str, npt.NDArray],
    ) -> None:
        """Ties the arrays, which must be contiguous; one may be an input and an output."""
        self._session = session
        self._binding = session.io_binding()
        values = {
            id(array): OrtValue.ortvalue_from_numpy(array)
            for array in (*inputs.values(), *outputs.values())
        }
        self._kept = (dict(inputs), dict(outputs), values)  # the binding holds addresses only
        for name, array in inputs.items():
            self._binding.bind_ortvalue_input(name, values[id(array)])
        for name, array in outputs.items():
            self._binding.bind_ortvalue_output(name, values[id(array)])

    def run(self) -> None:
        """Reads the inputs as they are now, and writes the outputs."""
        self._session.run_with_iobinding(self._binding)

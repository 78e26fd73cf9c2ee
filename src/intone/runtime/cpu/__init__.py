"""The CPU's own way: every network as a graph that ONNX Runtime runs, weights in 32, 8 or 4 bits.

Graphs are built once per checkpoint and precision (`build`, in a process of its own) and kept
beside it (`store`); a start maps them (`sessions`). Nothing here imports torch except `build`.
"""

from os import environ

# ONNX Runtime's own wheels report to its makers how they are used, and keep a file for it in the
# user's cache. They read this when they are imported; whoever wants the reports sets it to 0.
environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

"""The CPU's own way: every network as a graph that ONNX Runtime runs, weights in 32, 8 or 4 bits.

Graphs are built once per checkpoint and precision (`build`, in a process of its own) and kept
beside it (`store`); a start maps them (`sessions`). Nothing here imports torch except `build`.
"""

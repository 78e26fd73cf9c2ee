"""One frame of every running take as work on fixed tensors, without a look at any value.

What a CUDA graph can hold: `step` makes a frame, `prefill` begins takes; the tensors they share
stay where they are, and the host only fills `staging`'s buffers. The plain twin of this room, which
does the same by looking, is `runtime/torch_runner.py`.
"""

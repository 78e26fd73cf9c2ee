"""Run by test_sharded.py in two processes: the loss and gradients of sharded weights."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from tests.train import tiny
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from intone.models.layers import DecoderBlock
from intone.train.tuning.batches import StepTotals, collate
from intone.train.tuning.objective import step_loss

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True, ignore_frozen_params=True)


def main(base: Path) -> None:
    """Ends with an assertion when sharding changes a number."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    rows = [tiny.encoded(i) for i in range(4)]
    voice, maker, config = tiny.opened(base, tiny.settings(), rows)
    batch = collate([maker.make(i, 0) for i in range(4)], config)
    totals = StepTotals(first=100, rest=100)
    whole = step_loss(voice(batch), totals, 0.3)
    whole.backward()
    gradients = {n: p.grad.clone() for n, p in voice.named_parameters() if p.grad is not None}
    voice.zero_grad()

    mesh = init_device_mesh("cpu", (2,))
    for module in voice.modules():
        if isinstance(module, DecoderBlock):
            fully_shard(module, mesh=mesh)
    fully_shard(voice, mesh=mesh)
    sharded = step_loss(voice(batch), totals, 0.3)
    sharded.backward()

    torch.testing.assert_close(sharded.detach(), whole.detach())
    for name, parameter in voice.named_parameters():
        if name in gradients:
            assert isinstance(parameter.grad, DTensor)
            torch.testing.assert_close(parameter.grad.full_tensor(), gradients[name])
    state = get_model_state_dict(voice, options=_WHOLE)
    assert dist.get_rank() != 0 or state.keys() == gradients.keys()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""LoRA through peft: put into the networks, taken out under official names, merged.

Our networks join query, key and value in one matrix, and gate and up in another. An adapter of a
joined matrix is one small matrix A and rows of B; split by rows it is, exactly, one adapter per
official matrix with the same A. So what is saved loads with peft into the public package as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from intone.core.errors import MissingDependencyError, RunError
from intone.models.checkpoint import TALKER
from intone.models.talker import Talker
from intone.models.weights import official_names, official_tensors

TARGETS = (
    r"talker\.model\.layers\.\d+\.(self_attn\.(qkv_proj|o_proj)|mlp\.(gate_up_proj|down_proj))"
    r"|talker\.text_projection\.linear_fc[12]"
)
"""Every linear layer of the talker's blocks, and the text projection, which carries accent and
timbre out of proportion to its size (FelysNeko, STATUS.md s. 24)."""

PEFT_PREFIX = "base_model.model."
_A, _B = ".lora_A.weight", ".lora_B.weight"
_OUR_A, _OUR_B = ".lora_A.default.weight", ".lora_B.default.weight"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoraAdapter:
    """One adapter under official module names: W + alpha / rank * B @ A."""

    rank: int
    alpha: int
    pairs: Mapping[str, tuple[Tensor, Tensor]]
    """Official module, as "talker.model.layers.0.self_attn.q_proj": A [r, in] and B [out, r]."""

    def delta(self, module: str) -> Tensor | None:
        """Returns what is added to the module's weight, [out, in] fp32; None where nothing is."""
        if module not in self.pairs:
            return None
        a, b = self.pairs[module]
        return (self.alpha / self.rank) * (b.float() @ a.float())

    def peft_tensors(self) -> dict[str, Tensor]:
        """Returns the tensors as peft's `adapter_model.safetensors` names them."""
        out: dict[str, Tensor] = {}
        for module, (a, b) in self.pairs.items():
            # Copies: A is shared by split modules, and safetensors stores no shared memory.
            out[PEFT_PREFIX + module + _A] = a.clone()
            out[PEFT_PREFIX + module + _B] = b.clone()
        return out

    @classmethod
    def from_peft(cls, tensors: Mapping[str, Tensor], rank: int, alpha: int) -> LoraAdapter:
        """Reads what `peft_tensors` returned."""
        modules = sorted(
            name.removeprefix(PEFT_PREFIX).removesuffix(_A) for name in tensors if name.endswith(_A)
        )
        pairs = {
            module: (tensors[PEFT_PREFIX + module + _A], tensors[PEFT_PREFIX + module + _B])
            for module in modules
        }
        return cls(rank=rank, alpha=alpha, pairs=pairs)

    def config_json(self, base: str) -> dict[str, object]:
        """Returns peft's `adapter_config.json`."""
        return {
            "peft_type": "LORA",
            "base_model_name_or_path": base,
            "task_type": None,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": 0.0,
            "bias": "none",
            "target_modules": sorted(self.pairs),
        }


def insert_adapter(network: nn.Module, rank: int, alpha: int, seed: int) -> None:
    """Puts a fresh adapter into every target below `network`, in place; only it is trainable.

    `network` holds the talker as `talker`. The initial values are a function of the seed.

    Raises:
        MissingDependencyError: peft is absent.
    """
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError as error:
        raise MissingDependencyError(
            "LoRA needs peft; `pip install 'intone[train]'` and run again."
        ) from error
    config = LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=TARGETS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, network)


def official_adapter(
    talker: Talker, tensors: Mapping[str, Tensor], rank: int, alpha: int
) -> LoraAdapter:
    """Returns trained adapter tensors (our names, from "talker." on) under official names."""
    pairs: dict[str, tuple[Tensor, Tensor]] = {}
    for name, a in tensors.items():
        if not name.endswith(_OUR_A):
            continue
        module = name.removesuffix(_OUR_A)
        weight = module.removeprefix(TALKER) + ".weight"
        for official, b in official_tensors(
            talker, TALKER, {weight: tensors[module + _OUR_B]}
        ).items():
            pairs[official.removesuffix(".weight")] = (a, b)
    return LoraAdapter(rank=rank, alpha=alpha, pairs=pairs)


def our_tensors(adapter: LoraAdapter, names: list[str]) -> dict[str, Tensor]:
    """Returns the adapter's tensors for our parameter `names`, joined again.

    Raises:
        RunError: the adapter belongs to other networks.
    """
    out: dict[str, Tensor] = {}
    for name in names:
        suffix, part = (_OUR_A, 0) if name.endswith(_OUR_A) else (_OUR_B, 1)
        weight = name.removesuffix(suffix).removeprefix(TALKER) + ".weight"
        modules = [TALKER + each.removesuffix(".weight") for each in official_names(weight)]
        missing = [module for module in modules if module not in adapter.pairs]
        if missing:
            raise RunError(
                f"the checkpoint's adapter lacks {missing[0]}; it was trained from another model. "
                "Start a new run, or name the model that this one began with."
            )
        pieces = [adapter.pairs[module][part] for module in modules]
        out[name] = pieces[0] if part == 0 else torch.cat(pieces)
    return out

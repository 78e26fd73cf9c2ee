"""What figures of a GPU mean nothing without: which one, which driver, which libraries."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from intone.bench.machine import Machine

NOT_ON_A_GPU = "not measured on a GPU"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device of one machine."""

    name: str
    """Of the GPU; of the processor where there is none."""
    is_gpu: bool
    memory_gb: float | None
    """Of the GPU."""
    driver: str | None
    cuda: str | None
    """That torch was built for."""
    torch: str
    triton: str | None
    machine: Machine

    @classmethod
    def here(cls, device: str) -> Device:
        """Returns a torch device of this machine: cpu, cuda or cuda:N."""
        import torch

        machine = Machine.here()
        is_gpu = torch.device(device).type == "cuda"
        properties = torch.cuda.get_device_properties(device) if is_gpu else None
        return cls(
            name=machine.cpu if properties is None else properties.name,
            is_gpu=is_gpu,
            memory_gb=None if properties is None else round(properties.total_memory / 1e9, 1),
            driver=_driver() if is_gpu else None,
            cuda=torch.version.cuda,
            torch=torch.__version__,
            triton=_version("triton"),
            machine=machine,
        )

    def __str__(self) -> str:
        if not self.is_gpu:
            return f"{NOT_ON_A_GPU}: {self.machine}, torch {self.torch}"
        return (
            f"{self.name}, {self.memory_gb:g} GB, driver {self.driver or 'unknown'}, "
            f"CUDA {self.cuda}, torch {self.torch}, triton {self.triton or 'absent'}; "
            f"{self.machine}"
        )


def _driver() -> str | None:
    """The first GPU's; a machine has one driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, "--query-gpu=driver_version", "--format=csv,noheader"]
    ended = subprocess.run(query, capture_output=True, text=True, check=False)
    lines = ended.stdout.split()
    return lines[0] if ended.returncode == 0 and lines else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

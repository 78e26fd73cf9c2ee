"""A desk whose models make tones frame by frame and count them, with a memory that is made up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from starlette.requests import HTTPConnection
from tests.server.fakes import Behaviour, Counts, FakeModel, abilities

from intone.core.errors import DownloadError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import Capabilities
from intone.models.pull import PullProgress
from intone.render.ear import Ear
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord
from intone.studio.desk import Desk, LoadedModel, MachineState, ModelStatus, Size, ThreadModel
from intone.voices.library import VoiceLibrary

KEY = "anonymous"
BUILTIN = replace(abilities("builtin"), voices=("ava", "bella"), follows_instruct=False)
LARGE = replace(abilities("1.7b-custom"), size="1.7b")


@dataclass
class FakeModels:
    """Implements `Models`; one fake model for each of its names."""

    here: dict[str, Capabilities]
    counts: dict[str, Counts] = field(default_factory=dict)
    behaviour: Behaviour = field(default_factory=Behaviour)
    in_memory: dict[str, ModelStatus] = field(default_factory=dict)
    leased: dict[str, int] = field(default_factory=dict)
    size: Size = "0.6b"
    process_bytes: int | None = 200_000_000
    pulled: tuple[PullProgress, ...] = ()
    pull_error: DownloadError | None = None
    pull_gate: asyncio.Event | None = None
    """Pulls wait for it before they end."""
    on_lease: Callable[[], None] = lambda: None

    def names(self) -> tuple[str, ...]:
        return tuple(self.here)

    def describe(self, name: str) -> Capabilities:
        if name not in self.here:
            raise ModelNotFoundError(f"model {name!r} is not here; pull it under System.")
        return self.here[name]

    def memory_bytes(self, name: str) -> int:
        self.describe(name)
        return 1_900_000_000

    def states(self) -> tuple[LoadedModel, ...]:
        return tuple(
            LoadedModel(
                name=name,
                status=status,
                num_leases=self.leased.get(name, 0),
                memory_bytes=1_900_000_000,
            )
            for name, status in self.in_memory.items()
        )

    def preferred_size(self) -> Size:
        return self.size

    def prefer(self, size: Size) -> None:
        self.size = size

    def for_voice(self, voice: str | None) -> str:
        for name, can in self.here.items():
            if voice is None or voice in can.voices:
                return name
        if voice in ("ryan", "sohee"):
            raise ModelNotFoundError(f"{voice} needs 0.6b-custom; pull it under System.")
        raise UnknownVoiceError(f"voice {voice!r} is unknown here; choose one of the list.")

    def for_kind(self, kind: str) -> str:
        raise NotImplementedError

    @asynccontextmanager
    async def lease(self, key_id: str, model: str) -> AsyncIterator[FakeModel]:
        self.on_lease()
        self.in_memory = {model: "ready"}
        self.leased[model] = self.leased.get(model, 0) + 1
        counts = self.counts.setdefault(model, Counts())
        try:
            yield FakeModel(self.describe(model), counts, self.behaviour)
        finally:
            self.leased[model] -= 1

    def in_thread(self, key_id: str, model: str) -> ThreadModel:
        raise NotImplementedError

    def ear(self, key_id: str, model: str) -> Ear | None:
        return None

    def record(self, model: str) -> ModelRecord:
        return ModelRecord(
            name=model,
            kind="custom",
            size="tiny",
            fingerprint="f" * 64,
            device="cpu",
            dtype="fp32",
            threads=2,
        )

    async def free(self) -> tuple[str, ...]:
        idle = tuple(name for name in self.in_memory if not self.leased.get(name))
        for name in idle:
            del self.in_memory[name]
        if idle and self.process_bytes is not None:
            self.process_bytes -= 50_000_000
        return idle

    async def pull(self, name: str) -> AsyncIterator[PullProgress]:
        for progress in self.pulled:
            yield progress
        if self.pull_gate is not None:
            await self.pull_gate.wait()
        if self.pull_error is not None:
            raise self.pull_error
        self.here[name] = abilities(name)

    def machine(self) -> MachineState:
        return MachineState(
            process_bytes=self.process_bytes,
            available_bytes=10_000_000_000,
            total_bytes=16_000_000_000,
            device="cpu",
            dtype="fp32",
            threads=2,
        )


def make_desk(folder: Path, *here: Capabilities) -> Desk:
    """Returns a desk with the built-in voice, unless other models are named."""
    return Desk(
        models=FakeModels({can.model: can for can in here or (BUILTIN,)}),
        library=VoiceLibrary(folder / "voices"),
        takes=lambda key_id: OutputFolder(folder / "takes" / key_id),
        who=who,
        limit_characters=2_000,
    )


def who(connection: HTTPConnection) -> str:
    """Returns whose request it is: what it says itself, in these tests."""
    return connection.headers.get("x-key", KEY)


def models_of(desk: Desk) -> FakeModels:
    """Returns the models of a desk that `make_desk` made."""
    assert isinstance(desk.models, FakeModels)
    return desk.models

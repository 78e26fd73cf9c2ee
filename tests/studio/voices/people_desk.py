"""A desk of fake models, a library and takes in a folder, for the tabs about people."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import HTTPConnection
from tests.render.fake_synthesizer import FakeSynthesizer, abilities, person
from tests.voices.making_voices import codes

from intone.core.errors import EngineStoppedError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import Audio, Capabilities, ModelKind, SpeechRequest
from intone.models.pull import PullProgress
from intone.render.ear import Ear, SynthesizerEar
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord
from intone.studio.desk import Desk, LoadedModel, MachineState, Size
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Making, Reference, Voice

KEY = "anonymous"


class FakeThreadModel(FakeSynthesizer):
    """Can be stopped before a take; a test may hold it back at its gate."""

    is_stopped: bool = False
    gate: Callable[[], None] = staticmethod(lambda: None)

    def synthesize(self, request: SpeechRequest) -> Audio:
        self.gate()
        if self.is_stopped:
            raise EngineStoppedError("this work was stopped; ask again to begin anew.")
        return super().synthesize(request)

    def stop(self) -> None:
        self.is_stopped = True


@dataclass
class FakeModels:
    """Implements `Models`: one synthesizer for each kind that is here."""

    kinds: tuple[ModelKind, ...] = ("custom", "base", "design")
    speakers: dict[str, FakeThreadModel] = field(default_factory=dict)
    leased: list[str] = field(default_factory=list)
    is_deaf: bool = False
    """Nothing hears who speaks."""

    def __post_init__(self) -> None:
        for kind in self.kinds:
            can = abilities(kind, can_clone=kind == "base")
            self.speakers[can.model] = FakeThreadModel(can)

    def names(self) -> tuple[str, ...]:
        return tuple(self.speakers)

    def describe(self, name: str) -> Capabilities:
        return self.speakers[name].can

    def memory_bytes(self, name: str) -> int:
        return 2_000_000_000

    def states(self) -> tuple[LoadedModel, ...]:
        return ()

    def preferred_size(self) -> Size:
        return "0.6b"

    def prefer(self, size: Size) -> None:
        raise NotImplementedError

    def for_voice(self, voice: str | None) -> str:
        if voice is None or voice.lower() in ("ava", "fenrir"):
            return self.for_kind("custom")
        if voice is not None and "nobody" in voice:
            raise UnknownVoiceError(f"voice {voice!r} is unknown here; choose one of the list.")
        return self.for_kind("base")

    def for_kind(self, kind: ModelKind) -> str:
        if kind not in self.kinds:
            raise ModelNotFoundError(f"no {kind} model on this machine; pull one under System.")
        return f"fake-{kind}"

    @asynccontextmanager
    async def lease(self, key_id: str, model: str) -> AsyncIterator[FakeThreadModel]:
        self.leased.append(model)
        yield self.speakers[model]

    def in_thread(self, key_id: str, model: str) -> FakeThreadModel:
        asyncio.get_running_loop()
        return self.speakers[model]

    def ear(self, key_id: str, model: str) -> Ear | None:
        if self.is_deaf or "base" not in self.kinds:
            return None
        return SynthesizerEar(self.speakers["fake-base"], "fake-base")

    def record(self, model: str) -> ModelRecord:
        return ModelRecord(
            name=model, kind="base", size="tiny", fingerprint="f" * 64, device="cpu",
            dtype="float32", threads=2,
        )  # fmt: skip

    async def free(self) -> tuple[str, ...]:
        return ()

    async def pull(self, name: str) -> AsyncIterator[PullProgress]:
        raise NotImplementedError
        yield PullProgress(name, 0, 0)

    def machine(self) -> MachineState:
        raise NotImplementedError


def make_desk(folder: Path, *kinds: ModelKind) -> Desk:
    """Returns a desk; without kinds, all three kinds of models are here."""
    models = FakeModels(kinds or ("custom", "base", "design"))
    return Desk(
        models=models,
        library=VoiceLibrary(folder / "voices"),
        takes=lambda key_id: OutputFolder(folder / "takes" / key_id),
        who=anyone,
    )


def anyone(connection: HTTPConnection) -> str:
    """Returns whose request it is: there are no keys here."""
    return KEY


def fakes(desk: Desk) -> FakeModels:
    """Returns the models of a desk that `make_desk` made."""
    assert isinstance(desk.models, FakeModels)
    return desk.models


def kept_voice(name: str, *, moods: tuple[str, ...] = ()) -> Voice:
    """Returns a voice that the fake Base model speaks with."""
    bank = [
        Reference(
            mood=mood, text="Some words.", codes=codes(number, books=4), x_vector=person(mood)
        )
        for number, mood in enumerate(moods)
    ]
    neutral = Reference(text="Some words.", codes=codes(9, books=4), x_vector=person(name))
    return Voice(
        name=name,
        kind="cloned",
        language="english",
        hidden_size=16,
        x_vector=person(name),
        references=(neutral, *bank),
        making=Making(model="fake-base"),
        consent="They agreed.",
    )

"""The models of the studio: which one speaks with whom, and what is in memory."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from intone.cli.machine_memory import MachineMemory
from intone.cli.studio_leases import LeasedModels
from intone.core.errors import CheckpointError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import Capabilities, ModelKind
from intone.deploy.offline.hearing import CheckpointEar
from intone.deploy.served_models import ModelsHere
from intone.models.hub import HubSettings
from intone.models.identity import checkpoint_fingerprint
from intone.models.pull import PullProgress, pull
from intone.prompt.spec import preset_key
from intone.render.ear import Ear, SynthesizerEar
from intone.render.sidecar import ModelRecord
from intone.server.services import Services
from intone.studio.desk import LoadedModel, MachineState
from intone.voices.builtin_voice import BUILTIN_MODEL
from intone.voices.cloning import Cloner
from intone.voices.names import PRESET_NAMES
from intone.voices.voice import Voice


class StudioModels(LeasedModels):
    """Implements the studio's `Models` with the pool of a server."""

    def __init__(self, services: Services, source: ModelsHere) -> None:
        """Loads nothing."""
        super().__init__(services, source)
        self._source = source
        self._fingerprints: dict[Path, str] = {}

    def states(self) -> tuple[LoadedModel, ...]:
        return tuple(
            LoadedModel(
                name=state.name,
                status=state.status,
                num_leases=state.num_leases,
                memory_bytes=state.memory_bytes,
            )
            for state in self._services.pool.states()
        )

    def for_voice(self, voice: str | None) -> str:
        if voice is None:
            return self._first_with_presets()
        if voice in self._services.library:
            return self._for_kept(self._services.library.get(voice))
        wanted = preset_key(voice)
        for name, can in self._ordered():
            if wanted in (preset.lower() for preset in can.voices):
                return name
        if wanted in PRESET_NAMES:
            raise ModelNotFoundError(
                f"{voice} is a speaker of the CustomVoice models, and none is on this machine; "
                "pull 0.6b-custom or 1.7b-custom under System."
            )
        raise UnknownVoiceError(f"voice {voice!r} is unknown here; choose one of the list.")

    def for_kind(self, kind: ModelKind) -> str:
        for name, can in self._ordered():
            if can.kind == kind and name != BUILTIN_MODEL:
                return name
        if kind == "custom":
            return self._first_with_presets()
        fallback = next((name for name, can in self._ordered() if can.can_clone), None)
        if kind == "base" and fallback is not None:
            return fallback
        wanted = "1.7b-design" if kind == "design" else "0.6b-base"
        needed = "designs voices" if kind == "design" else "clones voices"
        raise ModelNotFoundError(f"no model on this machine {needed}; pull {wanted} under System.")

    def ear(self, key_id: str, model: str) -> Ear | None:
        if self.describe(model).can_clone:
            return SynthesizerEar(self.in_thread(key_id, model), model)
        base = next((name for name, can in self._ordered() if can.kind == "base"), None)
        return None if base is None else CheckpointEar(self._cloner(base), base)

    def record(self, model: str) -> ModelRecord:
        plan = self._source.plan(model)
        directory = plan.description.directory
        if directory not in self._fingerprints:
            self._fingerprints[directory] = checkpoint_fingerprint(directory)
        config = plan.description.config
        return ModelRecord(
            name=self._source.lasting_name(model),
            kind=config.kind,
            size=config.size,
            fingerprint=self._fingerprints[directory],
            device=plan.device,
            dtype=plan.dtype,
            threads=plan.threads,
        )

    async def free(self) -> tuple[str, ...]:
        return await self._services.pool.free_idle()

    async def pull(self, name: str) -> AsyncIterator[PullProgress]:
        news: asyncio.Queue[PullProgress | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def tell(progress: PullProgress | None) -> None:
            loop.call_soon_threadsafe(news.put_nowait, progress)

        settings = HubSettings.from_env(os.environ)
        work = asyncio.create_task(asyncio.to_thread(pull, name, settings, on_progress=tell))
        work.add_done_callback(lambda _: news.put_nowait(None))
        while (progress := await news.get()) is not None:
            yield progress
        await work  # raises what the pull raised

    def machine(self) -> MachineState:
        plan = self._source.plan(self._source.default())
        memory = MachineMemory.here()
        return MachineState(
            process_bytes=memory.process_bytes,
            available_bytes=memory.available_bytes,
            total_bytes=memory.total_bytes,
            device=plan.device,
            dtype=plan.dtype,
            threads=plan.threads,
        )

    def _ordered(self) -> Iterator[tuple[str, Capabilities]]:
        """Yields the models of this machine: the preferred size first, the built-in voice last."""
        here = list[tuple[str, Capabilities]]()
        for name in self.names():
            try:
                here.append((name, self.describe(name)))
            except CheckpointError:  # whoever asks for that one by name is told
                continue
        yield from sorted(
            here, key=lambda one: (one[0] == BUILTIN_MODEL, one[1].size.lower() != self._size)
        )

    def _first_with_presets(self) -> str:
        found = next((name for name, can in self._ordered() if can.voices), None)
        return self._source.default() if found is None else found

    def _for_kept(self, voice: Voice) -> str:
        own = voice.model or voice.making.model
        fitting = [name for name, can in self._ordered() if _fits(voice, can)]
        owns = None if own is None else Path(own).name  # a trained model is given by its path
        found = next((name for name in (own, owns, *fitting) if name in fitting), None)
        if found is None:
            raise ModelNotFoundError(
                f"voice {voice.name!r} speaks with {own or 'a Base model of its size'}, which is "
                "not on this machine; pull it under System."
            )
        return found

    def _cloner(self, model: str) -> Cloner:
        return Cloner(self._source.directory(model), "cpu")


def _fits(voice: Voice, can: Capabilities) -> bool:
    if voice.x_vector is None:
        return voice.speaker in can.voices
    fits = voice.fits(hidden_size=can.hidden_size, num_codebooks=can.num_codebooks)
    return can.can_clone and fits

"""A server with a key, on models that decode clips as real ones do, and a sentinel beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.server.fakes import FakeModel, FakeSource
from tests.server.hostile.checking import Judge
from tests.server.jobs.running import job_services

from intone.audio.reference import load_reference
from intone.core.types import Capabilities, Samples, VoiceClonePrompt
from intone.server.admission import KeyLimits
from intone.server.app import create_app
from intone.server.key_ring import KeyRing
from intone.server.keys import KeyFile
from intone.server.sections import LimitsSection
from intone.server.services import Services
from intone.server.settings import Settings

LIMITS = LimitsSection(body=2_000_000, upload=3_000_000, text_characters=2_000)


class DecodingModel(FakeModel):
    """Listens to a clip with the real decoder before it makes something up."""

    def clone(
        self,
        ref_audio: tuple[Samples, int] | bytes,
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
        append_silence: bool = True,
    ) -> VoiceClonePrompt:
        load_reference(ref_audio)
        return super().clone(
            ref_audio, ref_text, x_vector_only=x_vector_only, append_silence=append_silence
        )


class DecodingSource(FakeSource):
    """Opens models that decode."""

    def open(self, name: str) -> FakeModel:
        can: Capabilities = self.describe(name)
        return DecodingModel(can, self.counts[can.model], self.behaviours[can.model])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's state; what lies beside it must stay as it is."""
    place = tmp_path_factory.mktemp("outside")
    (place / "sentinel.voice").write_bytes(b"untouched")
    inside = place / "state" / "of" / "server"
    inside.mkdir(parents=True)
    return inside


@pytest.fixture(scope="module")
def token(folder: Path) -> str:
    return KeyFile(folder / "keys.json").add("app", KeyLimits())


@pytest.fixture(scope="module")
def services(folder: Path, token: str) -> Services:
    made = job_services(folder, DecodingSource(), Settings(limits=LIMITS))
    return replace(made, keys=KeyRing(KeyFile(folder / "keys.json")))


@pytest.fixture(scope="module")
def client(services: Services, token: str) -> Iterator[TestClient]:
    app = create_app(services)
    headers = {"Authorization": f"Bearer {token}"}
    with TestClient(app, raise_server_exceptions=False, headers=headers) as made:
        yield made


@pytest.fixture
def judge(folder: Path, token: str) -> Iterator[Judge]:
    """Judges, and sees that nothing outside has changed."""
    yield Judge(folder, token)
    outside = folder.parents[2]
    assert {path.name for path in outside.iterdir()} == {"sentinel.voice", "state"}
    assert (outside / "sentinel.voice").read_bytes() == b"untouched"

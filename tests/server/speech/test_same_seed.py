"""Same seed, same request: the same bytes, alone or in company, from a real engine in fp32."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from fastapi.testclient import TestClient
from tests.server.fakes import fake_services

from intone.core.types import Capabilities, ModelKind
from intone.server.app import create_app
from intone.server.pool import ModelPool, PoolLimits
from intone.server.services import Services
from intone.tts import TTS


@dataclass
class OneModel:
    """A source of one real checkpoint."""

    directory: Path

    def default(self) -> str:
        return "tiny"

    def names(self) -> tuple[str, ...]:
        return ("tiny",)

    def describe(self, name: str) -> Capabilities:
        with self.open(name) as tts:
            return tts.capabilities()

    def memory_bytes(self, name: str) -> int:
        return 1

    def open(self, name: str) -> TTS:
        return TTS(self.directory, device="cpu", dtype="fp32", num_slots=5)


def real_services(folder: Path, directory: Path) -> Services:
    services, source = fake_services(folder), OneModel(directory)
    pool = ModelPool(source, PoolLimits(), services.clock)
    return replace(services, source=source, pool=pool)


def test_a_request_sounds_the_same_alone_and_in_company(
    tmp_path: Path, tiny_checkpoint: Callable[[ModelKind], Path]
) -> None:
    services = real_services(tmp_path, tiny_checkpoint("custom"))
    bodies = [
        {
            "input": f"Number {n}.",
            "model": "tiny",
            "voice": "ryan",
            "seed": n,
            "max_frames": 6 + n,
            "response_format": "pcm",
        }
        for n in range(4)
    ]
    with TestClient(create_app(services)) as client, ThreadPoolExecutor(4) as threads:

        def ask(body: dict[str, object]) -> bytes:
            answer = client.post("/v1/audio/speech", json=body)
            assert answer.status_code == 200, answer.text
            return answer.content

        alone = [ask(body) for body in bodies]
        together = list(threads.map(ask, bodies * 2))
    assert together == alone * 2
    assert all(len(sound) > 0 for sound in alone)
    assert len(set(alone)) == len(alone)

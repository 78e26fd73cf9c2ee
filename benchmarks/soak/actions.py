"""What users of the soak do: each action asks something and says what came of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx2
from websockets.asyncio.client import connect

TEXTS = (
    "The kettle is on.",
    "Rain is expected in the north this evening.",
    "She read the letter twice before she answered it.",
    "Your table for four is ready by the window.",
)
FORMATS = ("pcm", "wav", "flac", "mp3", "opus", "aac")
_ID = "X-Request-Id"
_BUSY = (429, 503)
_UNLOGGED = "/metrics"
"""Its requests are no news to a log."""


@dataclass
class Soak:
    """The server, and what is known of its answers."""

    url: str
    key: str
    client: httpx2.AsyncClient
    clip: bytes
    rng: random.Random
    statuses: dict[str, set[int]] = field(default_factory=dict)
    """By request id, what the log may say: a request that was left has no status to know."""
    sounds: dict[tuple[str, int], set[str]] = field(default_factory=dict)
    """By text and seed, the hashes of what was heard."""
    num_ids: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """Empty at the end."""

    def new_id(self) -> str:
        self.num_ids += 1
        return f"soak-{self.num_ids:06d}-{self.rng.getrandbits(32):08x}"

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}", _ID: name}

    def speech(self) -> dict[str, object]:
        text, seed = self.rng.choice(TEXTS), self.rng.randrange(4)
        return {"model": "builtin", "voice": "ava", "input": text, "seed": seed}

    async def ask(
        self, method: str, path: str, expected: int, **content: object
    ) -> httpx2.Response | None:
        """Asks, and notes what came; None where the server was busy."""
        name = self.new_id()
        answer = await self.client.request(
            method, self.url + path, headers=self.headers(name), **content
        )  # type: ignore[arg-type]
        if path != _UNLOGGED:
            self.statuses[name] = {answer.status_code}
        if answer.status_code in _BUSY and "retry-after" in answer.headers:
            self.counts["busy"] = self.counts.get("busy", 0) + 1
            return None
        if answer.status_code != expected:
            self.problems.append(f"{method} {path}: {answer.status_code}, {answer.text[:200]}")
        return answer


async def speak(soak: Soak) -> None:
    """A whole take; the same text and seed sound the same, whatever else runs."""
    body = soak.speech() | {"response_format": "pcm"}
    answer = await soak.ask("POST", "/v1/audio/speech", 200, json=body)
    if answer is not None:
        known = soak.sounds.setdefault((str(body["input"]), int(str(body["seed"]))), set())
        known.add(hashlib.sha256(answer.content).hexdigest())


async def speak_encoded(soak: Soak) -> None:
    """A whole take in any format."""
    body = soak.speech() | {"response_format": soak.rng.choice(FORMATS)}
    answer = await soak.ask("POST", "/v1/audio/speech", 200, json=body)
    if answer is not None and len(answer.content) < 500:
        soak.problems.append(f"{body['response_format']}: {len(answer.content)} bytes")


async def hear_events(soak: Soak) -> None:
    """A take as events; the last one says how it ended."""
    body = soak.speech() | {"stream_format": "sse", "response_format": "pcm"}
    answer = await soak.ask("POST", "/v1/audio/speech", 200, json=body)
    if answer is not None and "speech.audio.done" not in answer.text:
        soak.problems.append("events without an end")


async def leave(soak: Soak) -> None:
    """Goes away in the middle of a stream, or before it begins."""
    name = soak.new_id()
    soak.statuses[name] = {200, 499, *_BUSY}
    patience_s = soak.rng.uniform(0.0, 0.6)
    body = soak.speech() | {"response_format": soak.rng.choice(FORMATS)}
    try:
        async with (
            asyncio.timeout(patience_s),
            soak.client.stream(
                "POST", f"{soak.url}/v1/audio/speech", json=body, headers=soak.headers(name)
            ) as answer,
        ):
            async for _ in answer.aiter_raw():
                pass
    except TimeoutError:
        return


async def be_wrong(soak: Soak) -> None:
    """A request that must be refused."""
    wrong = ({"input": ""}, {"input": "x", "shout": 1}, {"input": "x", "voice": "nobody"})
    await soak.ask("POST", "/v1/audio/speech", 400, json=soak.rng.choice(wrong))


async def look_around(soak: Soak) -> None:
    """Lists and figures."""
    path = soak.rng.choice(("/v1/models", "/v1/audio/voices", "/metrics", "/v1/audio/jobs"))
    await soak.ask("GET", path, 200)


async def keep_a_voice(soak: Soak) -> None:
    """A voice is made, spoken with, and removed."""
    name = f"soak{soak.rng.getrandbits(40):x}"
    form = {"name": name, "consent": "made for a test", "anyway": "true", "form": "x_vector"}
    files = {"audio_sample": ("clip.wav", soak.clip, "audio/wav")}
    made = await soak.ask("POST", "/v1/audio/voices", 201, data=form, files=files)
    if made is None or made.status_code != 201:
        return
    body = {"model": "builtin", "voice": name, "input": soak.rng.choice(TEXTS), "seed": 1}
    await soak.ask("POST", "/v1/audio/speech", 200, json=body | {"response_format": "wav"})
    await soak.ask("DELETE", f"/v1/audio/voices/{name}", 200)


async def order(soak: Soak) -> None:
    """A job; some are deleted while they run."""
    body = {"input": " ".join(TEXTS), "voice": "ava", "model": "builtin", "seed": 3}
    sent = await soak.ask("POST", "/v1/audio/jobs", 202, json=body)
    if sent is None or sent.status_code != 202:
        return
    id, is_patient = sent.json()["id"], soak.rng.random() < 0.7
    for _ in range(240 if is_patient else 2):
        await asyncio.sleep(0.5)
        job = await soak.ask("GET", f"/v1/audio/jobs/{id}", 200)
        if job is not None and job.json()["state"] in ("done", "failed"):
            break
    if is_patient and (job is None or job.json()["state"] != "done"):
        soak.problems.append(f"a job ended as {job.json()['state'] if job else 'busy'}")
    await soak.ask("DELETE", f"/v1/audio/jobs/{id}", 200)


async def speak_many(soak: Soak) -> None:
    """A batch."""
    items = [soak.speech() for _ in range(3)]
    body = {"items": [{k: v for k, v in item.items() if k != "model"} for item in items]}
    answer = await soak.ask("POST", "/v1/audio/batch", 200, json=body | {"model": "builtin"})
    if answer is not None and "error" in answer.json():
        soak.problems.append(f"batch: {answer.text[:200]}")


async def speak_live(soak: Soak) -> None:
    """Text in pieces over a WebSocket; a third of the sessions is dropped."""
    name = soak.new_id()
    soak.statuses[name] = {101, *_BUSY}
    url = soak.url.replace("http", "ws", 1) + "/v1/audio/speech/stream"
    drops, kinds = soak.rng.random() < 0.33, []
    mode = soak.rng.choice(("sentence", "token"))
    async with connect(url, additional_headers=soak.headers(name)) as socket:
        config = {"type": "session.config", "model": "builtin", "voice": "ava", "mode": mode}
        await socket.send(json.dumps(config))
        for word in soak.rng.choice(TEXTS).split(" "):
            await socket.send(json.dumps({"type": "input.text", "text": word + " "}))
        if drops:
            return
        await socket.send(json.dumps({"type": "input.done"}))
        async with asyncio.timeout(60):
            async for message in socket:
                kinds.append(json.loads(message)["type"] if isinstance(message, str) else "sound")
    if "sound" not in kinds or "audio.done" not in kinds:
        soak.problems.append(f"live {mode}: {kinds[-3:]}")


Action = Callable[[Soak], Awaitable[None]]

ACTIONS: dict[Action, int] = {
    speak: 30,
    leave: 25,
    speak_encoded: 15,
    be_wrong: 8,
    look_around: 8,
    hear_events: 6,
    speak_live: 6,
    speak_many: 3,
    keep_a_voice: 2,
    order: 2,
}
"""By how often they are taken."""

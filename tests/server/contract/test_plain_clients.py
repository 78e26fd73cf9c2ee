"""curl, and a browser's `fetch`: what needs no package."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import httpx
import pytest
import soundfile
from tests.server.contract.conftest import StartServer
from tests.server.fakes import FakeSource, fake_services

from intone.server.sections import ServerSection
from intone.server.services import Services
from intone.server.settings import Settings

PAGE = "https://reader.example"

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")


def curl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["curl", "--silent", "--show-error", "--max-time", "10", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@needs_curl
def test_curl_writes_a_file(url: str, tmp_path: Path) -> None:
    body = '{"model": "tts-1", "voice": "alloy", "input": "Hello.", "response_format": "wav"}'
    out = tmp_path / "speech.wav"
    done = curl(
        f"{url}/v1/audio/speech",
        *("-H", "Content-Type: application/json", "-d", body, "--fail", "--output", str(out)),
    )

    assert done.returncode == 0, done.stderr
    assert soundfile.read(out)[1] == 24_000


@needs_curl
def test_curl_fails_on_a_request_that_is_refused(url: str, tmp_path: Path) -> None:
    done = curl(
        f"{url}/v1/audio/speech",
        *("-H", "Content-Type: application/json", "-d", '{"input": ""}', "--fail"),
    )

    assert done.returncode == 22


def test_a_page_of_an_allowed_origin_may_ask_and_read_the_headers(
    start: StartServer, tmp_path: Path
) -> None:
    settings = Settings(server=ServerSection(cors_origins=(PAGE,)))
    url = start(fake_services(tmp_path, settings=settings))
    asked = {
        "Origin": PAGE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    allowed = httpx.options(f"{url}/v1/audio/speech", headers=asked)
    answer = httpx.post(
        f"{url}/v1/audio/speech",
        json={"model": "tts-1", "voice": "alloy", "input": "Hello."},
        headers={"Origin": PAGE},
    )

    assert allowed.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()


def test_a_page_of_another_origin_may_not(url: str) -> None:
    answer = httpx.get(f"{url}/v1/models", headers={"Origin": "https://elsewhere.example"})

    assert "access-control-allow-origin" not in answer.headers


_PAGE_SCRIPT = """
const answer = await fetch(process.argv[1] + "/v1/audio/speech", {
  method: "POST",
  headers: {"content-type": "application/json"},
  body: JSON.stringify({model: "tts-1", voice: "alloy", input: "x", response_format: "pcm"}),
});
let bytes = 0, pieces = 0;
for (const reader = answer.body.getReader();;) {
  const {done, value} = await reader.read();
  if (done) break;
  bytes += value.length;
  pieces += 1;
}
console.log(JSON.stringify([answer.status, bytes, pieces]));
"""


@needs_node
def test_fetch_reads_a_stream_in_pieces(start: StartServer, new_services: Services) -> None:
    source = new_services.source
    assert isinstance(source, FakeSource)
    source.behaviours["fake-custom"].frame_s = 0.01
    source.behaviours["fake-custom"].num_frames = lambda request: 20
    command = ["node", "--input-type=module", "-e", _PAGE_SCRIPT, start(new_services)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    status, num_bytes, pieces = eval(done.stdout)

    assert (status, num_bytes) == (200, 20 * 1_920 * 2)
    assert pieces > 3


def test_a_stream_comes_at_the_pace_at_which_it_is_made(
    start: StartServer, new_services: Services
) -> None:
    source = new_services.source
    assert isinstance(source, FakeSource)
    source.behaviours["fake-custom"].frame_s = 0.02
    source.behaviours["fake-custom"].num_frames = lambda request: 20
    made: list[int] = []
    body = {"model": "tts-1", "voice": "alloy", "input": "x", "response_format": "pcm"}
    with httpx.stream("POST", f"{start(new_services)}/v1/audio/speech", json=body) as answer:
        assert answer.headers.get("transfer-encoding") == "chunked"
        for _ in answer.iter_raw():
            made.append(source.frames_made)

    assert made[0] < 10 < made[-1]

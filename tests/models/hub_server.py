"""A hub on 127.0.0.1 that answers like Hugging Face and like ModelScope, and can misbehave."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"

TINY_CHECKPOINT = {
    "config.json": b'{"model_type": "qwen3_tts"}',
    "vocab.json": b"{}",
    "merges.txt": b"a b\n",
    "model.safetensors": bytes(range(256)) * 1_000,
    "speech_tokenizer/config.json": b"{}",
    "speech_tokenizer/model.safetensors": bytes(range(255, -1, -1)) * 500,
}
"""What a pull fetches, as far as a hub can tell."""


@dataclass(frozen=True, slots=True)
class LoggedRequest:
    method: str
    path: str
    range: str | None
    authorization: str | None


@dataclass(slots=True)
class HubState:
    """One repository and how the hub treats it."""

    repo_id: str
    files: dict[str, bytes]
    refuse_with: int | None = None
    """Status of every answer."""
    cuts: int = 0
    """How many large files still end in the middle."""
    dies: bool = False
    """Whether nothing more is answered after the last cut."""
    is_dead: bool = False
    resumes: bool = True
    """Whether Range is honoured."""
    damages: bool = False
    """Whether large files arrive with wrong bytes."""
    speaks_modelscope: bool = True
    log: list[LoggedRequest] = field(default_factory=list)

    def ranges_of(self, name: str) -> list[str | None]:
        """Returns the Range of every GET that asked for one file."""
        return [r.range for r in self.log if r.method == "GET" and name in unquote(r.path)]


@contextmanager
def hub_server(state: HubState) -> Iterator[str]:
    """Serves `state` and yields the address."""

    class Handler(_Handler):
        hub = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: HubState

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self) -> None:
        self.hub.log.append(
            LoggedRequest(
                self.command,
                self.path,
                self.headers.get("Range"),
                self.headers.get("Authorization"),
            )
        )
        if self.hub.is_dead:
            self.close_connection = True
            return
        if self.hub.refuse_with is not None:
            self._send(self.hub.refuse_with, b"")
            return
        address = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(address.query).items()}
        repo = self.hub.repo_id
        if address.path == f"/api/models/{repo}/revision/main":
            self._send_json({"id": repo, "sha": COMMIT, "siblings": []})
        elif address.path == f"/api/models/{repo}/tree/{COMMIT}":
            self._send_json([_hf_entry(name, data) for name, data in self.hub.files.items()])
        elif address.path.startswith(f"/{repo}/resolve/{COMMIT}/"):
            self._send_file(unquote(address.path.split(COMMIT + "/")[1]))
        elif address.path == f"/api/v1/models/{repo}/repo/files" and query["Revision"] == "master":
            entries = [_modelscope_entry(name, data) for name, data in self.hub.files.items()]
            self._send_json({"Data": {"Files": entries} if self.hub.speaks_modelscope else None})
        elif address.path == f"/api/v1/models/{repo}/repo":
            self._send_file(query["FilePath"])
        else:
            self._send(404, b"")

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send_file(self, name: str) -> None:
        data = self.hub.files[name]
        headers = {"ETag": f'"{_sha256(data)}"', "X-Repo-Commit": COMMIT}
        status, start = 200, 0
        asked = self.headers.get("Range")
        if asked and self.hub.resumes:
            start = int(asked.removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
            status = 206
        if self.hub.damages and len(data) > 1_000:
            data = b"\0" * len(data)
        self._send(status, data[start:], headers)

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.cuts and "ETag" in (headers or {}) and len(body) > 1_000:
            self.hub.cuts -= 1
            self.hub.is_dead = self.hub.dies and self.hub.cuts == 0
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hf_entry(name: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


def _modelscope_entry(name: str, data: bytes) -> dict[str, object]:
    return {"Path": name, "Type": "blob", "Size": len(data), "Sha256": _sha256(data)}

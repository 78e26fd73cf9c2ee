"""Files of sound as addresses that one caller may fetch, and buttons that play them.

An address has 128 random bits and its caller's name behind it; addresses end with the process.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from html import escape
from pathlib import Path
from threading import Lock

from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse
from starlette.requests import HTTPConnection, Request

PLAY = "(url, label) => { if (url) window.intone.play(url, label); }"
"""Plays an address in the page, once a handler has put it into a field; "" plays nothing."""

_MAX_OFFERS = 20_000


class SoundShelf:
    """Offers files under addresses of their own; any thread may call."""

    def __init__(self, root: str) -> None:
        """Takes the path of the studio, "" or "/studio"."""
        self._root = root
        self._lock = Lock()
        self._tokens: OrderedDict[tuple[str, Path], str] = OrderedDict()
        self._offers: dict[str, tuple[str, Path]] = {}

    def offer(self, path: Path, key_id: str) -> str:
        """Returns the address of a file, for this caller alone; the same file has the same one."""
        offer = (key_id, path)
        with self._lock:
            token = self._tokens.setdefault(offer, secrets.token_urlsafe(16))
            self._tokens.move_to_end(offer)
            self._offers[token] = offer
            if len(self._tokens) > _MAX_OFFERS:
                _, oldest = self._tokens.popitem(last=False)
                del self._offers[oldest]
        return f"{self._root}/sound/{token}{path.suffix}"

    def find(self, name: str, key_id: str) -> Path | None:
        """Returns the file behind the last part of an address; None where it is not theirs."""
        with self._lock:
            owner, path = self._offers.get(name.partition(".")[0], (None, None))
        return path if owner == key_id else None


def sound_routes(shelf: SoundShelf, who: Callable[[HTTPConnection], str]) -> APIRouter:
    """Returns the route that serves what a shelf offers."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sound/{name}")
    async def sound(name: str, request: Request) -> FileResponse:
        path = shelf.find(name, who(request))
        if path is None or not path.is_file():
            raise HTTPException(404, "there is no such sound any more; reload the page.")
        return FileResponse(path, headers={"cache-control": "private, no-cache"})

    return router


def play_button(url: str, label: str, text: str = "Play") -> str:
    """Returns a button that plays a file in the page's one player.

    Args:
        label: what is heard, for screen readers and the player.
    """
    return (
        f'<button type="button" class="intone-button play" data-play="{escape(url)}" '
        f'data-label="{escape(label)}" aria-label="Play {escape(label)}">{escape(text)}</button>'
    )


def download_link(url: str, file_name: str, text: str = "Download") -> str:
    """Returns a link that saves a file under a name."""
    return (
        f'<a class="intone-button" href="{escape(url)}" download="{escape(file_name)}">'
        f"{escape(text)}</a>"
    )

"""The compiled whole: heard, saved and looked at on the page, and the routes that serve it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from starlette.requests import HTTPConnection, Request

from intone.audio.stream_encoders import whole_encoder
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import IntoneError
from intone.render.plot import check_picture, save_picture
from intone.render.subtitles import SubtitleFormat, subtitles
from intone.studio.parts.sounds import download_link, play_button
from intone.studio.script.sessions import ScriptSessions
from intone.studio.script.view import View
from intone.studio.script.whole import Whole
from intone.studio.sound.downloads import DOWNLOAD_FORMATS, DownloadFormat

Who = Callable[[HTTPConnection], str]

_MEDIA_TYPES = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
}
_SUBTITLES: tuple[SubtitleFormat, ...] = ("srt", "vtt")


def whole_html(view: View, address: str, sound: str | None) -> str:
    """Returns the panel; empty where nothing was drawn yet.

    Args:
        address: of the script's routes.
        sound: address of its file on the disk, where it has one.
    """
    whole = view.whole
    if view.whole_problem is not None:
        words = escape(f"The whole cannot be compiled: {view.whole_problem}")
        return f'<p class="intone-note problem script-filled" role="alert">{words}</p>'
    if whole is None:
        return ""
    version = f"?v={view.version}"
    links = "".join(
        download_link(f"{address}/whole.{end}{version}", f"{whole.stem}.{end}", end)
        for end in (*DOWNLOAD_FORMATS, *_SUBTITLES)
    )
    heard = f"{sound or address + '/whole.wav'}{version}"
    play = play_button(heard, "the whole script", "Play the whole")
    return (
        '<section class="script-whole script-filled" aria-label="The whole">'
        f'<div class="buttons">{play}'
        f'<span class="figures">{escape(_figures(whole))}</span></div>'
        f'<div class="buttons"><span>Download</span>{links}</div>'
        f"{_picture(address, version)}</section>"
    )


def _figures(whole: Whole) -> str:
    number = len(whole.rows)
    parts = [f"{whole.duration_s:.1f} s", "1 row" if number == 1 else f"{number} rows"]
    if whole.num_missing:
        parts.append(f"left out, without a take: {whole.num_missing}")
    parts.append(str(whole.likeness))
    if whole.loudness is not None:
        parts.append(whole.loudness)
    return " · ".join(parts)


def _picture(address: str, version: str) -> str:
    try:
        check_picture(Path("picture.png"))
    except IntoneError as error:
        return f'<p class="intone-note hint">{escape(f"No spectrogram: {error}")}</p>'
    images = "".join(
        f'<img class="{look}" loading="lazy" alt="Spectrogram of the whole, with moods and '
        f'similarities above its segments" src="{address}/picture-{look}.png{version}">'
        for look in ("light", "dark")
    )
    return f"<details><summary>Spectrogram, with moods and similarities</summary>{images}</details>"


def whole_routes(sessions: ScriptSessions, who: Who) -> APIRouter:
    """Returns the routes of compiled scripts; each is its key's alone."""
    router = APIRouter(include_in_schema=False)

    async def found(request: Request, project_id: str) -> Whole:
        try:
            session = await asyncio.to_thread(sessions.get, who(request), project_id)
        except IntoneError as error:
            raise HTTPException(404, str(error)) from error
        if session.view.whole is None:
            raise HTTPException(404, "nothing of this script is drawn yet; look under Takes.")
        return session.view.whole

    @router.get("/script/{project_id}/whole.{ending}")
    async def whole(project_id: str, ending: str, request: Request) -> Response:
        made = await found(request, project_id)
        if ending not in _MEDIA_TYPES:
            raise HTTPException(404, f"allowed: {', '.join(_MEDIA_TYPES)}.")
        data = await asyncio.to_thread(_file, made, ending)
        headers = {
            "content-disposition": f'inline; filename="{made.stem}.{ending}"',
            "cache-control": "private, no-store",
        }
        return Response(data, headers=headers, media_type=_MEDIA_TYPES[ending])

    @router.get("/script/{project_id}/picture-{look}.png")
    async def picture(project_id: str, look: str, request: Request) -> Response:
        made = await found(request, project_id)
        try:
            data = await asyncio.to_thread(_png, made, look == "dark")
        except IntoneError as error:
            raise HTTPException(404, str(error)) from error
        headers = {"cache-control": "private, max-age=3600"}
        return Response(data, headers=headers, media_type="image/png")

    return router


def _file(whole: Whole, ending: str) -> bytes:
    for form in _SUBTITLES:
        if ending == form:
            return "".join(subtitles(whole.spans, form)).encode()
    format: DownloadFormat = next(one for one in DOWNLOAD_FORMATS if one == ending)
    encoder = whole_encoder(format, SAMPLE_RATE_HZ)
    return encoder.feed(whole.samples) + encoder.finish()


def _png(whole: Whole, is_dark: bool) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "picture.png"
        save_picture(path, whole.samples, SAMPLE_RATE_HZ, whole.plotted, is_dark=is_dark)
        return path.read_bytes()

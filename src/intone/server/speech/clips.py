"""The reference clip of a request: base64, a data: URL, or an address that the server may fetch."""

from __future__ import annotations

import asyncio
import base64
import binascii

from intone.audio.reference import ReferenceClip, load_reference
from intone.core.errors import ReferenceAudioError
from intone.server.fetching import Fetching, fetch
from intone.server.settings import Settings
from intone.server.speech.body import SpeechBody
from intone.server.speech.clones import Clip

_URL_STARTS = ("http://", "https://")


async def clip_of(body: SpeechBody, settings: Settings) -> Clip | None:
    """Returns the checked clip of a body, or None where it has none.

    Raises:
        ReferenceAudioError: not base64, no clip, too long, or an address that is not fetched.
    """
    if body.ref_audio is None:
        return None
    data = await _bytes_of(body.ref_audio, settings)
    clip = await asyncio.to_thread(_checked, data, settings.limits.clip_s)
    return Clip(
        samples=clip.samples, text=body.ref_text or None, x_vector_only=body.x_vector_only_mode
    )


async def _bytes_of(given: str, settings: Settings) -> bytes:
    if given.lower().startswith(_URL_STARTS):
        speech = settings.speech
        if not speech.ref_audio_urls:
            raise ReferenceAudioError(
                "ref_audio is an address, and this server fetches none; send the clip itself, as "
                "base64 or as a data: URL."
            )
        return await fetch(
            given,
            Fetching(
                max_bytes=settings.limits.body,
                timeout_s=speech.fetch_timeout_s,
                domains=speech.ref_audio_domains,
            ),
        )
    return _from_base64(given)


def _from_base64(given: str) -> bytes:
    encoded = given
    if given[:5].lower() == "data:":
        head, comma, encoded = given.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise ReferenceAudioError(
                "ref_audio is a data: URL without base64; send data:audio/wav;base64,... instead."
            )
    try:
        return base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ReferenceAudioError(
            "ref_audio is not base64; send the bytes of a wav, flac, mp3 or ogg file as base64, or "
            "as a data: URL."
        ) from error


def _checked(data: bytes, max_s: float) -> ReferenceClip:
    clip = load_reference(data)
    if clip.duration_s > max_s:
        raise ReferenceAudioError(
            f"ref_audio has {clip.duration_s:.1f} s; allowed: {max_s:g} s. Cut it down."
        )
    return clip

"""Tells a client over its WebSocket what is spoken, in the grammar of `events`."""

from __future__ import annotations

from intone.audio.stream_encoders import stream_encoder
from intone.core.constants import SAMPLE_RATE_HZ
from intone.server.live.channel import Channel
from intone.server.live.events import ServerEvent, SessionConfig
from intone.server.live.speaking import SegmentBegun, SegmentDone, Sound, Spoken
from intone.server.live.utterance import Utterance


class SocketListener:
    """Implements `Listener` for one text."""

    def __init__(self, channel: Channel, config: SessionConfig) -> None:
        self._channel = channel
        self._config = config
        self._encoder = stream_encoder(config.format, SAMPLE_RATE_HZ)

    async def start(self, seed: int) -> None:
        """Sends audio.start."""
        await self._channel.send_event(
            {
                "type": "audio.start",
                "format": self._config.format,
                "sample_rate_hz": SAMPLE_RATE_HZ,
                "channels": 1,
                "seed": seed,
            }
        )

    async def hear(self, item: Spoken) -> None:
        """Sends segment.start, sound, or segment.done."""
        match item:
            case SegmentBegun(index, text):
                await self._channel.send_event(
                    {"type": "segment.start", "index": index, "text": text}
                )
            case Sound(samples):
                await self._send(self._encoder.feed(samples))
            case SegmentDone():
                await self._channel.send_event(_segment_done(item))

    async def finish(self) -> None:
        """Sends what the encoder still holds."""
        await self._send(self._encoder.finish())

    def close(self) -> None:
        """Gives back what the encoder holds of a text that was left."""
        self._encoder.close()

    async def _send(self, data: bytes) -> None:
        if data:
            await self._channel.send_sound(data, as_event=self._config.audio == "base64")


def _segment_done(item: SegmentDone) -> ServerEvent:
    return {
        "type": "segment.done",
        "index": item.index,
        "finish_reason": item.finish_reason,
        "seed": item.seed,
        "duration_s": round(item.duration_s, 3),
    }


def audio_done(utterance: Utterance) -> ServerEvent:
    """Returns the last event of a text."""
    return {
        "type": "audio.done",
        "finish_reason": utterance.figures.finish_reason,
        "seed": utterance.plan.template.seed,
        "duration_s": round(utterance.figures.duration_s, 3),
        "segments": utterance.figures.num_segments,
        "characters": utterance.inputs.num_characters,
    }

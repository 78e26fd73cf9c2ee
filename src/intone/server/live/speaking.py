"""A text that is still being written, spoken: sentence by sentence, or token by token in one take.

What comes out is in order: a segment begins, sounds, and is done. Leaving the iterator stops the
take under way within a frame. Nothing here knows of sockets.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from intone.audio.stream_seams import StreamSeams
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.seeds import derived_seed
from intone.core.synthesizer import Synthesizer
from intone.core.types import AudioChunk, FinishReason, Samples, SpeechRequest
from intone.server.live.inputs import Mark, TextInputs
from intone.server.live.sentences import LiveSegment, SentenceFeed
from intone.text.spoken import Spelling, spoken_text


@dataclass(frozen=True, slots=True)
class SegmentBegun:
    """A take begins."""

    index: int
    text: str | None
    """None where it is not known yet (token mode)."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Samples to be played next, [S]; never empty."""

    samples: Samples


@dataclass(frozen=True, slots=True)
class SegmentDone:
    """A take is over."""

    index: int
    finish_reason: FinishReason
    seed: int
    duration_s: float
    """Of its sound as it was sent."""
    num_frames: int
    """That the talker made, silence that was trimmed included."""
    num_draws: int
    wall_s: float


Spoken = SegmentBegun | Sound | SegmentDone


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """For how long a writer is waited for."""

    starved_s: float
    """Then the text is taken to be over (`TextInputs.has_timed_out`)."""
    max_delay_s: float
    """In sentence mode, then the words so far are spoken, sentence or not."""


GetModel = Callable[[], Awaitable[Synthesizer]]
"""Returns the model for the next take; may wait for it."""


async def speak_sentences(
    get_model: GetModel,
    template: SpeechRequest,
    inputs: TextInputs,
    waits: Waits,
    spelling: Spelling,
) -> AsyncGenerator[Spoken, None]:
    """Speaks each sentence as soon as it is surely complete.

    Args:
        template: voice, seed and the rest; its text is unused. The first segment has its seed,
            later ones have seeds derived from it; its `max_frames` are those of all together.
        spelling: whether figures are written out.
    """
    seams = StreamSeams(SAMPLE_RATE_HZ)
    index, num_frames = 0, 0
    async with aclosing(_segments(inputs, template.language, waits)) as segments:
        async for segment in segments:
            request = await asyncio.to_thread(_request, template, segment.text, index, spelling)
            gap_s = segment.gap_after_s / template.speed
            model = await get_model()
            yield SegmentBegun(index, segment.text)
            if template.max_frames is not None:
                if num_frames >= template.max_frames:
                    yield _nothing_left(index, request)
                    return
                request = replace(request, max_frames=template.max_frames - num_frames)
            chunks = model.astream_request(request)
            async with aclosing(_take(chunks, index, seams, gap_s)) as spoken:
                async for item in spoken:
                    yield item
                    if isinstance(item, SegmentDone):
                        num_frames += item.num_frames
            index += 1


def _request(template: SpeechRequest, text: str, index: int, spelling: Spelling) -> SpeechRequest:
    assert template.seed is not None
    if spelling != "off":
        text = spoken_text(text, template.language, spelling=spelling).text
    seed = template.seed if index == 0 else derived_seed(template.seed, "take", index)
    return replace(template, text=text, seed=seed)


def _nothing_left(index: int, request: SpeechRequest) -> SegmentDone:
    """Returns the end of a segment for which no frames are left."""
    assert request.seed is not None
    return SegmentDone(index, "length", request.seed, 0.0, num_frames=0, num_draws=1, wall_s=0.0)


async def speak_tokens(
    get_model: GetModel, template: SpeechRequest, inputs: TextInputs, waits: Waits
) -> AsyncGenerator[Spoken, None]:
    """Speaks one take that reads the text while it comes."""
    pieces = inputs.pieces(waits.starved_s)
    first = ""
    async for piece in pieces:
        first += piece
        if first.strip():
            break
    if not first.strip():
        return
    model = await get_model()
    yield SegmentBegun(0, None)
    chunks = model.astream_live(replace(template, text=first), pieces)
    async with aclosing(_take(chunks, 0, StreamSeams(SAMPLE_RATE_HZ), 0.0)) as spoken:
        async for item in spoken:
            yield item


async def _segments(
    inputs: TextInputs, language: str, waits: Waits
) -> AsyncGenerator[LiveSegment, None]:
    """Yields segments as they become complete."""
    feed = SentenceFeed(language)
    while True:
        waits_s = waits.starved_s if feed.is_blank else min(waits.max_delay_s, waits.starved_s)
        try:
            item = await inputs.next(waits_s)
        except TimeoutError:
            found = list(feed.flush_words())
            if not found:
                inputs.has_timed_out = True
                item = Mark.END
            else:
                item = ""
        else:
            found = []
        if isinstance(item, str):
            found += feed.feed(item)
        else:
            found += feed.flush()
        for segment in found:
            yield segment
        if item is Mark.END:
            return


async def _take(
    chunks: AsyncIterator[AudioChunk], index: int, seams: StreamSeams, gap_s: float
) -> AsyncGenerator[Spoken, None]:
    """Yields the sound of one take and how it ended; leaving stops the take."""
    num_samples, num_frames, began_s = 0, 0, time.perf_counter()
    try:
        async for chunk in chunks:
            num_frames += chunk.num_frames
            samples = seams.feed(chunk.samples)
            if len(samples):
                num_samples += len(samples)
                yield Sound(samples)
            if chunk.finish_reason is not None:
                last = seams.next_take(gap_s)
                num_samples += len(last)
                if len(last):
                    yield Sound(last)
                yield SegmentDone(
                    index=index,
                    finish_reason=chunk.finish_reason,
                    seed=chunk.seed,
                    duration_s=num_samples / SAMPLE_RATE_HZ,
                    num_frames=num_frames,
                    num_draws=chunk.num_draws,
                    wall_s=time.perf_counter() - began_s,
                )
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()

"""`RemoteTTS` against Intone's server: the same takes as in this process."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from tests.remote.fleet import MODEL, OneModel, own_services
from tests.server.fakes import FakeSource
from tests.server.serving import serving

from intone.core.errors import (
    CapacityError,
    EngineStoppedError,
    InvalidSettingError,
    ModelNotFoundError,
    OutputError,
    RemoteError,
    TextTooLongError,
    UnknownLanguageError,
    UnknownVoiceError,
    UnsupportedModeError,
)
from intone.core.synthesizer import Synthesizer
from intone.core.types import (
    AudioChunk,
    ModelKind,
    SamplingOverrides,
    VoiceClonePrompt,
    join_chunks,
)
from intone.remote import RemoteTTS
from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile
from intone.server.sections import LimitsSection, QueueSection
from intone.tts import TTS

Checkpoint = Callable[[ModelKind], Path]
ONE_BIT = 1 / 32_768
TEXT = "The signal is back."


@pytest.fixture(scope="module")
def tiny(
    tiny_checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RemoteTTS]:
    """Speaks with a server that has a tiny checkpoint."""
    services = own_services(tmp_path_factory.mktemp("own"), OneModel(tiny_checkpoint("custom")))
    with serving(services) as url, RemoteTTS(url) as remote:
        yield remote


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def fake(source: FakeSource, tmp_path: Path) -> Iterator[RemoteTTS]:
    """Speaks with a server whose models make tones."""
    with serving(own_services(tmp_path, source)) as url, RemoteTTS(url, num_retries=0) as remote:
        yield remote


def until(is_so: Callable[[], bool], limit_s: float = 5.0) -> None:
    deadline_s = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline_s, "it did not happen"
        time.sleep(0.005)


def test_a_take_is_the_one_that_this_process_makes(tiny: RemoteTTS, tiny_tts: TTS) -> None:
    options = {"voice": "ryan", "seed": 7, "max_frames": 20, "temperature": 0.8}

    there, here = tiny.speak(TEXT, **options), tiny_tts.speak(TEXT, **options)  # type: ignore[arg-type]

    assert there.finish_reason == here.finish_reason
    assert there.seed == here.seed == 7
    assert len(there.samples) == len(here.samples)
    assert np.abs(there.samples - here.samples).max() <= ONE_BIT


def test_a_stream_has_the_frames_that_this_process_makes(tiny: RemoteTTS, tiny_tts: TTS) -> None:
    with tiny.stream(TEXT, seed=3, max_frames=20) as stream:
        there = list(stream)
    here = list(tiny_tts.stream(TEXT, seed=3, max_frames=20))

    assert sum(chunk.num_frames for chunk in there) == sum(chunk.num_frames for chunk in here)
    ends = [chunk.start_frame + chunk.num_frames for chunk in there]
    assert [chunk.start_frame for chunk in there] == [0, *ends[:-1]]
    whole_there, whole_here = join_chunks(there), join_chunks(here)
    assert np.abs(whole_there.samples - whole_here.samples).max() <= ONE_BIT
    assert [chunk.is_last for chunk in there] == [False] * (len(there) - 1) + [True]


def test_a_take_without_a_seed_repeats_with_the_seed_it_tells(tiny: RemoteTTS) -> None:
    first = tiny.speak(TEXT, max_frames=8)
    second = tiny.speak(TEXT, max_frames=8, seed=first.seed)

    assert np.array_equal(first.samples, second.samples)
    assert tiny.speak(TEXT, max_frames=8).seed != first.seed


def test_speed_is_made_there_and_frames_are_those_of_the_codec(
    tiny: RemoteTTS, tiny_tts: TTS
) -> None:
    there = list(tiny.stream(TEXT, seed=5, max_frames=16, speed=1.25, chunk_frames=4))
    here = list(tiny_tts.stream(TEXT, seed=5, max_frames=16, speed=1.25, chunk_frames=4))

    assert np.abs(join_chunks(there).samples - join_chunks(here).samples).max() <= ONE_BIT
    assert sum(one.num_frames for one in there) == sum(one.num_frames for one in here)


def test_it_is_a_synthesizer(tiny: RemoteTTS) -> None:
    synthesizer: Synthesizer = tiny

    can = synthesizer.capabilities()

    assert can.model == MODEL
    assert can.kind == "custom"
    assert "ryan" in can.voices
    assert can.hidden_size > 0


def test_what_is_asked_for_arrives(fake: RemoteTTS, source: FakeSource) -> None:
    fake.speak(
        "Guten Tag, 17 [pause:1s] Leute.",
        voice="vivian",
        instruct="warmly",
        language="de",
        seed=9,
        temperature=0.5,
        top_k=20,
        top_p=0.9,
        repetition_penalty=1.1,
        max_frames=5,
        chunk_frames=2,
        speed=1.5,
    )

    (request,) = source.counts["fake-custom"].requests
    assert request.text == "Guten Tag, 17 [pause:1s] Leute."  # as given: no tags, no figures read
    assert (request.voice, request.instruct, request.language) == ("vivian", "warmly", "german")
    assert request.sampling == SamplingOverrides(
        temperature=0.5, top_k=20, top_p=0.9, repetition_penalty=1.1
    )
    assert (request.seed, request.max_frames, request.chunk_frames) == (9, 5, 2)
    assert request.speed == 1.5


def test_how_a_take_ended_is_told(fake: RemoteTTS, source: FakeSource) -> None:
    assert fake.speak(TEXT).finish_reason == "stop"
    assert fake.speak(TEXT, max_frames=2).finish_reason == "length"
    source.behaviours["fake-custom"].finish = "guard"
    assert fake.speak(TEXT).finish_reason == "guard"


def test_the_first_chunk_is_there_while_the_take_is_made(
    fake: RemoteTTS, source: FakeSource
) -> None:
    gate = source.behaviours["fake-custom"].gate = threading.Event()
    with fake.stream(TEXT) as stream:
        first = next(stream)
        assert source.frames_made == 1
        gate.set()
        rest = list(stream)

    assert first.num_frames == 1
    assert rest[-1].timing.audio_s > first.timing.audio_s
    assert rest[-1].timing.ttfa_s == first.timing.ttfa_s


def test_closing_a_stream_ends_the_take_on_the_server(fake: RemoteTTS, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.num_frames, behaviour.frame_s = lambda request: 1_000, 0.01
    stream = fake.stream(TEXT)
    next(stream)
    stream.close()

    until(lambda: source.counts["fake-custom"].cancellations == 1)
    made = source.frames_made
    time.sleep(0.1)
    assert source.frames_made == made < 100
    assert list(stream) == []


def test_leaving_an_async_loop_ends_the_take_on_the_server(
    fake: RemoteTTS, source: FakeSource
) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.num_frames, behaviour.frame_s = lambda request: 1_000, 0.01

    async def leave() -> None:
        async for _ in fake.astream(TEXT):
            break
        for _ in range(500):
            if source.counts["fake-custom"].cancellations:
                return
            await asyncio.sleep(0.01)

    asyncio.run(leave())

    assert source.counts["fake-custom"].cancellations == 1
    assert source.frames_made < 100


def test_a_cancelled_task_ends_the_take_on_the_server(fake: RemoteTTS, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.num_frames, behaviour.frame_s = lambda request: 1_000, 0.01

    async def listen() -> None:
        async with aclosing(fake.astream(TEXT)) as chunks:  # type: ignore[type-var]
            async for _ in chunks:
                pass

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await listen()

    asyncio.run(main())

    until(lambda: source.counts["fake-custom"].cancellations == 1)


def test_a_stream_that_is_cancelled_says_so(fake: RemoteTTS, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.num_frames, behaviour.frame_s = lambda request: 1_000, 0.01
    with fake.stream(TEXT) as stream:
        chunks = [next(stream)]
        stream.cancel()
        chunks += stream

    assert chunks[-1].finish_reason == "cancelled"
    until(lambda: source.counts["fake-custom"].cancellations == 1)


def test_closing_it_ends_running_takes_as_cancelled(fake: RemoteTTS, source: FakeSource) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.num_frames, behaviour.frame_s = lambda request: 1_000, 0.01
    stream = fake.stream(TEXT)
    chunks = [next(stream)]
    fake.close()
    chunks += stream

    assert chunks[-1].finish_reason == "cancelled"
    with pytest.raises(EngineStoppedError, match="closed"):
        fake.speak(TEXT)
    until(lambda: source.counts["fake-custom"].cancellations == 1)


def test_threads_speak_at_once_and_each_gets_its_own(fake: RemoteTTS, source: FakeSource) -> None:
    texts = [f"Sentence number {i}." for i in range(12)]
    with ThreadPoolExecutor(6) as threads:
        audios = list(threads.map(lambda text: fake.speak(text, seed=1), texts))
    again = [fake.speak(text, seed=1) for text in texts]

    for audio, alone in zip(audios, again, strict=True):
        assert np.array_equal(audio.samples, alone.samples)


def test_tasks_speak_at_once_on_one_event_loop_after_another(fake: RemoteTTS) -> None:
    async def whole(seed: int) -> list[AudioChunk]:
        return [chunk async for chunk in fake.astream(TEXT, seed=seed)]

    async def main() -> list[list[AudioChunk]]:
        return await asyncio.gather(*(whole(seed) for seed in range(6)))

    for _ in range(2):
        takes = asyncio.run(main())
        assert [take[-1].seed for take in takes] == list(range(6))
        assert all(take[-1].finish_reason == "stop" for take in takes)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"voice": "nobody"}, UnknownVoiceError, "ryan"),
        ({"language": "klingon"}, UnknownLanguageError, "klingon"),
        ({"min_frames": 4}, InvalidSettingError, "min_frames is 4"),
        ({"greedy": True}, InvalidSettingError, "greedy is True"),
        ({"guard": False}, InvalidSettingError, "guard is False"),
        ({"text_layout": "per_frame"}, InvalidSettingError, "text_layout"),
        (
            {"predictor_sampling": SamplingOverrides(top_k=3)},
            InvalidSettingError,
            "code predictor",
        ),
        (
            {"voice": VoiceClonePrompt(x_vector=np.zeros(16, np.float32))},
            UnsupportedModeError,
            "/v1/audio/voices/import",
        ),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    fake: RemoteTTS, options: dict[str, object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        fake.speak(TEXT, **options)  # type: ignore[arg-type]


def test_a_model_that_the_server_has_not_is_told_with_those_it_has(fake: RemoteTTS) -> None:
    with (
        RemoteTTS(fake.url, model="9b-custom") as remote,
        pytest.raises(ModelNotFoundError, match="fake-custom, fake-base"),
    ):
        remote.speak(TEXT)


def test_a_text_beyond_the_limit_of_the_server_is_too_long(tmp_path: Path) -> None:
    limits = LimitsSection(text_characters=10)
    with (
        serving(own_services(tmp_path, limits=limits)) as url,
        RemoteTTS(url) as remote,
        pytest.raises(TextTooLongError, match="10"),
    ):
        remote.speak(TEXT)


@pytest.mark.parametrize(
    ("error", "raised", "words"),
    [
        (lambda: RuntimeError("a crash"), RemoteError, "after 0.24 s of audio: the connection"),
        (lambda: OutputError("/root/secret"), RemoteError, "the server failed at this request"),
        (lambda: EngineStoppedError("the engine stopped."), CapacityError, "the engine stopped"),
    ],
)
def test_an_error_in_the_middle_of_a_take_is_raised_behind_what_was_heard(
    fake: RemoteTTS,
    source: FakeSource,
    error: Callable[[], Exception],
    raised: type[Exception],
    words: str,
) -> None:
    behaviour = source.behaviours["fake-custom"]
    behaviour.fail_at_frame, behaviour.error = 3, error
    stream = fake.stream(TEXT)
    heard = [next(stream) for _ in range(3)]

    with pytest.raises(raised, match=words):
        next(stream)
    assert len(heard) == 3
    assert list(stream) == []


def test_a_full_server_is_asked_again_and_then_given_up(source: FakeSource, tmp_path: Path) -> None:
    gate = source.behaviours["fake-custom"].gate = threading.Event()
    queue = QueueSection(running=1, waiting=0)
    services = own_services(tmp_path, source, queue=queue)
    with serving(services) as url, RemoteTTS(url, num_retries=0) as remote:
        with remote.stream(TEXT) as stream:
            next(stream)
            with pytest.raises(CapacityError):
                remote.speak(TEXT)
            with RemoteTTS(url) as patient, ThreadPoolExecutor(1) as thread:
                waiting = thread.submit(patient.speak, TEXT)
                time.sleep(0.1)
                gate.set()
                list(stream)
                assert waiting.result().finish_reason == "stop"


def test_a_server_that_wants_a_key_is_told_one(tmp_path: Path) -> None:
    services = own_services(tmp_path)
    token = KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    with serving(services) as url:
        with RemoteTTS(url) as remote, pytest.raises(RemoteError, match="refused the key"):
            remote.speak(TEXT)
        with RemoteTTS(url, api_key=token) as remote:
            assert remote.speak(TEXT).finish_reason == "stop"


def test_a_clip_goes_along_with_every_request(fake: RemoteTTS, source: FakeSource) -> None:
    from tests.train.speech import speech

    clip = speech(3.0)
    voice = fake.clone((clip, 24_000), "Some words.")
    fake.speak(TEXT, voice=voice)
    fake.speak("Another text.", voice=voice)

    first, second = source.counts["fake-base"].requests
    assert isinstance(first.voice, VoiceClonePrompt)
    assert first.voice.ref_text == "Some words."
    assert first.voice is second.voice  # encoded once
    with pytest.raises(UnknownVoiceError):
        fake.speak(TEXT, voice="clip:000000000000")


def test_x_vectors_are_refused_with_what_to_do(fake: RemoteTTS) -> None:
    with pytest.raises(UnsupportedModeError, match="Base model"):
        fake.x_vector(np.zeros(24_000, np.float32))

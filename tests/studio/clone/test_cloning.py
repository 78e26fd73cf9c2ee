"""A recording becomes a voice that knows who agreed, and is compared with what it came from."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from tests.render.fake_synthesizer import person
from tests.studio.voices.people_desk import KEY, FakeThreadModel, fakes, kept_voice, make_desk
from tests.train.speech import speech

from intone.audio.reference import load_reference
from intone.core.errors import InvalidSettingError, ModelNotFoundError
from intone.render.sidecar import read_take_record
from intone.studio.clone.cloning import CONSENT, CloneOrder, clone_voice, consent_note, told
from intone.studio.clone.comparing import compare, likeness_words
from intone.studio.clone.pair import pair_html
from intone.studio.clone.recording import Recording
from intone.voices.making import report_clip

CLIP = load_reference((speech(4.0), 24_000))
RECORDING = Recording(CLIP, report_clip(CLIP))
ORDER = CloneOrder(
    name="nora", words="Some words.", form=None, language="auto", has_consent=True, anyway=False
)


def test_a_cloned_voice_is_kept_with_its_words_and_the_consent(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    made = asyncio.run(clone_voice(desk, KEY, ORDER, RECORDING))
    kept = desk.library.get("nora")

    assert (made.model, kept.is_icl, kept.making.model) == ("fake-base", True, "fake-base")
    assert kept.consent == consent_note(date.today())
    assert CONSENT in (kept.consent or "")
    assert "recording and its words (ICL)" in told(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"has_consent": False}, "owner's consent"),
        ({"name": " "}, "no name yet"),
        ({"name": "ryan"}, "is a preset's"),
        ({"name": "Taken"}, "kept already"),
    ],
)
def test_what_is_missing_is_told_before_a_model_is_loaded(
    tmp_path: Path, changes: dict[str, object], message: str
) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("taken"))
    with pytest.raises(InvalidSettingError, match=message):
        asyncio.run(clone_voice(desk, KEY, replace(ORDER, **changes), RECORDING))  # type: ignore[arg-type]
    assert fakes(desk).leased == []


def test_where_no_model_clones_the_page_says_what_to_pull(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="pull one under System"):
        asyncio.run(clone_voice(make_desk(tmp_path, "custom"), KEY, ORDER, RECORDING))


def test_without_words_it_is_the_voice_alone_and_that_is_said(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    made = asyncio.run(clone_voice(desk, KEY, replace(ORDER, words=None), RECORDING))
    assert not made.voice.is_icl
    assert "with the words of the recording it would be closer" in told(made)


def test_the_comparison_keeps_its_take_with_the_measured_similarity(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora"))
    fakes(desk).speakers["fake-base"].likeness = lambda request: 0.9
    _let_the_ear_know_the_clip(desk)
    compared = asyncio.run(compare(desk, KEY, "nora", "We left early, before dawn.", CLIP))

    record = read_take_record(compared.take.with_suffix(".json"))
    assert compared.similarity == pytest.approx(0.9, abs=1e-3)
    assert record.result.similarity == pytest.approx(0.9, abs=1e-3)
    assert (record.mode, record.voice.kind, record.voice.name) == ("studio-clone", "kept", "nora")
    html = pair_html("nora", "/a.wav", "/b.wav", compared)
    assert html.count("<audio") == 2
    assert "Similarity 0.90: the same person to this ear." in html


def test_where_nothing_hears_it_says_so(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    desk.library.put(kept_voice("nora"))
    fakes(desk).is_deaf = True
    compared = asyncio.run(compare(desk, KEY, "nora", "We left early, before dawn.", CLIP))
    assert compared.similarity is None
    assert "0.6b-base" in pair_html("nora", "/a.wav", "/b.wav", compared)


@pytest.mark.parametrize(
    ("likeness", "words"),
    [
        (0.91, "0.91: the same person to this ear"),
        (0.78, "0.78: the same person to this ear, though not quite like the recording"),
        (0.6, "0.60: near, but this ear would not call it the same person"),
        (0.2, "0.20: another person to this ear"),
    ],
)
def test_a_similarity_is_told_in_words(likeness: float, words: str) -> None:
    assert likeness_words(likeness) == words


def _let_the_ear_know_the_clip(desk: object) -> None:
    from tests.render.fake_synthesizer import _key

    speaker = fakes(desk).speakers["fake-base"]  # type: ignore[arg-type]
    speaker._people[_key(CLIP.samples)] = person("nora")


def test_a_page_that_leaves_gives_the_model_back_when_the_clip_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tmp_path)
    is_reading, go_on, told = threading.Event(), threading.Event(), list[str]()
    reader, lease = fakes(desk).speakers["fake-base"], fakes(desk).lease
    clone = reader.clone

    def slow(*args: object, **kwargs: object) -> object:
        is_reading.set()
        go_on.wait(5)
        told.append("read")
        return clone(*args, **kwargs)  # type: ignore[arg-type]

    @asynccontextmanager
    async def watched(key_id: str, model: str) -> AsyncIterator[FakeThreadModel]:
        async with lease(key_id, model) as leased:
            try:
                yield leased
            finally:
                told.append("given back")

    monkeypatch.setattr(reader, "clone", slow)
    monkeypatch.setattr(fakes(desk), "lease", watched)

    async def leave() -> None:
        cloning = asyncio.ensure_future(clone_voice(desk, KEY, ORDER, RECORDING))
        await asyncio.to_thread(is_reading.wait, 5)
        cloning.cancel()
        asyncio.get_running_loop().call_later(0.02, go_on.set)
        await asyncio.wait({cloning})
        assert cloning.cancelled()

    asyncio.run(leave())
    assert told == ["read", "given back"]
    assert "nora" not in desk.library

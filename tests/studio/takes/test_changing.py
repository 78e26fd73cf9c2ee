"""Takes drawn again and removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.render.fake_synthesizer import FakeSynthesizer, person
from tests.render.records import MODEL
from tests.studio.takes.folders import keep, keep_script

from intone.core.errors import OutputError, RecordError, UnknownVoiceError
from intone.core.types import SpeechRequest
from intone.render.outputs import OutputFolder
from intone.render.sidecar import ModelRecord, read_take_record
from intone.studio.parts.keeping import keep_take, voice_record_of
from intone.studio.takes.changing import Redo, plan_redo, read_redo, remove_take
from intone.studio.takes.index import TakeFiles, TakeIndex
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Voice

FAKE = FakeSynthesizer()


def spoken(folder: Path, voice: str | None = "ava", library: Path | None = None) -> TakeFiles:
    """Returns a take that the fake model drew."""
    request = SpeechRequest(text="Hello there.", voice=voice, seed=5)
    keep_take(
        OutputFolder(folder),
        mode="studio-speak",
        text=request.text,
        request=request,
        audio=FAKE.synthesize(request),
        is_streamed=True,
        voice=voice_record_of(voice, VoiceLibrary(library or folder), FAKE.capabilities()),
        model=MODEL,
    )
    (take,) = TakeIndex.read(folder).takes
    return take


def planned(
    folder: Path, take: TakeFiles, library: Path | None = None, model: ModelRecord = MODEL
) -> Redo:
    return plan_redo(
        read_redo(folder, take),
        take,
        cloner=FAKE,  # type: ignore[arg-type]
        library=VoiceLibrary(library or folder),
        model=model,
    )


def test_a_take_drawn_again_is_kept_beside_the_first_with_equal_samples(tmp_path: Path) -> None:
    take = spoken(tmp_path)

    redone = planned(tmp_path, take).draw(FAKE, OutputFolder(tmp_path))

    assert redone.is_same
    assert "sample for sample" in redone.words
    assert redone.kept.audio.read_bytes() == (tmp_path / (take.audio or "")).read_bytes()
    assert read_take_record(redone.kept.record).notes == (f"drawn again from {take.record}",)
    assert len(TakeIndex.read(tmp_path).takes) == 2


def test_other_samples_and_what_has_changed_are_told(tmp_path: Path) -> None:
    take = spoken(tmp_path)
    redo = planned(tmp_path, take, model=replace(MODEL, threads=8))
    record = replace(redo.record, request=replace(redo.record.request, seed=6))

    redone = replace(redo, record=record).draw(FAKE, OutputFolder(tmp_path))

    assert not redone.is_same
    assert "NOT the same" in redone.words
    assert "the number of threads was 1, and is 8" in redone.words
    assert not redo.others


def test_a_measured_likeness_stays_with_the_samples_that_were_measured(tmp_path: Path) -> None:
    redo = planned(tmp_path, spoken(tmp_path))
    measured = replace(redo.record, result=replace(redo.record.result, similarity=0.9))
    another = replace(measured, request=replace(measured.request, seed=6))

    same, other = (
        read_take_record(replace(redo, record=one).draw(FAKE, OutputFolder(tmp_path)).kept.record)
        for one in (measured, another)
    )

    assert same.result.similarity == 0.9
    assert other.result.similarity is None


def test_other_weights_or_another_voice_are_known_before_anything_is_drawn(tmp_path: Path) -> None:
    voices = tmp_path / "voices"
    library = VoiceLibrary(voices)
    library.put(Voice(name="nora", kind="designed", hidden_size=16, x_vector=person("nora")))
    take = spoken(tmp_path, "nora", voices)
    assert not planned(tmp_path, take, voices).others

    other = Voice(name="nora", kind="designed", hidden_size=16, x_vector=person("another"))
    library.put(other, replace=True)

    found = planned(tmp_path, take, voices, replace(MODEL, fingerprint="cd" * 32)).others
    assert [one.what for one in found] == ["the model", "the voice 'nora'"]
    library.remove("nora")
    with pytest.raises(UnknownVoiceError):
        planned(tmp_path, take, voices)


def test_what_cannot_be_drawn_again_is_refused_in_words(tmp_path: Path) -> None:
    keep_script(tmp_path, ("One.",))
    kept = keep(tmp_path, mode="say")
    kept.record.unlink()
    index = TakeIndex.read(tmp_path)
    script, bare = (next(t for t in index.takes if t.mode == m) for m in ("studio-script", "say"))

    with pytest.raises(RecordError, match="about a whole"):
        read_redo(tmp_path, script)
    with pytest.raises(RecordError, match="no record"):
        read_redo(tmp_path, bare)
    assert read_redo(tmp_path, script.segments[0]).mood == "angry"


def test_a_removed_take_leaves_nothing_behind_and_others_alone(tmp_path: Path) -> None:
    stem, kept = keep_script(tmp_path, ("One.", "Two.")), keep(tmp_path)
    script = TakeIndex.read(tmp_path).find(stem)

    names = remove_take(tmp_path, script)

    assert len(names) == 7
    assert names[-1] == f"{stem}.json"
    assert sorted(tmp_path.iterdir()) == sorted([kept.audio, kept.record])
    assert remove_take(tmp_path, script) == names, "removed twice, by two pages: no error"


def test_a_take_that_the_system_does_not_give_up_is_told(tmp_path: Path) -> None:
    (tmp_path / "say_20260130_010105.json").mkdir()

    with pytest.raises(OutputError, match="say_20260130_010105"):
        remove_take(tmp_path, TakeIndex.read(tmp_path).takes[0])

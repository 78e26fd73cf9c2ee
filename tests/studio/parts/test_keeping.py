"""What the studio keeps of a take: files that `redo` draws again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.render.fake_synthesizer import FakeSynthesizer, abilities, person
from tests.render.records import MODEL

from intone.core.errors import UnknownVoiceError
from intone.core.types import SpeechRequest, VoiceClonePrompt
from intone.render.outputs import OutputFolder
from intone.render.redo import draw_again, is_same_take
from intone.render.sidecar import VoiceRecord, read_take_record
from intone.studio.parts.keeping import keep_take, voice_record_of
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Voice


def kept_nora(folder: Path) -> VoiceLibrary:
    library = VoiceLibrary(folder)
    nora = Voice(name="nora", kind="designed", hidden_size=16, x_vector=person("nora"))
    library.put(nora)
    return library


def test_a_kept_take_is_drawn_again_from_its_record(tmp_path: Path) -> None:
    model, request = FakeSynthesizer(), SpeechRequest(text="Twenty.", voice="ava", seed=5)
    audio = model.synthesize(request)

    kept = keep_take(
        OutputFolder(tmp_path),
        mode="studio-speak",
        text="20.",
        request=request,
        audio=audio,
        is_streamed=True,
        voice=voice_record_of("ava", VoiceLibrary(tmp_path), model.capabilities()),
        model=MODEL,
    )

    record = read_take_record(kept.record)
    assert (record.mode, record.text, record.spoken_text) == ("studio-speak", "20.", "Twenty.")
    assert record.is_streamed
    assert kept.audio.name.startswith("studio-speak_")
    assert record.audio_file == kept.audio.name
    assert len(soundfile.read(kept.audio)[0]) == len(audio.samples)
    assert is_same_take(record, draw_again(record, model, record.voice.name))


def test_the_record_says_which_kind_of_voice_spoke(tmp_path: Path) -> None:
    library, can = kept_nora(tmp_path), abilities(voices=("ava", "uncle_fu"))

    assert voice_record_of(None, library, can) == VoiceRecord(kind="default")
    assert voice_record_of("Uncle Fu", library, can) == VoiceRecord(kind="preset", name="uncle_fu")
    kept = voice_record_of("nora", library, can)
    assert (kept.kind, kept.name, len(kept.file_sha256 or "")) == ("kept", "nora", 64)


def test_a_prompt_from_nowhere_cannot_be_made_again(tmp_path: Path) -> None:
    prompt = VoiceClonePrompt(x_vector=np.ones(16, dtype=np.float32))

    given = voice_record_of(prompt, VoiceLibrary(tmp_path), abilities())

    assert given.kind == "given"
    assert not given.can_be_made_again


def test_a_voice_that_nobody_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownVoiceError, match="bob"):
        voice_record_of("bob", VoiceLibrary(tmp_path), abilities())

"""The panel of figures: what a person reads while it sounds, and the take afterwards."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import CapacityError
from intone.studio.sound.state import KeptSpeech, SoundState
from intone.studio.speak.figures import figures, kept_row
from intone.studio.speak.order import FieldError

SPEAKING = SoundState(
    phase="speaking",
    model="builtin",
    ttfa_s=0.12,
    spoken_s=2.0,
    audio_s=4.6,
    num_frames=1_058,
    expected_s=9.2,
    seed=7,
)


def test_live_figures_are_said_in_the_words_of_the_field() -> None:
    html = figures(SPEAKING)
    for words in ("0.12 s", "2.3x real time", "1,058", "about 2 s", 'aria-valuenow="50"'):
        assert words in html


def test_what_was_not_spoken_leads_to_its_field() -> None:
    seed = SoundState(phase="failed", error=FieldError("seed", "no number"))
    assert '<a href="#speak-seed">Seed</a>' in figures(seed)
    assert "Not spoken." in figures(SoundState(phase="failed", error=CapacityError("full")))


def test_loading_says_what_happens_to_models() -> None:
    waiting = SoundState(phase="waiting", model="1.7b-base")
    assert "Freeing a, loading b" in figures(waiting, "Freeing a, loading b")
    assert "Waiting for its turn" in figures(waiting)


def test_a_text_that_takes_longer_than_expected_is_not_done_before_it_is() -> None:
    late = SoundState(phase="speaking", num_frames=9, audio_s=20, spoken_s=2, expected_s=9)
    assert 'aria-valuenow="97"' in figures(late)
    assert "a moment" in figures(late)


def test_the_take_can_be_played_saved_and_repeated() -> None:
    kept = KeptSpeech(
        audio=Path("/x/studio-speak_1.wav"),
        record=Path("/x/studio-speak_1.json"),
        duration_s=4.2,
        seed=77,
        num_takes=1,
    )
    html = kept_row(kept, "/studio/sound/T.wav", "/studio/live/ID")
    assert 'data-play="/studio/sound/T.wav"' in html
    assert 'data-do="seed" data-id="77"' in html
    for form in ("wav", "mp3", "flac", "ogg"):
        assert f'href="/studio/live/ID/speech.{form}" download="studio-speak_1.{form}"' in html

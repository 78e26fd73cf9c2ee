"""A mood changes the delivery by the best route that is open, and never the person."""

from __future__ import annotations

import pytest
from tests.render.fake_synthesizer import HIDDEN_SIZE, abilities, person

from intone.core.types import VoiceClonePrompt
from intone.render.identity import Identity, preset_identity, voice_identity
from intone.render.moods import Manner, deliver, find_mood, is_neutral, mood_group
from intone.voices.voice import Reference, Voice

ANGRY = Manner(mood="Angry")
BASE = abilities("base")
PLAIN_CUSTOM = abilities("custom")
LARGE_CUSTOM = abilities("custom", can_clone=False, follows_instruct=True)
DESIGN = abilities("design", can_clone=False, follows_instruct=True)


def kept(*moods: str) -> Voice:
    clips = [Reference(x_vector=person("nora"))]
    clips += [Reference(mood=mood, x_vector=person(f"nora {mood}")) for mood in moods]
    return Voice(
        name="nora",
        kind="cloned",
        hidden_size=HIDDEN_SIZE,
        x_vector=person("nora"),
        references=tuple(clips),
    )


def heard(voice: str | VoiceClonePrompt | None) -> list[float]:
    assert isinstance(voice, VoiceClonePrompt)
    return [float(number) for number in voice.x_vector]


def test_a_recording_of_the_bank_comes_first() -> None:
    said = deliver(voice_identity(kept("angry", "sad")), ANGRY, BASE)

    assert (said.route, said.bank_mood, said.instruct, said.note) == ("bank", "angry", None, None)
    assert heard(said.voice) == person("nora angry").tolist()


def test_a_synonym_finds_the_recording_of_the_bank() -> None:
    said = deliver(voice_identity(kept("whisper")), Manner(mood="Whispering"), BASE)

    assert (said.route, said.bank_mood) == ("bank", "whisper")


def test_solo_is_a_whisper_where_the_bank_has_one() -> None:
    voice = voice_identity(kept("whispering"))

    assert deliver(voice, Manner(is_solo=True), BASE).bank_mood == "whispering"
    assert deliver(voice, Manner(mood="sad", is_solo=True), BASE).bank_mood == "whispering"


def test_a_preset_is_told_the_mood_where_the_model_follows_words() -> None:
    manner = Manner(mood="Angry", directives=(("pace", "slow"),), standing="An old man.")

    said = deliver(preset_identity("ava"), manner, LARGE_CUSTOM)

    assert (said.route, said.voice) == ("instruct", "ava")
    assert said.instruct == "An old man. Delivery: angry; pace: slow."


def test_solo_in_words_is_close_to_the_microphone() -> None:
    said = deliver(preset_identity("ava"), Manner(is_solo=True), LARGE_CUSTOM)

    assert said.instruct == "Delivery: a whisper close to the microphone, as if alone."


@pytest.mark.parametrize(
    ("who", "can"),
    [(preset_identity("ava"), PLAIN_CUSTOM), (voice_identity(kept("sad")), BASE)],
    ids=["a model that follows no words", "a bank without the mood"],
)
def test_what_cannot_be_performed_is_neutral_and_said_so(who: Identity, can: object) -> None:
    said = deliver(who, ANGRY, can)  # type: ignore[arg-type]

    assert (said.route, said.instruct) == ("neutral", None)
    assert said.note is not None
    assert "Angry" in said.note
    if who.voice is None:
        assert said.voice == "ava"
    else:
        assert heard(said.voice) == person("nora").tolist()


def test_directives_beside_a_recording_are_not_dropped_in_silence() -> None:
    manner = Manner(mood="angry", directives=(("accent", "scottish"),))

    said = deliver(voice_identity(kept("angry")), manner, BASE)

    assert said.route == "bank"
    assert "accent: scottish" in (said.note or "")


@pytest.mark.parametrize("mood", [None, "neutral", "Normal"])
def test_no_mood_is_the_voice_as_it_is_without_a_note(mood: str | None) -> None:
    said = deliver(preset_identity("ava"), Manner(mood=mood), LARGE_CUSTOM)

    assert (said.route, said.voice, said.instruct, said.note) == ("plain", "ava", None, None)


def test_a_description_on_a_design_model_alone_is_told_to_be_unlocked() -> None:
    who = Identity(name="a calm man", description="A calm man.")

    said = deliver(who, ANGRY, DESIGN)

    assert (said.route, said.voice) == ("described", None)
    assert said.instruct == "A calm man. Delivery: angry."
    assert "not locked" in (said.note or "")


def test_a_description_on_a_base_model_waits_for_its_anchor() -> None:
    who = Identity(name="a calm man", description="A calm man.")

    assert deliver(who, ANGRY, BASE).route == "anchor"


def test_a_designed_description_is_a_voice_with_a_bank() -> None:
    who = Identity(name="a calm man", description="A calm man.", voice=kept("angry"))

    assert deliver(who, ANGRY, BASE).route == "bank"


def test_the_same_words_win_over_synonyms() -> None:
    assert find_mood("Loud", ("shouting", "loud")) == "loud"
    assert find_mood("Loud", ("shouting",)) == "shouting"
    assert find_mood("sarcastic", ("shouting",)) is None
    assert mood_group("Whispered") == mood_group("hushed") == "whispering"
    assert mood_group("Sarcastic") == "sarcastic"
    assert is_neutral(" Neutral ")
    assert not is_neutral("calm")

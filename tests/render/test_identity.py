"""Who a name stands for, and which model can speak with them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.render.fake_synthesizer import HIDDEN_SIZE, abilities, person

from intone.core.errors import UnknownVoiceError, UnsupportedModeError
from intone.core.types import Capabilities
from intone.render.casting import cast_script
from intone.render.identity import (
    Identity,
    check_can_speak,
    find_identity,
    preset_identity,
    voice_identity,
)
from intone.text.cast import parse_cast
from intone.text.markup import parse_script
from intone.voices.voice import Voice

NORA = Voice(name="nora", kind="cloned", hidden_size=HIDDEN_SIZE, x_vector=person("nora"))
BASE = abilities("base")


class FakeLibrary:
    def get(self, name: str) -> Voice:
        if name.lower() != "nora":
            raise UnknownVoiceError("there is no such voice")
        return NORA

    def names(self) -> tuple[str, ...]:
        return ("nora",)


def find(name: str) -> Identity:
    return find_identity(name, abilities(voices=("ava", "uncle_fu")), FakeLibrary())


def test_a_preset_is_found_in_any_spelling() -> None:
    assert find("Uncle Fu").preset == "uncle_fu"


def test_a_kept_voice_is_found_where_no_preset_has_the_name() -> None:
    assert find("Nora").voice is NORA


def test_a_kept_speaker_of_a_checkpoint_is_a_preset() -> None:
    tuned = Voice(name="me", kind="finetuned", hidden_size=8, model="mine", speaker="speaker_one")

    assert voice_identity(tuned).preset == "speaker_one"


def test_three_words_are_a_description() -> None:
    assert find("a calm,  deep voice").description == "a calm, deep voice"


def test_a_slip_of_the_pen_is_told_with_near_names() -> None:
    with pytest.raises(UnknownVoiceError, match="did you mean nora"):
        find("nara")


@pytest.mark.parametrize(
    ("who", "can", "words"),
    [
        (preset_identity("ava"), BASE, "another checkpoint"),
        (voice_identity(NORA), abilities("custom", can_clone=False), "no speaker encoder"),
        (voice_identity(NORA), abilities("design", can_clone=False), "only draws"),
        (voice_identity(NORA), replace(BASE, hidden_size=32), "width"),
        (Identity(name="x", description="a man"), abilities(can_clone=False), "Base model"),
    ],
)
def test_a_model_that_cannot_speak_with_somebody_says_what_can(
    who: Identity, can: Capabilities, words: str
) -> None:
    with pytest.raises(UnsupportedModeError, match=words):
        check_can_speak(who, can)


@pytest.mark.parametrize(
    ("who", "can"),
    [
        (preset_identity("ava"), abilities("custom", can_clone=False)),
        (voice_identity(NORA), BASE),
        (voice_identity(NORA), abilities("custom")),
        (Identity(name="x", description="a man"), BASE),
        (Identity(name="x", description="a man"), abilities("design", can_clone=False)),
    ],
)
def test_whoever_fits_may_speak(who: Identity, can: Capabilities) -> None:
    check_can_speak(who, can)


def test_a_tag_wins_over_the_role_and_the_role_over_the_narrator() -> None:
    cast = parse_cast('{"Max": {"voice": "uncle fu", "instruct": "An old man."}}', name="cast")
    script = parse_script(
        "Once upon a time.\nMax: Hello. [voice:nora] And hello again.", speakers=cast
    )

    casting = cast_script(script, cast=cast, narrator=preset_identity("ava"), find=find)
    parts = [casting.part(segment) for segment in script.segments]

    assert [part.identity.name for part in parts] == ["ava", "uncle_fu", "nora"]
    assert [part.instruct for part in parts] == [None, "An old man.", None]


def test_an_unknown_voice_is_told_with_its_place() -> None:
    script = parse_script("One.\n[voice:nara] Two.")

    with pytest.raises(UnknownVoiceError, match=r"line 2, column \d+: voice 'nara'"):
        cast_script(script, cast=None, narrator=preset_identity("ava"), find=find)


def test_an_unknown_voice_of_a_cast_is_told_with_the_role() -> None:
    cast = parse_cast('{"Max": "nara"}', name="cast")

    with pytest.raises(UnknownVoiceError, match="'Max': voice 'nara'"):
        cast_script(parse_script("Max: Hi.", speakers=cast), cast=cast, narrator=None, find=find)


def test_a_segment_that_nobody_speaks_is_told_with_its_place() -> None:
    with pytest.raises(UnknownVoiceError, match="line 1, column 1: nobody"):
        cast_script(parse_script("Hello."), cast=None, narrator=None, find=find)


def test_what_was_made_of_an_identity_takes_its_place_everywhere() -> None:
    cast = parse_cast('{"Max": "a very old man"}', name="cast")
    script = parse_script("Max: Hello.\n\n[voice:a very old man] Bye.", speakers=cast)
    casting = cast_script(script, cast=cast, narrator=find("a very old man"), find=find)
    made = Identity(name="a very old man", description="a very old man", voice=NORA)

    now = casting.replaced({made.name: made})

    assert all(now.part(segment).identity.voice is NORA for segment in script.segments)

"""A script becomes requests that are complete, repeatable, and refused with their place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.render.fake_synthesizer import HIDDEN_SIZE, abilities, person

from intone.audio.seams import GAP_S, INTERRUPTED_CUT_S, INTERRUPTED_GAP_S
from intone.core.errors import (
    EmptyTextError,
    InvalidSettingError,
    UnknownLanguageError,
    UnsupportedModeError,
)
from intone.core.types import Capabilities, SamplingOverrides, SpeechRequest
from intone.render.casting import Casting, cast_script
from intone.render.identity import Identity, preset_identity, voice_identity
from intone.render.plan import ScriptPlan
from intone.render.planning import PlanSettings, ending_of, plan_script
from intone.text.cast import parse_cast
from intone.text.markup import parse_script
from intone.text.script import FixedSpan
from intone.voices.voice import Voice

NORA = Voice(name="nora", kind="cloned", hidden_size=HIDDEN_SIZE, x_vector=person("nora"))
PEOPLE = {"ava": preset_identity("ava"), "nora": voice_identity(NORA)}
CAST = parse_cast(
    '{"Max": {"voice": "nora", "language": "german", "instruct": "An old man."}, "Ava": "ava"}',
    name="cast",
)


def as_written(text: str, language: str, fixed: Sequence[FixedSpan]) -> str:
    return " ".join(text.split())


def settings(
    *, seed: int = 3, speed: float = 1.0, language: str = "english", max_piece_s: float = 20.0
) -> PlanSettings:
    template = SpeechRequest(
        text="-", language=language, speed=speed, sampling=SamplingOverrides(top_k=5)
    )
    return PlanSettings(
        template=template, seed=seed, read_aloud=as_written, max_piece_s=max_piece_s
    )


def plan(
    source: str,
    *,
    has_cast: bool = False,
    can: Capabilities | None = None,
    narrator: Identity | None = None,
    using: PlanSettings | None = None,
) -> ScriptPlan:
    cast = CAST if has_cast else None
    script = parse_script(source, speakers=cast)
    casting = cast_script(
        script, cast=cast, narrator=narrator or PEOPLE["ava"], find=PEOPLE.__getitem__
    )
    return plan_script(script, casting, can or abilities(), using or settings())


def test_every_tag_begins_a_segment_with_a_seed_of_its_own() -> None:
    parts = plan("One here. [Whispering] Two here. [Angry] Three here.").segments

    assert [part.request.text for part in parts] == ["One here.", "Two here.", "Three here."]
    assert [part.mood for part in parts] == [None, "Whispering", "Angry"]
    assert len({part.request.seed for part in parts}) == 3
    assert {part.request.sampling.top_k for part in parts} == {5}


def test_a_segment_keeps_its_seed_whatever_the_others_say() -> None:
    before = plan("One. [Sad] Two. [Calm] Three.").segments
    after = plan("Something else. [Glad] Two. [Calm] Three.").segments

    assert [part.request.seed for part in before] == [part.request.seed for part in after]
    assert plan("One.", using=settings(seed=4)).segments[0].request.seed != before[0].request.seed


def test_punctuation_and_pauses_decide_the_gaps() -> None:
    source = "[pause:2s] Wait, [Sad] she said. [Pause] Now go. [Calm] Now stay. [pause:1s]"

    made = plan(source)

    gaps = [part.gap_before_s for part in made.segments]
    assert gaps == [2.0, GAP_S["clause"], 0.8, GAP_S["sentence"]]
    assert made.end_silence_s == 1.0


def test_an_interrupted_speech_is_cut_and_the_next_one_comes_at_once() -> None:
    first, second = plan("Max: I only meant to —\nAva: Enough.", has_cast=True).segments

    assert (first.cut_end_s, second.gap_before_s) == (INTERRUPTED_CUT_S, INTERRUPTED_GAP_S)
    assert second.cut_end_s == 0.0


def test_roles_bring_voice_language_and_instruct() -> None:
    can = abilities(follows_instruct=True)

    told, spoken = plan("Told.\nMax: Said.", has_cast=True, can=can).segments

    assert (told.identity, told.request.language) == ("ava", "english")
    assert (spoken.identity, spoken.request.language, spoken.speaker) == ("nora", "german", "Max")


def test_rates_multiply_with_the_speed_and_languages_are_replaced() -> None:
    using = settings(speed=1.5)

    first, second = plan("One. [rate:1.2] [lang:fr] Deux.", using=using).segments

    assert (first.request.speed, first.request.language) == (1.5, "english")
    assert second.request.speed == pytest.approx(1.8)
    assert second.request.language == "french"


def test_spoken_and_written_forms_are_both_kept() -> None:
    made = plan("The [say:GIF|jiff] is\nready.").segments

    assert [part.text for part in made] == ["The GIF is\nready."]
    assert made[0].request.text == "The jiff is ready."


def test_a_long_segment_is_drawn_in_pieces_and_none_of_it_is_lost() -> None:
    words = " ".join(f"This is sentence {n} of a long speech." for n in range(30))

    parts = plan(f"[Sad] {words}\n\nAnd a paragraph.", using=settings(max_piece_s=8.0)).segments

    assert len(parts) > 3
    assert " ".join(part.request.text for part in parts) == f"{words} And a paragraph."
    assert {part.mood for part in parts} == {"Sad"}
    assert parts[1].gap_before_s == GAP_S["sentence"]
    assert parts[-1].gap_before_s == GAP_S["paragraph"]
    assert str(parts[-1].position) == "line 3, column 1"


def test_what_cannot_be_performed_is_noted_once() -> None:
    made = plan("[Angry] One. [Calm] Two. [Angry] Three.")

    assert len(made.notes) == 2
    assert {part.route for part in made.segments} == {"neutral"}


def test_the_persons_of_a_plan_are_those_who_speak() -> None:
    assert set(plan("Max: Hello.", has_cast=True).identities) == {"nora"}


def test_a_described_person_has_one_seed_in_every_segment() -> None:
    who = Identity(name="a calm old man", description="a calm old man")
    can = abilities("design", can_clone=False, follows_instruct=True)

    parts = plan("One. [Angry] Two.", narrator=who, can=can).segments

    assert {part.request.seed for part in parts} == {0}
    assert {part.route for part in parts} == {"described"}


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("A.\n[lang:fr] B.", UnknownLanguageError, "line 2.*french.*english"),
        ("A.\n[voice:nora] B.", UnsupportedModeError, "line 2.*nora"),
        ("A.\n[rate:2] B.", InvalidSettingError, "line 2.*rate:2.*1.5 make 3"),
        ("?!", EmptyTextError, "line 1, column 1.*no word"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    source: str, kind: type[Exception], words: str
) -> None:
    can = Capabilities(
        model="builtin",
        kind="custom",
        size="builtin",
        voices=("ava",),
        languages=("auto", "english"),
        hidden_size=8,
        num_codebooks=4,
        can_clone=False,
        follows_instruct=False,
    )

    with pytest.raises(kind, match=words):
        plan(source, can=can, using=settings(speed=1.5))


def test_what_a_text_ends_with() -> None:
    ends = {text: ending_of(text) for text in ("Go!", 'She said "no."', "and then,", "but", "好。")}

    assert list(ends.values()) == ["sentence", "sentence", "clause", "clause", "sentence"]


def test_a_casting_without_a_narrator_needs_none_where_roles_speak() -> None:
    script = parse_script("Max: Hello.", speakers=CAST)
    casting = cast_script(script, cast=CAST, narrator=None, find=PEOPLE.__getitem__)

    assert isinstance(casting, Casting)
    assert plan_script(script, casting, abilities(), settings()).segments[0].identity == "nora"

"""Dialogue: who speaks which line, how a speech begins, and who is not in the cast."""

from __future__ import annotations

import pytest

from intone.core.errors import MarkupError
from intone.text.markup import parse_script
from intone.text.script import Script

CAST = ("Nora", "Old Max", "小明")


def spoken(script: Script) -> list[tuple[str | None, str]]:
    return [(part.speaker, part.text) for part in script.segments]


def test_lines_with_a_name_of_the_cast_are_speeches_and_a_blank_line_ends_one() -> None:
    script = parse_script(
        "The rain fell.\n\nNora: Hello?\nold max: Yes,\nit is me.\n\nNobody spoke.\n小明：你好。",
        speakers=CAST,
    )

    assert spoken(script) == [
        (None, "The rain fell."),
        ("Nora", "Hello?"),
        ("Old Max", "Yes,\nit is me."),
        (None, "Nobody spoke."),
        ("小明", "你好。"),
    ]
    assert script.segments[1].position.column == 7


def test_a_speech_begins_without_the_manner_of_the_one_before_it() -> None:
    script = parse_script(
        "Nora: [Angry] [k: v] [voice: x] No! [Sad] Oh.\nOld Max: Why?\nNora: So.", speakers=CAST
    )

    manners = [(part.mood, part.directives, part.voice) for part in script.segments]
    assert manners == [
        ("Angry", (("k", "v"),), "x"),
        ("Sad", (("k", "v"),), "x"),
        (None, (), None),
        (None, (), None),
    ]


def test_tags_above_a_speech_belong_to_it_alone_and_rate_and_language_to_everybody() -> None:
    script = parse_script(
        "[Calm] It rained.\n\n[Angry]\n[lang: fr]\nNora: Non!\nNora: Non.\n\nIt stopped.",
        speakers=CAST,
    )

    assert [(part.mood, part.language) for part in script.segments] == [
        ("Calm", None),
        ("Angry", "french"),
        (None, "french"),
        ("Calm", "french"),
    ]


def test_reset_in_a_speech_leads_back_to_its_beginning() -> None:
    script = parse_script(
        "[rate: 1.2]\n[Nora - deep, Sad] a [rate:0.5][Glad] b [reset] c", speakers=CAST
    )

    assert [(part.mood, part.voice, part.rate) for part in script.segments] == [
        ("Sad", "deep", 1.2),
        ("Glad", "deep", 0.5),
        (None, "deep", 1.2),
    ]


@pytest.mark.parametrize(
    "line", ["Nora (Solo): Alone.", "Nora: (solo) Alone.", "Nora: [Sad] ( SOLO ) Alone."]
)
def test_solo_is_markup_at_the_beginning_of_a_speech(line: str) -> None:
    (segment,) = parse_script(line, speakers=CAST).segments

    assert (segment.text, segment.is_solo, segment.speaker) == ("Alone.", True, "Nora")


def test_solo_elsewhere_is_text() -> None:
    script = parse_script("Nora: Here (Solo) is text.\n\n(Solo) too", speakers=CAST)

    assert spoken(script) == [("Nora", "Here (Solo) is text."), (None, "(Solo) too")]
    assert not any(part.is_solo for part in script.segments)


def test_the_cinematic_form_names_voice_and_mood_and_loses_its_quotes() -> None:
    script = parse_script(
        '[Nora - deep one, Very Sad] (Solo) "I [Angry] go."\n[Old Max – max] «Wait»', speakers=CAST
    )

    first, second, third = script.segments
    assert (first.speaker, first.voice, first.mood, first.text) == (
        *("Nora", "deep one", "Very Sad", "I"),
    )
    assert (second.mood, second.text, second.is_solo) == ("Angry", "go.", True)
    assert (third.speaker, third.voice, third.mood, third.text) == ("Old Max", "max", None, "Wait")


@pytest.mark.parametrize("end", ["—", "–", "--", '—"', "— ", "--”"])
def test_a_speech_that_ends_in_a_dash_is_interrupted(end: str) -> None:
    script = parse_script(
        f"Nora: [Sad] I was [Glad] just{end}\nOld Max: No — never.", speakers=CAST
    )

    assert [part.is_interrupted for part in script.segments] == [False, True, False]
    assert script.segments[1].text == f"just{end}".strip()


def test_narration_is_never_interrupted() -> None:
    assert not parse_script("It was —", speakers=CAST).segments[0].is_interrupted


@pytest.mark.parametrize(
    ("line", "name", "words"),
    [
        ("Noira: Hi", "Noira", "did you mean 'Nora'"),
        ("Bob: Hi", "Bob", "The cast has: Nora, Old Max, 小明"),
        ("  Mr Bob Smith: Hi", "Mr Bob Smith", "Add the name"),
        ("bob (Solo): Hi", "bob", "not in the cast"),
        ("小红：你好", "小红", "not in the cast"),
        ("[Bob - deep, Sad] Hi", "Bob", "not in the cast"),
    ],
)
def test_a_speaker_who_is_not_in_the_cast_is_an_error(line: str, name: str, words: str) -> None:
    with pytest.raises(MarkupError, match=words) as caught:
        parse_script(f"Nora: Hi\n{line}", speakers=CAST)

    assert (caught.value.line, caught.value.column) == (2, line.index(name) + 1)


@pytest.mark.parametrize(
    "line",
    [
        r"Note\: this is read",
        r"注意\：这一行",
        "note: this is read",
        "At 10:30 she left",
        "Https://example.com",
        "This is a longer sentence: it has a colon",
        "Nora said: no",
        "[soft - slow] words",
    ],
)
def test_other_lines_with_a_colon_are_text(line: str) -> None:
    (segment,) = parse_script(f"\n{line}", speakers=CAST).segments

    assert segment.speaker is None
    assert segment.text == line.replace("\\", "").removeprefix("[soft - slow] ")


def test_without_a_cast_a_colon_means_nothing_unless_dialogue_is_asked_for() -> None:
    source = "Bob: Hi.\nNote: this."

    assert spoken(parse_script(source)) == [(None, source)]
    assert spoken(parse_script(source, dialogue=True)) == [("Bob", "Hi."), ("Note", "this.")]

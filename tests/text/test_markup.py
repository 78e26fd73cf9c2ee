"""The one parser: tags, silences, escapes, and a place in every error."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intone.core.errors import EmptyTextError, MarkupError
from intone.text.markup import parse_script
from intone.text.script import Position, Script, Segment, Silence


def only(script: Script) -> Segment:
    (piece,) = script.pieces
    assert isinstance(piece, Segment)
    return piece


def texts(script: Script) -> list[str]:
    return [segment.text for segment in script.segments]


def test_a_mood_holds_until_the_next_one_and_every_tag_begins_a_segment() -> None:
    script = parse_script("Well. [Whispering] Come closer. [Angry] No! [key: v] Never.")

    assert [(part.text, part.mood) for part in script.segments] == [
        ("Well.", None),
        ("Come closer.", "Whispering"),
        ("No!", "Angry"),
        ("Never.", "Angry"),
    ]


def test_directives_add_up_replace_their_key_and_end_with_a_reset() -> None:
    script = parse_script("[Pitch: low] a [Breath:  much  air] b [PITCH: high] c [reset] d")

    assert [part.directives for part in script.segments] == [
        (("pitch", "low"),),
        (("pitch", "low"), ("breath", "much air")),
        (("breath", "much air"), ("pitch", "high")),
        (),
    ]


@pytest.mark.parametrize(
    ("tag", "duration_s"),
    [
        ("[Pause]", 0.8),
        ("[PAUSE]", 0.8),
        ("[break]", 0.4),
        ("[pause:1.5s]", 1.5),
        ("[pause:3]", 3.0),
        ("[pause 500ms]", 0.5),
        ("[pause: 800 ms]", 0.8),
        ("[break: 2 seconds]", 2.0),
        ("[ Pause : .25 S ]", 0.25),
    ],
)
@pytest.mark.parametrize("mode", ["script", "say"])
def test_pauses_have_their_length_and_place(tag: str, duration_s: float, mode: str) -> None:
    script = parse_script(f"One {tag} two", mode="say" if mode == "say" else "script")

    silence = script.pieces[1]
    assert silence == Silence(duration_s=duration_s, position=Position(1, 5))
    assert texts(script) == ["One", "two"]


def test_a_pause_at_the_start_and_several_in_a_row_are_kept() -> None:
    script = parse_script("[pause][pause:1s] One [pause][break]")

    assert [type(piece).__name__ for piece in script.pieces] == [
        *("Silence", "Silence", "Segment", "Silence", "Silence"),
    ]


def test_voice_rate_and_language_hold_and_reset_leads_back_to_the_start() -> None:
    script = parse_script(
        "[voice: Nora][Rate:1.1] a [lang:fr] b [LANG:en-GB] c [language:German] d [Sad][Reset] e"
    )

    settings_of = [(part.voice, part.rate, part.language) for part in script.segments]
    assert settings_of == [
        ("Nora", 1.1, None),
        ("Nora", 1.1, "french"),
        ("Nora", 1.1, "english"),
        ("Nora", 1.1, "german"),
        (None, 1.0, None),
    ]
    assert script.segments[-1].mood is None
    assert script.voices == ("Nora",)


def test_say_puts_the_spoken_form_into_the_text_and_keeps_the_written_one() -> None:
    segment = only(parse_script("  The [say:GIF|jiff] and the [SAY: SQL | sequel]."))

    assert segment.text == "The jiff and the sequel."
    assert segment.written == "The GIF and the SQL."
    assert [segment.text[span.start : span.stop] for span in segment.fixed] == ["jiff", "sequel"]


def test_escaped_brackets_are_characters() -> None:
    assert only(parse_script(r"\[Angry\] is \\ a \n word")).text == r"[Angry] is \ a \n word"
    assert parse_script(r"[a\[b\]c] x").segments[0].mood == "a[b]c"


def test_what_cannot_be_spoken_alone_joins_its_neighbour() -> None:
    script = parse_script("Hello [Pause]. “[Angry] Stop!” [reset] …")

    assert texts(script) == ["Hello. “", "Stop!” …"]
    assert texts(parse_script("“[Angry] Stop!")) == ["“ Stop!"]
    assert texts(parse_script("[Sad] …")) == ["…"]


def test_places_are_counted_in_lines_and_characters() -> None:
    script = parse_script("é 🎧 one\r\n\n  two [Sad]\n\tthree [x] [say:a|b] four")

    places = [(part.position.line, part.position.column) for part in script.segments]
    assert places == [(1, 1), (4, 2), (4, 12)]


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        ("One\nTwo [Angry three", 2, 5, "does not close"),
        ("[Angry\n] x", 1, 1, "does not close"),
        ("a [b [c]] d", 1, 3, "inside a bracket"),
        ("a ] b", 1, 3, "closes nothing"),
        ("a [] b", 1, 3, "empty"),
        ("a [ \t] b", 1, 3, "empty"),
        ("a [pause:soon] b", 1, 3, "'soon'.*at most 60 s"),
        ("a [pause soon] b", 1, 3, "'soon'"),
        ("a [pause:0] b", 1, 3, "'0'"),
        ("a [pause:500] b", 1, 3, "'500'"),
        ("a [pause:1,5s] b", 1, 3, "'1,5s'"),
        ("a [rate:2.5] b", 1, 3, "'2.5'.*0.5 to 2.0"),
        ("a [rate:fast] b", 1, 3, "'fast'"),
        ("a [rate:nan] b", 1, 3, "'nan'"),
        ("a\n\n [lang:xx] b", 3, 2, "'xx'.*fr \\(french\\)"),
        ("a [voice:] b", 1, 3, "no voice"),
        ("a [voice] b", 1, 3, "needs a value"),
        ("a [say:GIF] b", 1, 3, "two forms"),
        ("a [say:a|b|c] b", 1, 3, "two forms"),
        ("a [say:|b] b", 1, 3, "two forms"),
        ("a [reset: x] b", 1, 3, "no value"),
        ("a [tone:] b", 1, 3, "has no value"),
        ("a [: low] b", 1, 3, "has no key"),
    ],
)
def test_a_mistake_in_a_script_is_told_with_its_place(
    source: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(MarkupError, match=words) as caught:
        parse_script(source)

    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")


def test_say_reads_every_bracket_that_is_no_command() -> None:
    text = "As shown [1], [see note], [Angry] and [key: value] [pause for effect] [] ] [open"

    assert only(parse_script(text, mode="say")).text == text


def test_say_still_obeys_commands_and_escapes() -> None:
    script = parse_script(r"One [[pause]] [rate:1.5] two \[pause] [lang:it]due", mode="say")

    assert texts(script) == ["One []", "two [pause]", "due"]
    assert [part.rate for part in script.segments] == [1.0, 1.5, 1.5]


def test_a_known_command_with_a_bad_value_is_an_error_in_say_too() -> None:
    with pytest.raises(MarkupError, match="'7'"):
        parse_script("Hello [rate:7]", mode="say")


@pytest.mark.parametrize("source", ["", " \n ", "[Angry]", "[pause] [reset]\n"])
def test_a_script_without_words_is_an_error(source: str) -> None:
    with pytest.raises(EmptyTextError, match="no word"):
        parse_script(source)


def test_say_reads_no_dialogue() -> None:
    with pytest.raises(ValueError, match="no dialogue"):
        parse_script("Nora: Hi", mode="say", speakers=["Nora"])


WORDS = st.text(alphabet="ab cé语\n\\.…!", max_size=20)
TAGS = st.sampled_from(
    ["[Sad]", "[pause]", "[pause:2s]", "[k: v]", "[voice:n]", "[rate:0.5]", "[lang:zh]", "[reset]"]
)


def _escaped(text: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", text)


@given(parts=st.lists(st.tuples(WORDS, TAGS), max_size=12))
@settings(deadline=None, max_examples=150)
def test_every_character_that_is_not_markup_reaches_a_segment_in_order(
    parts: list[tuple[str, str]],
) -> None:
    source = "".join(_escaped(words) + tag for words, tag in parts)
    wanted = "".join("".join(words for words, _ in parts).split())

    try:
        script = parse_script(source)
    except EmptyTextError:
        assert not wanted
        return

    assert "".join("".join(texts(script)).split()) == wanted
    pauses = [tag for _, tag in parts if tag.startswith("[pause")]
    assert sum(isinstance(piece, Silence) for piece in script.pieces) == len(pauses)


@given(parts=st.lists(st.tuples(WORDS.map(lambda text: text.replace("\\", "")), TAGS), max_size=8))
@settings(deadline=None, max_examples=100)
def test_places_point_at_the_first_character_of_a_segment(parts: list[tuple[str, str]]) -> None:
    source = "x" + "".join(words + tag for words, tag in parts)
    lines = source.split("\n")

    for segment in parse_script(source).segments:
        line, column = segment.position.line, segment.position.column
        assert lines[line - 1][column - 1] == segment.text[0]


@given(
    source=st.text(
        alphabet=st.sampled_from("[]()\\:-—|,\n\r \"'aBNora1.5spauseyéｎ：語"), max_size=60
    ),
    has_cast=st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_any_text_is_a_script_or_an_error_with_a_place(source: str, has_cast: bool) -> None:
    def place() -> tuple[int, int]:
        try:
            parse_script(source, speakers=["Nora"] if has_cast else None)
        except MarkupError as error:
            return error.line, error.column
        except EmptyTextError:
            pass
        return 1, 1

    line, column = place()
    lines = source.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= max(len(lines[line - 1]), 1)


@given(source=st.text(alphabet=st.sampled_from("[]\\:-|\n aB15pauserty"), max_size=60))
@settings(deadline=None, max_examples=200)
def test_say_refuses_nothing_but_bad_commands(source: str) -> None:
    try:
        script = parse_script(source, mode="say")
    except (MarkupError, EmptyTextError):
        assert not source.strip() or re.search(r"(?i)pause|rate|say|reset", source)
        return
    assert script.segments


@pytest.mark.parametrize(
    "source",
    [
        "word " * 40_000,
        "[a]word " * 25_000,
        "x[a].[b]" * 25_000,
        "x" + " " * 200_000,
        "\\[" * 10**5,
    ],
)
def test_two_hundred_thousand_characters_are_read_at_once(source: str) -> None:
    start = time.process_time()  # what others on the machine do does not count
    parse_script(source, dialogue=True)

    assert time.process_time() - start < 3.0  # about 0.3 s; the rest is for slow machines

"""A script that is written back is the same script."""

from __future__ import annotations

from itertools import permutations

import pytest

from intone.text.markup import parse_script
from intone.text.script import Script, Segment, Silence
from intone.text.script_source import is_same, script_source, segment_source

TAGGED = (
    r"One here. [Angry] Two \[aside\] here. [Pace: slow] Three \\ here. [pause:90 ms] Four. "
    "[voice:nora] Five. [rate:1.1] Six. [lang:fr] Sept. [Calm] The [say:GIF|jiff] file. [reset] "
    "Nine.\n\n[Pause] [pause:1.5s] Ten: the last."
)
DIALOGUE = (
    "Somebody waits.\n\nNora: Late. [Angry] Again!\nSam (Solo): I know.\n\n[lang:de] Es regnet.\n"
    "\nNora: You said--\nSam: [Calm] So it is.\n\nThe end\\: nobody moves."
)


def again(script: Script, *, dialogue: bool) -> Script:
    return parse_script(script_source(script.pieces, dialogue=dialogue), dialogue=dialogue)


@pytest.mark.parametrize(("source", "dialogue"), [(TAGGED, False), (DIALOGUE, True)])
def test_what_is_written_back_parses_into_the_same_script(source: str, dialogue: bool) -> None:
    script = parse_script(source, dialogue=dialogue)

    assert is_same(again(script, dialogue=dialogue), script)


@pytest.mark.parametrize(("source", "dialogue"), [(TAGGED, False), (DIALOGUE, True)])
def test_segments_in_any_order_are_written_back(source: str, dialogue: bool) -> None:
    pieces = parse_script(source, dialogue=dialogue).pieces

    for first, second in permutations(range(len(pieces)), 2):
        moved = list(pieces)
        moved.insert(second, moved.pop(first))
        script = Script(tuple(moved))
        assert is_same(again(script, dialogue=dialogue), script), (first, second)


def test_neighbours_of_one_delivery_stay_two_segments() -> None:
    pieces = [
        piece
        for mood in (None, "Angry")
        for piece in parse_script(f"[{mood}] One." if mood else "One.").pieces * 2
    ]

    script = again(Script(tuple(pieces)), dialogue=False)

    assert [(part.mood, part.text) for part in script.segments] == [
        (None, "One."),
        (None, "One."),
        ("Angry", "One."),
        ("Angry", "One."),
    ]


def test_a_pause_longer_than_a_tag_holds_is_several() -> None:
    pause = Silence(duration_s=130.0, position=parse_script("One.").segments[0].position)

    script = again(Script((*parse_script("One.").pieces, pause)), dialogue=False)

    silences = [part for part in script.pieces if isinstance(part, Silence)]
    assert [part.duration_s for part in silences] == [60.0, 60.0, 10.0]


def test_the_words_of_a_segment_keep_their_say_tags() -> None:
    segment = parse_script("The [say:GIF|jiff] is \\[here\\].").segments[0]

    assert isinstance(segment, Segment)
    assert segment_source(segment) == "The [say:GIF|jiff] is \\[here\\]."

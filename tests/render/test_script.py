"""A script is heard segment by segment, and compared with its people all the way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.render.fake_synthesizer import HIDDEN_SIZE, FakeSynthesizer, abilities, person

from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.types import SpeechRequest
from intone.render.anchors import ANCHOR_TEXTS
from intone.render.casting import cast_script
from intone.render.drawing import Anchor
from intone.render.ear import SynthesizerEar
from intone.render.identity import Identity, preset_identity, voice_identity
from intone.render.plan import ScriptPlan
from intone.render.planning import PlanSettings, plan_script
from intone.render.script import RenderedSegment, ScriptRenderer
from intone.text.markup import parse_script
from intone.voices.voice import Making, Reference, Voice

SOURCE = (
    "The first one is here. [Angry] The second one is here. [pause:2s] And the third. [pause:1s]"
)


def planned(source: str, narrator: Identity, fake: FakeSynthesizer) -> ScriptPlan:
    script = parse_script(source)
    people = {"ava": preset_identity("ava"), "fenrir": preset_identity("fenrir")}
    casting = cast_script(script, cast=None, narrator=narrator, find=people.__getitem__)
    template = SpeechRequest(text="-", language="english")
    settings = PlanSettings(template=template, seed=1, read_aloud=lambda text, *_: text)
    return plan_script(script, casting, fake.can, settings)


def renderer(
    fake: FakeSynthesizer,
    source: str = SOURCE,
    narrator: Identity | None = None,
    *,
    hears: bool = True,
) -> ScriptRenderer:
    plan = planned(source, narrator or preset_identity("ava"), fake)
    return ScriptRenderer(plan, fake, SynthesizerEar(fake, "fake-ear") if hears else None)


def kept(*, heard_by: str | None, whisper_likeness: float = 1.0) -> Voice:
    person_x, other = person("nora"), np.zeros(HIDDEN_SIZE, dtype=np.float32)
    other[-1] = 1.0
    whisper = whisper_likeness * person_x + np.sqrt(1 - whisper_likeness**2) * other
    return Voice(
        name="nora",
        kind="cloned",
        hidden_size=HIDDEN_SIZE,
        x_vector=person_x,
        references=(
            Reference(x_vector=person_x),
            Reference(mood="whispering", x_vector=whisper.astype(np.float32)),
        ),
        making=Making(model=heard_by),
    )


def anchors_drawn(fake: FakeSynthesizer) -> int:
    return sum(request.text in ANCHOR_TEXTS.values() for request in fake.requests)


def test_a_segment_is_heard_before_the_next_one_is_drawn() -> None:
    fake = FakeSynthesizer()
    segments = renderer(fake, hears=False).render()

    next(segments)

    assert [request.text for request in fake.requests] == ["The first one is here."]


def test_the_joined_samples_are_the_whole_with_every_segment_in_its_place() -> None:
    parts = list(renderer(FakeSynthesizer()).render())

    whole = np.concatenate([part.placed.samples for part in parts])
    assert len(parts) == 3
    ends = parts[-1].end_s
    assert len(whole) / SAMPLE_RATE_HZ == pytest.approx(ends + 1.0)
    assert all(_is_silent(whole, before, after) for before, after in _gaps(parts))
    assert parts[2].start_s - parts[1].end_s == pytest.approx(2.0, abs=0.2)


def _gaps(parts: list[RenderedSegment]) -> list[tuple[int, int]]:
    borders = zip(parts, parts[1:], strict=False)
    return [(one.placed.end_sample, two.placed.start_sample) for one, two in borders]


def _is_silent(whole: np.ndarray, start: int, stop: int) -> bool:
    return stop > start and not np.any(whole[start:stop])


def test_a_segment_alone_is_the_same_take_as_in_the_whole() -> None:
    whole = list(renderer(FakeSynthesizer()).render())

    alone = renderer(FakeSynthesizer()).render_segment(2)

    np.testing.assert_array_equal(alone.audio.samples, whole[2].drawn.audio.samples)
    assert alone.similarity == whole[2].drawn.similarity


def test_another_take_of_a_segment_is_another_one_and_repeats() -> None:
    takes = [renderer(FakeSynthesizer()).render_segment(1, take) for take in (0, 1, 1, 2)]

    seeds = [take.request.seed for take in takes]
    assert seeds[1] == seeds[2]
    assert len(set(seeds)) == 3


def test_a_preset_has_one_anchor_whatever_its_moods() -> None:
    fake = FakeSynthesizer(abilities(follows_instruct=True, can_clone=True))

    parts = list(renderer(fake).render())

    assert anchors_drawn(fake) == 1
    assert [part.drawn.similarity for part in parts] == pytest.approx([1.0] * 3, abs=1e-6)
    assert fake.requests[0].instruct is None


def test_every_speaker_is_compared_with_themselves() -> None:
    fake = FakeSynthesizer()

    parts = list(renderer(fake, "One by ava here. [voice:fenrir] Two by him.").render())

    assert anchors_drawn(fake) == 2
    assert [part.drawn.similarity for part in parts] == pytest.approx([1.0] * 2, abs=1e-6)


def test_a_kept_voice_is_its_own_anchor_where_the_same_ear_made_it() -> None:
    same, other = FakeSynthesizer(), FakeSynthesizer()

    list(renderer(same, "Some words.", voice_identity(kept(heard_by="fake-ear"))).render())
    list(renderer(other, "Some words.", voice_identity(kept(heard_by="other"))).render())

    assert (anchors_drawn(same), anchors_drawn(other)) == (0, 1)


def test_a_mood_is_asked_no_more_than_its_recording_has() -> None:
    fake = FakeSynthesizer(person_of=lambda request: person("nora"), likeness=lambda request: 0.5)
    voice = kept(heard_by="fake-ear", whisper_likeness=0.6)

    whispered, plain = renderer(
        fake, "[Whispering] Some words here. [Neutral] Some words.", voice_identity(voice)
    ).render()

    assert whispered.drawn.note is None
    assert whispered.drawn.num_draws == 1
    assert "below" in (plain.drawn.note or "")


def test_without_an_ear_nothing_is_compared_and_no_anchor_drawn() -> None:
    fake = FakeSynthesizer()

    parts = list(renderer(fake, hears=False).render())

    assert [part.drawn.similarity for part in parts] == [None] * 3
    assert (anchors_drawn(fake), fake.num_heard) == (0, 0)


def test_an_anchor_that_cannot_be_heard_is_said_with_every_segment() -> None:
    fake = FakeSynthesizer(
        seconds=lambda request: 0.3 if request.text in ANCHOR_TEXTS.values() else 2.0
    )

    part = next(renderer(fake).render())

    assert part.drawn.similarity is None
    assert "too little to compare" in (part.drawn.note or "")


def test_the_time_left_shrinks_with_every_segment() -> None:
    plan = planned(SOURCE, preset_identity("ava"), FakeSynthesizer())

    assert plan.segments[0].expected_s > 0.5
    quick = replace(plan.segments[0].request, speed=2.0)
    assert replace(plan.segments[0], request=quick).expected_s < plan.segments[0].expected_s


def test_who_waits_is_told_before_a_segment_is_drawn_again() -> None:
    fake = FakeSynthesizer(likeness=lambda request: 0.1)
    plan = planned(SOURCE, voice_identity(kept(heard_by="fake-ear")), fake)
    told: list[int] = []

    ScriptRenderer(
        plan, fake, SynthesizerEar(fake, "fake-ear"), tell_again=told.append
    ).render_segment(0)

    assert told == [1, 2]


def test_what_takes_are_compared_with_can_be_handed_on() -> None:
    fake = FakeSynthesizer()
    plan = planned(SOURCE, preset_identity("ava"), fake)
    anchors: dict[str, Anchor | None] = {}
    for index in (0, 1):
        ear = SynthesizerEar(fake, "fake-ear")
        ScriptRenderer(plan, fake, ear, anchors=anchors).render_segment(index)

    assert anchors_drawn(fake) == 1


def test_a_segment_planned_alone_is_the_same_again() -> None:
    fake = FakeSynthesizer()
    plan = planned(SOURCE, preset_identity("ava"), fake)

    assert [part.silence_before_s for part in plan.segments] == [0.0, 0.0, 2.0]
    assert [part.gap_after_s for part in plan.segments] == [0.35, 0.35, 0.35]
    second = plan.segments[1].segment
    assert second is not None
    alone = planned(f"[{second.mood}] {second.text}", preset_identity("ava"), fake).segments[0]
    assert alone.request.text == plan.segments[1].request.text
    assert (second.mood, second.text) == ("Angry", plan.segments[1].text)

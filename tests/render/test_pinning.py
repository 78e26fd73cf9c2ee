"""A description is designed once, kept, and from then on one person in every mood."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from tests.render.fake_synthesizer import FakeSynthesizer, abilities, person

from intone.core.errors import ReferenceAudioError
from intone.core.types import Samples, SpeechRequest, VoiceClonePrompt
from intone.render.anchors import ANCHOR_TEXTS, anchor_text
from intone.render.ear import similarity
from intone.render.pinning import TAKES_PER_MOOD, PinOrder, pin
from intone.text.languages import CODE_OF_NAME
from intone.voices.library import VoiceLibrary

ORDER = PinOrder(
    description="A calm, deep voice.",
    moods=("Whispering", "Neutral", "hushed"),
    seed=0,
    language="english",
    design_model="1.7b-design",
    base=replace(abilities("base"), model="1.7b-base"),
)


@dataclass
class Machine:
    """Two models that are never open together; the Base model hears what the designer said."""

    library: VoiceLibrary
    designer: FakeSynthesizer = field(
        default_factory=lambda: FakeSynthesizer(abilities("design", follows_instruct=True))
    )
    num_opened: int = 0
    cloned: list[str | None] = field(default_factory=list)

    def open_designer(self) -> FakeSynthesizer:
        self.num_opened += 1
        self.designer.is_closed = False
        return self.designer

    def clone(
        self,
        ref_audio: tuple[Samples, int],
        ref_text: str | None = None,
        *,
        x_vector_only: bool = False,
    ) -> VoiceClonePrompt:
        assert self.designer.is_closed, "the design model was still open"
        self.cloned.append(ref_text)
        return self.designer.clone(ref_audio, ref_text, x_vector_only=x_vector_only)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(VoiceLibrary(tmp_path))


def test_a_person_is_designed_once_and_found_again(machine: Machine) -> None:
    first = pin(ORDER, machine.library, machine.open_designer, machine)
    second = pin(ORDER, machine.library, machine.open_designer, machine)

    assert machine.num_opened == 1
    assert (first.num_takes, second.num_takes) == (1 + TAKES_PER_MOOD, 0)
    assert first.voice.moods == second.voice.moods == ("whispering",)
    assert second.voice.prompt("whispering").ref_text == ANCHOR_TEXTS["english"]
    assert second.voice.making.description == ORDER.description


def test_the_description_stands_in_front_and_only_the_manner_changes(machine: Machine) -> None:
    pin(ORDER, machine.library, machine.open_designer, machine)

    asked = {request.instruct for request in machine.designer.requests}
    assert asked == {"A calm, deep voice.", "A calm, deep voice. Delivery: whispering."}
    neutral, *moods = machine.designer.requests
    assert neutral.seed == moods[0].seed


def test_a_new_mood_is_added_to_the_same_person(machine: Machine) -> None:
    before = pin(ORDER, machine.library, machine.open_designer, machine).voice
    more = replace(ORDER, moods=("Angry", "Whispering"))

    after = pin(more, machine.library, machine.open_designer, machine)

    assert after.num_takes == TAKES_PER_MOOD
    assert after.voice.moods == ("whispering", "angry")
    assert after.voice.x_vector is not None
    assert before.x_vector is not None
    assert after.voice.x_vector.tolist() == before.x_vector.tolist()


def test_of_several_takes_in_a_mood_the_nearest_to_the_person_is_kept(machine: Machine) -> None:
    def likeness(request: SpeechRequest) -> float:
        return {0: 1.0, 1: 0.5, 2: 0.9, 3: 0.7}[len(machine.designer.requests) - 1]

    machine.designer.likeness = likeness
    machine.designer.person_of = lambda request: person("one")

    pinned = pin(ORDER, machine.library, machine.open_designer, machine)

    clip = pinned.voice.reference("whispering")
    assert clip is not None
    assert pinned.voice.x_vector is not None
    assert similarity(clip.x_vector, pinned.voice.x_vector) == pytest.approx(0.9, abs=1e-6)
    assert pinned.notes == ()


def test_a_mood_that_is_far_from_the_person_is_said_so(machine: Machine) -> None:
    pinned = pin(ORDER, machine.library, machine.open_designer, machine)

    assert any("whispering" in note and "below" in note for note in pinned.notes)


def test_a_take_that_missed_its_end_is_not_kept_where_another_ended(machine: Machine) -> None:
    machine.designer.finish = lambda request: (
        "guard" if len(machine.designer.requests) == 1 else "stop"
    )

    voice = pin(replace(ORDER, moods=()), machine.library, machine.open_designer, machine).voice

    assert voice.making.seed == machine.designer.requests[1].seed


def test_a_person_of_whom_no_take_can_be_kept_is_refused(machine: Machine) -> None:
    machine.designer.finish = lambda request: "guard"

    with pytest.raises(ReferenceAudioError, match="none of 3 takes"):
        pin(ORDER, machine.library, machine.open_designer, machine)

    assert machine.library.names() == ()


def test_a_mood_of_which_no_take_can_be_kept_is_left_out_and_said_so(machine: Machine) -> None:
    machine.designer.seconds = lambda request: 0.4 if "whisper" in str(request.instruct) else 3.0

    pinned = pin(ORDER, machine.library, machine.open_designer, machine)

    assert pinned.voice.moods == ()
    assert any("whispering" in note and "neutrally" in note for note in pinned.notes)


@pytest.mark.parametrize(
    "other",
    [
        replace(ORDER, description="A calm, high voice."),
        replace(ORDER, seed=1),
        replace(ORDER, language="german"),
        replace(ORDER, base=abilities("base")),
    ],
)
def test_another_description_seed_language_or_model_is_another_person(other: PinOrder) -> None:
    assert other.name != ORDER.name


def test_every_language_has_a_sentence_for_anchors() -> None:
    assert set(ANCHOR_TEXTS) == set(CODE_OF_NAME)
    assert anchor_text("German") == ANCHOR_TEXTS["german"]
    assert anchor_text("auto") == ANCHOR_TEXTS["english"]

"""The fields of the Speak tab: read once, each wrong one told beside itself."""

from __future__ import annotations

import pytest

from intone.core.errors import MarkupError, ModelNotFoundError, UnknownVoiceError
from intone.core.types import SamplingOverrides
from intone.studio.speak.order import FieldError, SpeakOrder, field_of


def order(**fields: object) -> SpeakOrder:
    return SpeakOrder.of({"text": "Hello.", **fields}, limit_characters=100)


def test_empty_fields_leave_the_choice_to_the_model() -> None:
    empty = dict.fromkeys(("voice", "instruct", "seed", "temperature", "top_k", "speed"), "")
    read = order(**empty)
    assert (read.voice, read.instruct, read.seed, read.chunk_frames) == (None, None, None, None)
    assert (read.language, read.speed, read.streams) == ("auto", 1.0, True)
    assert read.sampling == SamplingOverrides()


def test_numbers_may_come_as_text() -> None:
    read = order(seed="7", speed="1.25", chunk=4, temperature="0.8", top_k="20", greedy=True)
    assert (read.seed, read.speed, read.chunk_frames) == (7, 1.25, 4)
    assert read.sampling == SamplingOverrides(temperature=0.8, top_k=20, greedy=True)


def test_chunk_size_zero_is_the_ramp() -> None:
    assert order(chunk=0).chunk_frames is None


@pytest.mark.parametrize(
    ("field", "fields", "words"),
    [
        ("text", {"text": " ?! "}, "at least one word"),
        ("text", {"text": None}, "at least one word"),
        ("text", {"text": "x" * 101}, "Long text"),
        ("language", {"language": "klingon"}, "klingon"),
        ("seed", {"seed": "half past ten"}, "half past ten"),
        ("seed", {"seed": "-1"}, "0 to"),
        ("seed", {"seed": str(2**63)}, "0 to"),
        ("seed", {"seed": "9" * 5_000}, "0 to"),
        ("speed", {"speed": 3}, "0.5 to 2"),
        ("advanced", {"temperature": "warm"}, "warm"),
        ("advanced", {"temperature": "nan"}, "nan"),
        ("advanced", {"top_k": -1}, "top-k is -1"),
        ("advanced", {"chunk": 13}, "1 to 12"),
    ],
)
def test_a_wrong_field_is_told_with_its_value(
    field: str, fields: dict[str, object], words: str
) -> None:
    with pytest.raises(FieldError) as told:
        order(**fields)
    assert told.value.field == field
    assert words in str(told.value)


def test_errors_of_others_find_their_field() -> None:
    assert field_of(UnknownVoiceError("nobody")) == "voice"
    assert field_of(ModelNotFoundError("pull it")) == "voice"
    assert field_of(MarkupError("a tag", line=1, column=1)) == "text"
    assert field_of(FieldError("seed", "no")) == "seed"

"""Every mode's rows, written out. A row is "text side|codec side"; "." is an absent side."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.prompt.conftest import HIDDEN_SIZE, Reader

ROLE = ["im_start|.", "assistant|.", "LF|."]
INSTRUCT = ["im_start|.", "user|.", "LF|.", "x|.", "y|.", "im_end|.", "LF|."]
NO_LANGUAGE = ["pad|NOTHINK", "pad|THINK_BOS", "pad|THINK_EOS"]
ENGLISH = ["pad|THINK", "pad|THINK_BOS", "pad|english", "pad|THINK_EOS"]
CHINESE = ["pad|THINK", "pad|THINK_BOS", "pad|chinese", "pad|THINK_EOS"]
BEIJING = ["pad|THINK", "pad|THINK_BOS", "pad|beijing_dialect", "pad|THINK_EOS"]
END_OF_CONTROL = ["bos|PAD"]
AB_AT_ONCE = ["a|PAD", "b|PAD", "eos|PAD", "pad|BOS"]

X_VECTOR = np.linspace(0, 1, HIDDEN_SIZE, dtype=np.float32)
TWO_FRAMES = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int64)

MakeReader = Callable[..., Reader]


@pytest.fixture
def custom(make_reader: MakeReader) -> Reader:
    return make_reader("custom_voice")


@pytest.fixture
def design(make_reader: MakeReader) -> Reader:
    return make_reader("voice_design")


@pytest.fixture
def base(make_reader: MakeReader) -> Reader:
    return make_reader("base")


def test_custom_with_language_at_once(custom: Reader) -> None:
    spec = {"speaker": "ryan", "language": "english"}
    expected = [*ROLE, *ENGLISH, "pad|ryan", *END_OF_CONTROL, *AB_AT_ONCE]
    assert custom.rows("ab", **spec) == expected
    assert custom.trailing("ab", **spec) == ""


def test_custom_auto_language_has_no_language_row(custom: Reader) -> None:
    expected = [*ROLE, *NO_LANGUAGE, "pad|ryan", *END_OF_CONTROL, *AB_AT_ONCE]
    assert custom.rows("ab", speaker="ryan") == expected


def test_custom_per_frame_has_only_the_first_token(custom: Reader) -> None:
    spec = {"speaker": "ryan", "language": "english", "text_layout": "per_frame"}
    expected = [*ROLE, *ENGLISH, "pad|ryan", *END_OF_CONTROL, "a|BOS"]
    assert custom.rows("abc", **spec) == expected
    assert custom.trailing("abc", **spec) == "b c eos"


def test_per_frame_length_does_not_depend_on_the_text(custom: Reader) -> None:
    spec = {"speaker": "ryan", "language": "english", "text_layout": "per_frame"}
    assert {custom.build(text, **spec).num_rows for text in ("a", "ab", "abcdefg")} == {10}


def test_at_once_length_is_the_text_and_eleven_rows(custom: Reader) -> None:
    prompt = custom.build("abcdefg", speaker="ryan", language="english")
    assert (prompt.num_rows, prompt.num_text_tokens) == (7 + 11, 7)


def test_one_token_text(custom: Reader) -> None:
    assert custom.rows("a", speaker="ryan")[-3:] == ["a|PAD", "eos|PAD", "pad|BOS"]
    assert custom.rows("a", speaker="ryan", text_layout="per_frame")[-1] == "a|BOS"
    assert custom.trailing("a", speaker="ryan", text_layout="per_frame") == "eos"


def test_instruct_rows_come_before_the_role(custom: Reader) -> None:
    expected = [*INSTRUCT, *ROLE, *NO_LANGUAGE, "pad|ryan", *END_OF_CONTROL, *AB_AT_ONCE]
    assert custom.rows("ab", speaker="ryan", instruct="xy") == expected


@pytest.mark.parametrize("instruct", [None, "", "  \n"])
def test_empty_instruct_is_none(custom: Reader, instruct: str | None) -> None:
    assert custom.rows("ab", speaker="ryan", instruct=instruct) == custom.rows("ab", speaker="ryan")


@pytest.mark.parametrize(
    ("speaker", "language", "expected"),
    [
        ("dylan", "auto", BEIJING),
        ("dylan", "chinese", BEIJING),
        ("dylan", "english", ENGLISH),
        ("ryan", "auto", NO_LANGUAGE),
        ("ryan", "chinese", CHINESE),
    ],
)
def test_dialect_replaces_auto_and_chinese_only(
    custom: Reader, speaker: str, language: str, expected: list[str]
) -> None:
    rows = custom.rows("ab", speaker=speaker, language=language)
    assert rows[3 : 3 + len(expected) + 1] == [*expected, f"pad|{speaker}"]


def test_names_are_case_blind(custom: Reader) -> None:
    assert custom.rows("ab", speaker=" RYAN", language="English ") == custom.rows(
        "ab", speaker="ryan", language="english"
    )


def test_design_has_no_speaker_row(design: Reader) -> None:
    expected = [*INSTRUCT, *ROLE, *ENGLISH, *END_OF_CONTROL, *AB_AT_ONCE]
    assert design.rows("ab", instruct="xy", language="english") == expected
    assert design.build("ab", instruct="xy").speaker_row is None


def test_design_per_frame(design: Reader) -> None:
    spec = {"instruct": "xy", "text_layout": "per_frame"}
    assert design.rows("ab", **spec) == [
        *INSTRUCT,
        *ROLE,
        *NO_LANGUAGE,
        *END_OF_CONTROL,
        "a|BOS",
    ]
    assert design.trailing("ab", **spec) == "b eos"


def test_x_vector_takes_the_speaker_row_and_base_is_per_frame(base: Reader) -> None:
    expected = [*ROLE, *ENGLISH, "pad|X_VECTOR", *END_OF_CONTROL, "a|BOS"]
    assert base.rows("ab", x_vector=X_VECTOR, language="english") == expected
    assert base.trailing("ab", x_vector=X_VECTOR) == "b eos"
    assert base.build("ab", x_vector=X_VECTOR).x_vector is X_VECTOR


def test_x_vector_at_once(base: Reader) -> None:
    expected = [*ROLE, *NO_LANGUAGE, "pad|X_VECTOR", *END_OF_CONTROL, *AB_AT_ONCE]
    assert base.rows("ab", x_vector=X_VECTOR, text_layout="at_once") == expected


def icl(**spec: object) -> dict[str, object]:
    return {"x_vector": X_VECTOR, "ref_codes": TWO_FRAMES, "ref_text": "x", **spec}


def test_icl_per_frame_with_more_text_than_reference(base: Reader) -> None:
    head = [*ROLE, *NO_LANGUAGE, "pad|X_VECTOR", *END_OF_CONTROL]
    assert base.rows("abc", **icl()) == [*head, "x|BOS", "a|1+2+3", "b|4+5+6"]
    assert base.trailing("abc", **icl()) == "c eos"


def test_icl_per_frame_with_as_much_text_as_reference(base: Reader) -> None:
    assert base.rows("a", **icl())[-3:] == ["x|BOS", "a|1+2+3", "eos|4+5+6"]
    assert base.trailing("a", **icl()) == ""


def test_icl_per_frame_with_less_text_than_reference(base: Reader) -> None:
    four_frames = np.concatenate([TWO_FRAMES, TWO_FRAMES + 6])
    rows = base.rows("a", **icl(ref_codes=four_frames))
    assert rows[-5:] == ["x|BOS", "a|1+2+3", "eos|4+5+6", "pad|7+8+9", "pad|10+11+12"]
    assert base.trailing("a", **icl(ref_codes=four_frames)) == ""


def test_icl_at_once(base: Reader) -> None:
    expected = [
        *ROLE,
        *ENGLISH,
        "pad|X_VECTOR",
        *END_OF_CONTROL,
        *["x|PAD", "a|PAD", "b|PAD", "eos|PAD"],
        *["pad|BOS", "pad|1+2+3", "pad|4+5+6"],
    ]
    spec = icl(text_layout="at_once", language="english")
    assert base.rows("ab", **spec) == expected
    assert base.trailing("ab", **spec) == ""


def test_icl_counts_only_the_spoken_text_and_keeps_the_codes(base: Reader) -> None:
    prompt = base.build("ab", **icl())
    assert prompt.num_text_tokens == 2
    assert prompt.ref_codes is TWO_FRAMES


def test_x_vector_prompt_ignores_reference_text(base: Reader) -> None:
    assert base.rows("ab", x_vector=X_VECTOR, ref_text="xyz") == base.rows("ab", x_vector=X_VECTOR)


def test_frames_beyond_the_trailing_text_carry_pad(base: Reader, ids: dict[str, int]) -> None:
    prompt = base.build("ab", x_vector=X_VECTOR)
    assert prompt.text_id_of_frame(1) == ids["<tts_text_eod>"]
    assert {prompt.text_id_of_frame(frame) for frame in (2, 99)} == {ids["<tts_pad>"]}


def test_arrays_are_int64_with_all_codebooks(custom: Reader) -> None:
    prompt = custom.build("ab", speaker="ryan")
    assert prompt.codec_ids.shape == (prompt.num_rows, 3)
    assert {prompt.text_ids.dtype, prompt.codec_ids.dtype, prompt.trailing_text_ids.dtype} == {
        np.dtype(np.int64)
    }

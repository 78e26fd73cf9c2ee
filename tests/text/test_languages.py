"""Which language figures are read in."""

from __future__ import annotations

import pytest

from intone.text.languages import language_to_read


@pytest.mark.parametrize(
    ("asked", "of_model", "read"),
    [
        ("auto", ("auto", "english"), "english"),
        ("Auto", ("auto", "english"), "english"),
        ("auto", ("auto", "english", "german"), "auto"),
        ("german", ("auto", "english"), "german"),
        ("auto", (), "auto"),
    ],
)
def test_a_model_with_one_language_needs_no_guess(
    asked: str, of_model: tuple[str, ...], read: str
) -> None:
    assert language_to_read(asked, of_model) == read

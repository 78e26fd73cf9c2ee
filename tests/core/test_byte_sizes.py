"""Sizes as people write them."""

from __future__ import annotations

import pytest

from intone.core.byte_sizes import format_bytes, parse_bytes
from intone.core.errors import InvalidSettingError


@pytest.mark.parametrize(
    ("size", "num_bytes"),
    [
        (1, 1),
        (2_000_000_000, 2_000_000_000),
        ("2GB", 2_000_000_000),
        ("1.5 GiB", 1_610_612_736),
        ("800mb", 800_000_000),
        (" 64 KiB ", 65_536),
        ("512", 512),
        ("7B", 7),
    ],
)
def test_a_size_is_bytes_or_a_number_with_its_unit(size: int | str, num_bytes: int) -> None:
    assert parse_bytes(size) == num_bytes


@pytest.mark.parametrize("size", [0, -5, "", "GB", "2 TB", "two GB", "-2GB", "2GB3", "0.1B"])
def test_what_is_no_size_is_refused_with_an_example(size: int | str) -> None:
    with pytest.raises(InvalidSettingError, match=r"a size is .*for example 2GB"):
        parse_bytes(size)


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [
        (7, "7 bytes"),
        (1500, "0.0 MB"),
        (12_340_000, "12.3 MB"),
        (123e6, "123 MB"),
        (2e9, "2.00 GB"),
    ],
)
def test_sizes_are_told_in_the_unit_that_fits(num_bytes: float, words: str) -> None:
    assert format_bytes(num_bytes) == words

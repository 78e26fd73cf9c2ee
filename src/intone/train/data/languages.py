"""Languages of rows, by the names that the official checkpoints use (their `codec_language_id`)."""

from __future__ import annotations

from intone.text.languages import AUTO, CODE_OF_NAME, find_language

KNOWN_LANGUAGES = (AUTO, *CODE_OF_NAME)
"""Dialects are no languages of a row: in official models a preset brings its own."""


def language_name(given: str) -> str:
    """Returns the name in lower case; "en", "en-GB" and "en_GB" are english."""
    return find_language(given) or given.strip().lower()

"""Languages by the names that the official checkpoints use (their `codec_language_id`)."""

from __future__ import annotations

from collections.abc import Mapping

OFFICIAL_LANGUAGES = (
    "chinese",
    "english",
    "german",
    "italian",
    "portuguese",
    "spanish",
    "japanese",
    "korean",
    "french",
    "russian",
)
KNOWN_LANGUAGES = ("auto", *OFFICIAL_LANGUAGES)
"""Dialects are no languages of a row: in official models a preset brings its own."""

_CODES: Mapping[str, str] = {
    "zh": "chinese",
    "en": "english",
    "de": "german",
    "it": "italian",
    "pt": "portuguese",
    "es": "spanish",
    "ja": "japanese",
    "ko": "korean",
    "fr": "french",
    "ru": "russian",
}


def language_name(given: str) -> str:
    """Returns the name in lower case; "en", "en-GB" and "en_GB" are english."""
    name = given.strip().lower()
    return _CODES.get(name.replace("_", "-").split("-")[0], name)

"""The ten languages of the models, by name and by code; names are those of the checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAME_OF_CODE: Mapping[str, str] = {
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
"""ISO 639-1 code to name, in the order of the official checkpoints' description."""

CODE_OF_NAME: Mapping[str, str] = {name: code for code, name in NAME_OF_CODE.items()}

AUTO = "auto"
"""The model hears the language from the text."""


def find_language(given: str) -> str | None:
    """Returns the name that a name, a code or "auto" stands for, in any case; None if unknown.

    A region is allowed and says nothing here: "en-GB", "en_GB" and "en" are english.
    """
    wanted = given.strip().lower()
    if wanted == AUTO or wanted in CODE_OF_NAME:
        return wanted
    return NAME_OF_CODE.get(wanted.replace("_", "-").split("-")[0])


def language_to_read(asked: str, of_model: Sequence[str]) -> str:
    """Returns the language in which figures are read: a model with one needs no guess of it.

    Args:
        asked: a name of `of_model`, or "auto".
        of_model: what the model that speaks has, "auto" among it.
    """
    named = [name for name in of_model if name != AUTO]
    return named[0] if asked.lower() == AUTO and len(named) == 1 else asked


def known_languages() -> str:
    """Returns the list for an error message: every code with its name, and auto."""
    named = (f"{code} ({name})" for code, name in NAME_OF_CODE.items())
    return f"{', '.join(named)}, {AUTO}"

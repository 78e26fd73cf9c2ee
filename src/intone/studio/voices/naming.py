"""What a new voice may be called, told in the words of the page."""

from __future__ import annotations

from intone.core.errors import InvalidSettingError
from intone.voices.library import VoiceLibrary
from intone.voices.names import checked_name


def free_name(library: VoiceLibrary, name: str | None) -> str:
    """Returns a name that a new voice can have, without white space around it.

    Raises:
        InvalidSettingError: empty, not a plain word, a preset's, or taken.
    """
    word = (name or "").strip()
    if not word:
        raise InvalidSettingError("the voice has no name yet; give it one, for example nora.")
    checked_name(word)
    if word in library:
        raise InvalidSettingError(
            f"a voice {word!r} is kept already (case makes no difference); choose another name, or "
            "rename or delete that one under Voices."
        )
    return word

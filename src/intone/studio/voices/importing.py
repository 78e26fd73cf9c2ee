"""A voice file from elsewhere comes into the library."""

from __future__ import annotations

from pathlib import Path

from intone.core.errors import VoiceFileError
from intone.studio.desk import Desk
from intone.studio.voices.naming import free_name
from intone.voices.importing import imported_voice
from intone.voices.voice import Voice
from intone.voices.voice_file import MAX_FILE_BYTES


def import_voice(desk: Desk, path: str | None, name: str) -> Voice:
    """Returns the voice of an uploaded file, kept in the library. For a thread.

    Args:
        path: of the upload; its name calls the voice where `name` is empty.

    Raises:
        VoiceFileError: there is no file, or it is no voice.
        InvalidSettingError: the name cannot be used.
        OutputError: it cannot be kept.
    """
    if path is None:
        raise VoiceFileError("there is no file yet; give a .voice file.")
    upload = Path(path)
    try:
        with upload.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise VoiceFileError("the file is not here any more; give it again.") from error
    wanted = name.strip() or None
    voice = imported_voice(upload.name, data, wanted)
    free_name(desk.library, voice.name)
    desk.library.put(voice)
    return voice

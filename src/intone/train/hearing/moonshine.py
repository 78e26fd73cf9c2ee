"""A recogniser that needs no model directory: Moonshine tiny for English, inside its package (MIT).

The package carried the model up to version 0.1.0, which the extra `segment` asks for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from intone.core.errors import (
    MissingDependencyError,
    ModelNotFoundError,
    UnknownLanguageError,
)
from intone.core.types import Samples

if TYPE_CHECKING:
    from moonshine_voice import Transcriber

MOONSHINE = "moonshine"

_LANGUAGES = ("auto", "english")
_WHOLE_CLIPS = {"vad_threshold": "0"}
"""Its own cutting would make short pieces of a clip, and hears a "You" in their silence."""
_MODEL_FILES = ("encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin")


class Moonshine:
    """Implements `Recogniser` for English."""

    def __init__(self) -> None:
        """Loads the model.

        Raises:
            MissingDependencyError: the package is absent.
            ModelNotFoundError: its version carries no model.
        """
        try:
            import moonshine_voice
            from moonshine_voice.moonshine_api import ModelArch
        except ImportError as error:
            raise MissingDependencyError(
                "this recogniser needs moonshine-voice; run: pip install 'intone[segment]', "
                "or name a model directory."
            ) from error
        directory = Path(moonshine_voice.__file__).parent / "assets" / "tiny-en"
        if not all((directory / name).is_file() for name in _MODEL_FILES):
            raise ModelNotFoundError(
                "the installed moonshine-voice carries no model; "
                "run: pip install 'moonshine-voice>=0.1,<0.1.1'."
            )
        self._model: Transcriber = moonshine_voice.Transcriber(
            str(directory), ModelArch.TINY, options=_WHOLE_CLIPS
        )

    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        """Returns the words in `samples` [S]; empty where none were heard.

        Raises:
            UnknownLanguageError: anything but English.
        """
        if language not in _LANGUAGES:
            raise UnknownLanguageError(
                f"Moonshine hears English, not {language!r}; name the directory of a Whisper model."
            )
        heard = self._model.transcribe_without_streaming(samples.tolist(), rate_hz)
        return " ".join(line.text.strip() for line in heard.lines if line.text.strip())

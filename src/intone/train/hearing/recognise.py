"""What was said: speech recognition for cutting long recordings and for word error rates.

Optional: the extra `asr`, and a model directory that the user names. Nothing is downloaded. Tests
and other recognisers implement the protocol.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import soxr

from intone.core.errors import MissingDependencyError, ModelNotFoundError
from intone.core.types import Samples
from intone.text.languages import CODE_OF_NAME

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

WHISPER_RATE_HZ = 16_000

_FILES = ("config.json", "model.bin", "tokenizer.json")
"""Without the last, faster-whisper would look for one on the network."""


class Recogniser(Protocol):
    """Hears words."""

    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        """Returns the words in `samples` [S]; empty where none were heard.

        Args:
            language: one of the model's languages; "auto" and unknown ones are found out.
        """
        ...


def open_recogniser(directory: Path, device: str = "auto") -> Recogniser:
    """Returns the recogniser of a model directory: Whisper, converted for CTranslate2.

    Args:
        directory: holds config.json, model.bin and tokenizer.json (of Systran/faster-whisper-small,
            for example).
        device: auto, cpu or cuda.

    Raises:
        MissingDependencyError: the extra is absent.
        ModelNotFoundError: the directory holds no such model.
    """
    missing = [name for name in _FILES if not (directory / name).is_file()]
    if missing:
        raise ModelNotFoundError(
            f"{directory} holds no recogniser ({', '.join(missing)} missing); give the directory "
            "of a Whisper model in CTranslate2's format, such as Systran/faster-whisper-small."
        )
    try:
        from faster_whisper import WhisperModel
    except ImportError as error:
        raise MissingDependencyError(
            "speech recognition needs faster-whisper; `pip install 'intone[asr]'` and run again."
        ) from error
    compute_type = "int8" if device == "cpu" else "default"
    return _Whisper(WhisperModel(str(directory), device=device, compute_type=compute_type))


class _Whisper:
    """Greedy, without timestamps or memory of the clip before: the same clip, the same words."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model

    def hear(self, samples: Samples, rate_hz: int, language: str = "auto") -> str:
        heard, _ = self._model.transcribe(
            soxr.resample(samples, rate_hz, WHISPER_RATE_HZ),
            language=CODE_OF_NAME.get(language),
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in heard).strip()

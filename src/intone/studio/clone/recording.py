"""An uploaded or recorded clip: taken in, judged, and written out again so that it can be heard."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intone.audio.files import save
from intone.audio.reference import ReferenceClip, load_reference
from intone.audio.reference_report import ReferenceReport
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import ReferenceAudioError
from intone.voices.making import report_clip

_HEARD_SUFFIX = ".24khz.wav"


@dataclass(frozen=True, slots=True)
class Recording:
    """A clip and what it is good for."""

    clip: ReferenceClip
    report: ReferenceReport


def take_in(path: str | None, words: str | None, language: str, *, limit_bytes: int) -> Recording:
    """Returns an uploaded file as a clip with its report. For a thread: it reads and decodes.

    Args:
        path: where the upload lies; None is none.
        words: what the clip says; None leaves them out of the report.

    Raises:
        ReferenceAudioError: nothing was given, or it is too large, no sound, too short, too long.
    """
    if path is None:
        raise ReferenceAudioError(
            "there is no recording yet; upload 5 to 10 seconds of one person, or record them."
        )
    check_size(path, limit_bytes)
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ReferenceAudioError("the recording is not here any more; upload it again.") from error
    try:
        clip = load_reference(data)
    except ReferenceAudioError as error:
        name = f"the reference audio ({len(data):,} bytes)"
        raise ReferenceAudioError(str(error).replace(name, Path(path).name)) from error
    return Recording(clip, report_clip(clip, words, language))


def check_size(path: str, limit_bytes: int) -> None:
    """Raises ReferenceAudioError for a file over the limit; nothing of it is read."""
    try:
        size = Path(path).stat().st_size
    except OSError:
        return  # whoever reads it tells
    if size > limit_bytes:
        raise ReferenceAudioError(
            f"the file has {size / 1e6:.0f} MB; allowed: up to {limit_bytes / 1e6:.0f} MB. 5 to 10 "
            "seconds are enough, so cut it down."
        )


def check_usable(recording: Recording, *, anyway: bool) -> None:
    """Raises ReferenceAudioError where the report refuses a clip and nobody said to use it."""
    refused = recording.report.of("refuse")
    if refused and not anyway:
        reasons = "; ".join(one.message for one in refused)
        raise ReferenceAudioError(
            f"the recording is refused: {reasons}. Give another one, or tick “Use it anyway”."
        )


def audible(path: str, clip: ReferenceClip) -> Path:
    """Returns the clip as a WAV file that every browser plays, beside its upload.

    Raises:
        OutputError: it cannot be written.
    """
    target = Path(path).with_suffix(_HEARD_SUFFIX)
    return target if target.is_file() else save(target, clip.samples, SAMPLE_RATE_HZ)

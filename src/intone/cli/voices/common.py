"""What the actions share: the library, who reads clips, options, and the clip's report."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.models_here import directory_of
from intone.cli.table import print_table
from intone.cli.telling import tell
from intone.core.errors import ModelNotFoundError, ReferenceAudioError, UnknownLanguageError
from intone.voices.builtin_voice import BUILTIN_MODEL

if TYPE_CHECKING:
    from intone.audio.reference import ReferenceClip
    from intone.audio.reference_report import ReferenceReport
    from intone.voices.candidates import CandidateFolder
    from intone.voices.cloning import CloneForm
    from intone.voices.library import VoiceLibrary
    from intone.voices.making import ChosenForm

DEFAULT_BASE = "0.6b-base"
"""What reads a clip where nothing else is asked for."""

_WORDS = {"fine": "ok", "warn": "warning", "refuse": "refused"}


def library() -> VoiceLibrary:
    """Returns the user's voices."""
    from intone.voices.library import VoiceLibrary

    return VoiceLibrary.from_env(os.environ)


def candidates(voices: VoiceLibrary) -> CandidateFolder:
    """Returns the rounds of `intone voices design`, which lie beside the voices."""
    from intone.voices.candidates import CandidateFolder

    return CandidateFolder(voices.directory)


def base_directory(model: str) -> Path:
    """Returns the directory of the model that reads clips.

    Raises:
        ModelNotFoundError: it is not here; the message says what to do.
    """
    try:
        return directory_of(model)
    except ModelNotFoundError as error:
        if model != DEFAULT_BASE:
            raise
        raise ModelNotFoundError(
            f"{error} Without a download the built-in voice clones too, from the x-vector alone: "
            f"--model {BUILTIN_MODEL}."
        ) from error


def check_language(language: str, directory: Path) -> str:
    """Returns a language as the model spells it; raises UnknownLanguageError."""
    from intone.models.description import ModelDescription

    known = ModelDescription.read(directory).config.languages
    name = language.strip().lower()
    if name not in known:
        raise UnknownLanguageError(
            f"language {language!r} is unknown; this checkpoint has: {', '.join(known)}."
        )
    return name


def add_encoder(parser: argparse.ArgumentParser, default: str | None, note: str) -> None:
    """Adds which model reads the clip, and where."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", metavar="ID|DIR", default=default, help=f"that reads the clip; {note}"
    )
    group.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")


def add_form(parser: argparse.ArgumentParser) -> None:
    """Adds ICL or x-vector; without a flag the words decide."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--xvec-only",
        dest="form",
        action="store_const",
        const="x_vector",
        help="keep the speaker's x-vector, not the clip itself",
    )
    group.add_argument(
        "--icl",
        dest="form",
        action="store_const",
        const="icl",
        help="keep the clip's codes (the default where its words are known)",
    )


def add_notes(parser: argparse.ArgumentParser) -> None:
    """Adds what belongs to a voice besides its sound."""
    parser.add_argument("--language", default="auto", help="that the clip is in (default auto)")
    parser.add_argument("--licence", metavar="WORDS", help="under which the voice may be used")
    parser.add_argument("--consent", metavar="WORDS", help="a note: who agreed to what")


def chosen_form(args: argparse.Namespace) -> CloneForm | None:
    """Returns the form that was asked for; None where no flag was given."""
    form: CloneForm | None = args.form
    return form


def tell_form(chosen: ChosenForm) -> None:
    """Says where a voice is less than it could be."""
    notes = {
        "no words": "no --text: keeping the x-vector alone; the clip's exact words bring the voice "
        "closer",
        "no codec encoder": "this model has no codec encoder: keeping the x-vector alone; a Base "
        "model keeps the clip as well",
    }
    if chosen.reason in notes:
        tell(notes[chosen.reason])


def print_report(clip: ReferenceClip, report: ReferenceReport, *, can_refuse: bool = True) -> None:
    """Prints a line for every aspect of a clip."""
    words = _WORDS if can_refuse else _WORDS | {"refuse": _WORDS["warn"]}
    rows = [(words[one.severity], one.aspect, one.message) for one in report.findings]
    print(f"reference clip of {clip.duration_s:.1f} s:")
    print_table([("", *row) for row in rows])


def check_usable(report: ReferenceReport, *, anyway: bool) -> None:
    """Refuses a clip that would give another voice than meant, unless told to go on.

    Raises:
        ReferenceAudioError: a finding refuses it.
    """
    refused = report.of("refuse")
    if refused and not anyway:
        reasons = "; ".join(one.message for one in refused)
        raise ReferenceAudioError(f"the clip is refused: {reasons}. --anyway goes on with it.")

"""A document as it will be spoken: read, checked and planned without loading a model."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

from intone.audio.loudness import check_target
from intone.cli import clusters, options, server_choice
from intone.cli.model_choice import chosen_model
from intone.cli.modes import DEFAULT_MODELS
from intone.cli.reading_aloud import read_aloud
from intone.core.errors import InvalidSettingError, UnknownLanguageError, UnsupportedModeError
from intone.core.speak_options import speech_request
from intone.core.types import Capabilities
from intone.render.book_plan import (
    BookPlan,
    BookSettings,
    ChapterPlan,
    chosen_chapters,
    plan_book,
)
from intone.render.book_store import kept_record
from intone.render.identity import Identity, check_can_speak, find_identity, preset_identity
from intone.render.outputs import DEFAULT_FOLDER
from intone.runtime.rng import fresh_seed
from intone.text.book import Book
from intone.text.documents import read_book
from intone.text.languages import AUTO
from intone.voices.library import VoiceLibrary


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What is to be spoken, and into which folder."""

    source: Path
    out: Path
    model: str | None
    """None is the built-in voice."""
    can: Capabilities
    identity: Identity | None
    """Who speaks; None: the person of a clip, which is still to be encoded."""
    settings: BookSettings
    plan: BookPlan
    chapters: tuple[ChapterPlan, ...]
    """Those that were asked for."""

    @classmethod
    def of(cls, args: argparse.Namespace) -> Session:
        """Reads and plans; loads no model.

        Raises:
            RequestError: the document or an option is wrong.
            ModelNotFoundError: the model is not on this machine.
        """
        clusters.check_ray(args)
        source = Path(args.file)
        book = read_book(source)
        if args.loudness is not None:
            check_target(args.loudness)
        args.model = _model(args)
        with server_choice.open_speaker(args) as tts:
            can = tts.capabilities()
        identity = _identity(args, can)
        out = Path(DEFAULT_FOLDER, source.stem) if args.out is None else Path(args.out)
        settings = _settings(args, _language(args, book, can), can, out)
        plan = plan_book(book, settings)
        return cls(
            source=source,
            out=out,
            model=args.model,
            can=can,
            identity=identity,
            settings=settings,
            plan=plan,
            chapters=chosen_chapters(plan, args.chapters),
        )


def _model(args: argparse.Namespace) -> str | None:
    if args.server is not None:
        return _of_server(args)
    if args.ref_audio is not None and args.model is None:
        return DEFAULT_MODELS["clone"]
    return chosen_model(args.model, args.voice, os.environ)


def _of_server(args: argparse.Namespace) -> str | None:
    if args.ref_audio is not None:
        raise UnsupportedModeError(
            f"--ref-audio {args.ref_audio} would be encoded on this machine, and --server "
            "speaks; keep the voice there (POST /v1/audio/voices), and name it with --voice."
        )
    return None if args.model is None else str(args.model)


def _identity(args: argparse.Namespace, can: Capabilities) -> Identity | None:
    """Returns who speaks, by name; None for a clip.

    Raises:
        InvalidSettingError: nobody was named, or two were.
        UnknownVoiceError, UnsupportedModeError
    """
    if can.kind == "design":
        raise UnsupportedModeError(
            f"{can.model} draws another person for every piece; keep one (`intone voices design`, "
            "then `keep`), and speak the book with --voice NAME."
        )
    if args.ref_audio is not None:
        if args.voice is not None:
            raise InvalidSettingError("a voice was given twice; give --voice or --ref-audio.")
        return None
    if args.voice is None:
        if not can.voices:
            raise InvalidSettingError(
                f"{can.model} has no preset voice; give --voice NAME of a kept voice "
                "(`intone voices list`), or --ref-audio FILE."
            )
        return preset_identity(can.voices[0])
    found = find_identity(args.voice, can, VoiceLibrary.from_env(os.environ))
    if found.description is not None:
        raise InvalidSettingError(
            f"voice is {args.voice!r}; allowed: a preset or a kept voice by name. Make one from a "
            "description with `intone voices design`."
        )
    check_can_speak(found, can)
    return found


def _language(args: argparse.Namespace, book: Book, can: Capabilities) -> str:
    """Returns the language that was asked for, else the document's own where the model has it."""
    language = str(args.language).lower()
    if language not in can.languages:
        raise UnknownLanguageError(
            f"language is {args.language!r}; {can.model} has: {', '.join(can.languages)}."
        )
    return book.language if language == AUTO and book.language in can.languages else language


def _settings(
    args: argparse.Namespace, language: str, can: Capabilities, out: Path
) -> BookSettings:
    keywords = options.speak_options(args, voice=None, instruct=args.instruct)
    keywords["language"] = language
    return BookSettings(
        template=speech_request("-", keywords),
        seed=_seed(args, out),
        read_aloud=read_aloud(args, can.languages),
    )


def _seed(args: argparse.Namespace, out: Path) -> int:
    """Returns the seed that was given, else that of the book which is gone on with, else a new."""
    if args.seed is not None:
        return int(args.seed)
    begun = None if args.restart else kept_record(out)
    return fresh_seed() if begun is None else begun.request.seed

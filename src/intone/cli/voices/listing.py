"""`intone voices list` and `show`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from intone.cli.exit_codes import EXIT_OK
from intone.cli.models_here import ModelHere, models_here
from intone.cli.options import Commands
from intone.cli.table import print_table
from intone.cli.voices.common import library
from intone.cli.voices.showing import fitting, print_voice, voice_json

if TYPE_CHECKING:
    from intone.voices.library import LibraryEntry


def add_parsers(actions: Commands[argparse.ArgumentParser]) -> None:
    """Adds both actions."""
    action = actions.add_parser(
        "list", help="your voices, then the presets of models that are here"
    )
    action.add_argument("--json", action="store_true", help="as JSON")
    action.set_defaults(run=run_list)

    action = actions.add_parser("show", help="everything that a voice's file tells")
    action.add_argument("name", metavar="NAME")
    action.add_argument("--json", action="store_true", help="as JSON")
    action.set_defaults(run=run_show)


def run_list(args: argparse.Namespace) -> int:
    """Prints one line per voice; a damaged file is one of them."""
    models, voices = models_here(), library()
    entries = voices.entries()
    if args.json:
        print(json.dumps([*_entries_json(entries, models), *_presets_json(models)], indent=1))
        return EXIT_OK
    rows = [*_rows(entries, models), *_preset_rows(models)]
    print_table([("NAME", "KIND", "LANGUAGE", "MOODS", "SPEAKS WITH"), *rows])
    if not entries:
        print(f"no voice of your own in {voices.directory}: intone voices clone NAME --audio FILE")
    return EXIT_OK


def run_show(args: argparse.Namespace) -> int:
    """Prints one voice."""
    voices = library()
    voice, path, models = voices.get(args.name), voices.path(args.name), models_here()
    if args.json:
        print(json.dumps(voice_json(voice, path, models), indent=1))
    else:
        print_voice(voice, path, models)
    return EXIT_OK


def _rows(
    entries: Sequence[LibraryEntry], models: Sequence[ModelHere]
) -> Iterator[tuple[str, ...]]:
    for one in entries:
        voice = one.voice
        if voice is None:
            yield one.name, "damaged", "", "", str(one.problem)
            continue
        fits = ", ".join(fitting(voice, models)) or f"no model here (width {voice.hidden_size:,})"
        yield one.name, voice.kind, voice.language, ", ".join(voice.moods), fits


def _preset_rows(models: Sequence[ModelHere]) -> Iterator[tuple[str, ...]]:
    for name, here in _presets(models).items():
        yield name, "preset", "", "", ", ".join(here)


def _presets(models: Sequence[ModelHere]) -> dict[str, list[str]]:
    """Returns every preset with the models that have it."""
    found: dict[str, list[str]] = {}
    for model in models:
        for speaker in model.config.speakers:
            found.setdefault(speaker, []).append(model.name)
    return found


def _entries_json(
    entries: Sequence[LibraryEntry], models: Sequence[ModelHere]
) -> Iterator[dict[str, object]]:
    for one in entries:
        if one.voice is None:
            yield {
                "name": one.name,
                "kind": "damaged",
                "problem": one.problem,
                "path": str(one.path),
            }
        else:
            yield voice_json(one.voice, one.path, models)


def _presets_json(models: Sequence[ModelHere]) -> Iterator[dict[str, object]]:
    for name, here in _presets(models).items():
        yield {"name": name, "kind": "preset", "fits": here}

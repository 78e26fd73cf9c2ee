"""A voice in words, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from intone.cli.table import print_table

if TYPE_CHECKING:
    from intone.cli.models_here import ModelHere
    from intone.voices.voice import Reference, Voice

NEUTRAL = "neutral"


def print_kept(voice: Voice, path: Path, model: str) -> None:
    """Prints what was kept, where, and how to speak with it."""
    form = "its clip and words (ICL)" if voice.is_icl else "its x-vector"
    moods = f"; moods: {', '.join(voice.moods)}" if voice.moods else ""
    print(f"{voice.name}: {path} ({path.stat().st_size:,} bytes), speaks from {form}{moods}")
    spoken_with = f" --model {model}" if Path(model).is_dir() else ""
    print(f'say something: intone say "Hello." --voice {voice.name}{spoken_with}')


def print_voice(voice: Voice, path: Path, models: Sequence[ModelHere]) -> None:
    """Prints everything that a voice's file tells."""
    print_table([(key, value) for key, value in _rows(voice, path, models) if value])


def _rows(voice: Voice, path: Path, models: Sequence[ModelHere]) -> Iterator[tuple[str, str]]:
    from intone.voices.voice_file import content_sha256

    making = voice.making
    yield "name", voice.name
    yield "kind", voice.kind
    yield "language", voice.language
    yield "speaker", f"{voice.speaker} of {voice.model}" if voice.speaker else ""
    yield "family", voice.family
    yield "width", f"{voice.hidden_size:,}"
    yield "codebooks", str(voice.num_codebooks or "")
    yield "fits here", ", ".join(fitting(voice, models)) or "no model on this machine"
    for one in voice.references:
        yield f"clip {one.mood or NEUTRAL}", clip_words(one)
    yield "description", making.description or ""
    yield "seed", "" if making.seed is None else str(making.seed)
    yield "designed by", making.design_model or ""
    yield "read by", making.model or ""
    yield "clip's sha256", making.source_sha256 or ""
    yield "licence", voice.licence or ""
    yield "consent", voice.consent or ""
    yield "sha256", content_sha256(voice)
    yield "file", str(path)


def clip_words(one: Reference) -> str:
    """Returns a clip in words: its length, and what it says."""
    length = "x-vector" if one.duration_s is None else f"{one.duration_s:.1f} s"
    return f"{length}: {one.text}" if one.text else length


def fitting(voice: Voice, models: Sequence[ModelHere]) -> list[str]:
    """Returns the models that can speak with a voice."""
    return [one.name for one in models if one.fits(voice)]


def voice_json(voice: Voice, path: Path, models: Sequence[ModelHere]) -> dict[str, object]:
    """Returns what `print_voice` prints."""
    from intone.voices.voice_file import content_sha256

    return {
        "name": voice.name,
        "kind": voice.kind,
        "language": voice.language,
        "family": voice.family,
        "hidden_size": voice.hidden_size,
        "num_codebooks": voice.num_codebooks,
        "is_icl": voice.is_icl,
        "moods": list(voice.moods),
        "references": [
            {"mood": one.mood, "text": one.text, "duration_s": one.duration_s}
            for one in voice.references
        ],
        "making": asdict(voice.making),
        "licence": voice.licence,
        "consent": voice.consent,
        "model": voice.model,
        "speaker": voice.speaker,
        "fits": fitting(voice, models),
        "sha256": content_sha256(voice),
        "path": str(path),
    }

"""Folders of takes that were never spoken."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from tests.render.records import noise, record

from intone.render.outputs import KeptTake, OutputFolder
from intone.render.script_record import ScriptRecord, SegmentRecord
from intone.render.sidecar import VoiceRecord

NOW = datetime(2026, 1, 31, 15, 45, 0)
SAMPLES = noise(2_400)


def keep(
    folder: Path,
    text: str = "Hello.",
    *,
    mode: str = "studio-speak",
    voice: str = "ava",
    days_ago: int = 0,
) -> KeptTake:
    """Keeps a take of a tenth of a second."""
    made_at = NOW - timedelta(days=days_ago)
    one = replace(
        record(SAMPLES, mode), text=text, voice=VoiceRecord(kind="preset", name=voice), notes=()
    )
    return OutputFolder(folder, now=lambda: made_at).save(SAMPLES, 24_000, one)


def keep_many(folder: Path, num_takes: int) -> None:
    """Writes records alone, one a minute, the last one the newest: "Take 0." and so on."""
    folder.mkdir(exist_ok=True)
    one = record(SAMPLES, "say")
    for number in range(num_takes):
        made_at = NOW - timedelta(minutes=num_takes - number)
        text = replace(one, text=f"Take {number}.").json()
        (folder / f"say_{made_at:%Y%m%d_%H%M%S}.json").write_text(text, encoding="utf-8")


def keep_script(folder: Path, texts: tuple[str, ...], *, is_whole: bool = True) -> str:
    """Keeps a script with its segments; returns its stem."""
    kept = OutputFolder(folder, now=lambda: NOW)
    with kept.claimed("studio-script") as stem:
        for number, text in enumerate(texts, start=1):
            one = replace(record(SAMPLES, "studio-script"), text=text, mood="angry")
            kept.write(f"{stem}.{number:03}", SAMPLES, 24_000, one)
        if is_whole:
            (folder / f"{stem}.wav").write_bytes(b"RIFF")
            (folder / f"{stem}.srt").write_text("", encoding="utf-8")
            path = folder / f"{stem}.json"
            path.write_text(_script(stem, texts).json(), encoding="utf-8")
    return stem


def _script(stem: str, texts: tuple[str, ...]) -> ScriptRecord:
    one = record(SAMPLES)
    return ScriptRecord(
        schema=1,
        intone_version="9.9",
        created_at=one.created_at,
        mode="studio-script",
        script="letter.txt",
        audio_file=f"{stem}.wav",
        seed=7,
        model=one.model,
        ear=None,
        min_similarity=0.5,
        lowest_similarity=0.61,
        mean_similarity=0.7,
        duration_s=0.2,
        segments=tuple(_segment(stem, number, text) for number, text in enumerate(texts)),
        notes=(),
    )


def _segment(stem: str, number: int, text: str) -> SegmentRecord:
    return SegmentRecord(
        index=number,
        line=None,
        column=None,
        text=text,
        spoken_text=text,
        speaker=None,
        identity="nora",
        mood="angry",
        route="instruct",
        start_s=0.0,
        end_s=0.1,
        gain_db=0.0,
        seed=7,
        similarity=0.61,
        finish_reason="stop",
        num_draws=1,
        take=f"{stem}.{number + 1:03}.json",
        notes=(),
    )

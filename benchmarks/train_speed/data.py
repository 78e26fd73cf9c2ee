"""Rows of realistic lengths without sound: random codes, one short reference clip for the script.

The random checkpoint's tokenizer makes one token of every character, and speech has about four
tokens of the official tokenizer a second, so a text has four characters a second.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from intone.core.constants import FRAME_S, SAMPLE_RATE_HZ
from intone.core.types import Codes, Samples
from intone.train.encoding.dataset import CODES_DIRECTORY, Origin, RowKeys, write_index
from intone.train.encoding.shards import Record, ShardWriter
from intone.train.rows import ROWS_FILE, TrainingRow, write_rows

NUM_CODEBOOKS = 16
TOKENS_PER_S = 4.0
REFERENCE_S = 3.0
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz "))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SyntheticRow:
    """One utterance as both trainers read it."""

    name: str
    text: str
    codes: Codes
    """[F, K]"""


def make_rows(
    count: int, *, min_s: float, max_s: float, num_codes: int, seed: int
) -> list[SyntheticRow]:
    """Returns rows whose lengths spread evenly from `min_s` to `max_s`, in random order."""
    generator = np.random.default_rng(seed)
    lengths_s = generator.permutation(np.linspace(min_s, max_s, count))
    return [
        SyntheticRow(
            name=f"row{n:04}",
            text=_text(generator, round(length_s * TOKENS_PER_S)),
            codes=generator.integers(0, num_codes, (round(length_s / FRAME_S), NUM_CODEBOOKS)),
        )
        for n, length_s in enumerate(lengths_s)
    ]


def write_public_rows(rows: Sequence[SyntheticRow], directory: Path) -> Path:
    """Writes what the script's own preparation would have written; returns the file."""
    clip = directory / "reference.wav"
    write_clip(clip, REFERENCE_S)
    path = directory / "public.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            line = {
                "audio": str(clip),
                "text": row.text,
                "ref_audio": str(clip),
                "audio_codes": row.codes.tolist(),
            }
            file.write(json.dumps(line) + "\n")
    return path


def write_encoded_rows(
    rows: Sequence[SyntheticRow],
    directory: Path,
    hidden_size: int,
    x_vector: Samples | None = None,
) -> Path:
    """Writes what check and encode would have written; returns the directory.

    Args:
        x_vector: of every row, [H]; None takes noise.
    """
    directory.mkdir()
    noise = np.random.default_rng(0).standard_normal(hidden_size).astype(np.float32)
    vector = noise if x_vector is None else x_vector
    unused = directory / "unused.wav"
    write_rows(
        directory / ROWS_FILE,
        [TrainingRow(id=row.name, audio=unused, text=row.text) for row in rows],
    )
    with ShardWriter(directory / CODES_DIRECTORY) as writer:
        writer.append([Record("x_vector", "voice", vector)])
        writer.append([Record("codes", row.name, row.codes.astype(np.uint16)) for row in rows])
    keys = [RowKeys(id=row.name, codes=row.name, x_vector="voice") for row in rows]
    write_index(directory, keys, Origin(codec="given", speaker_encoder="given"))
    return directory


def write_clip(path: Path, length_s: float) -> None:
    """Writes quiet noise at 24 kHz."""
    noise = np.random.default_rng(0).standard_normal(round(length_s * SAMPLE_RATE_HZ))
    soundfile.write(path, 0.05 * noise.astype(np.float32), SAMPLE_RATE_HZ)


def _text(generator: np.random.Generator, length: int) -> str:
    letters = LETTERS[generator.integers(0, len(LETTERS), length)]
    return "a" + "".join(letters[1:-1]) + "a"  # no white space at the ends: it would be dropped

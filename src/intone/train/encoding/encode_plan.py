"""Which clips a dataset's rows need, what each is called, and in which batches they are encoded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intone.train.data.verdicts import Code
from intone.train.encoding.clip_source import ClipProblem, ClipSource, about_seconds
from intone.train.encoding.dataset import Origin, RowKeys
from intone.train.encoding.encoders import Unit
from intone.train.encoding.shards import Kind, Shards
from intone.train.rows import TrainingRow
from intone.voices.encoders import TRAILING_SILENCE_S

Hashes = Mapping[Path, str | ClipProblem]


@dataclass(frozen=True, slots=True)
class Need:
    """One record that a row needs, and the clip that it is made from."""

    kind: Kind
    key: str
    source: ClipSource

    @property
    def name(self) -> tuple[Kind, str]:
        return self.kind, self.key


@dataclass(frozen=True, slots=True)
class RowPlan:
    """One row: what it needs, or why it cannot have it."""

    row: TrainingRow
    needs: tuple[Need, ...]
    keys: RowKeys | None
    problem: ClipProblem | None = None


def plan_row(row: TrainingRow, hashes: Hashes, origin: Origin, *, trim: bool = False) -> RowPlan:
    """Returns what a row needs.

    Args:
        hashes: SHA-256 of every file that a row names, or why it has none.
        origin: whose encoders are used.
        trim: cut silence off the ends of the row's own clip; a reference stays as inference has it.
    """
    clip = ClipSource(row.audio, row.start_s, row.end_s, is_trimmed=trim)
    voice = clip if row.ref_audio is None else ClipSource(row.ref_audio, is_reference=True)
    for source in (clip, voice):
        found = hashes[source.path]
        if isinstance(found, ClipProblem):
            code: Code = "bad_reference" if source.is_reference else found.code
            return RowPlan(row, (), None, ClipProblem(code, found.reason))
    codes = _codes(clip, hashes, origin)
    vector = None if origin.speaker_encoder is None else _vector(voice, hashes, origin)
    reference = _codes(voice, hashes, origin) if voice.is_reference and row.ref_text else None
    keys = RowKeys(
        id=row.id,
        codes=codes.key,
        x_vector=None if vector is None else vector.key,
        ref_codes=None if reference is None else reference.key,
    )
    return RowPlan(row, tuple(n for n in (codes, vector, reference) if n is not None), keys)


def _codes(source: ClipSource, hashes: Hashes, origin: Origin) -> Need:
    silence_s = TRAILING_SILENCE_S if source.is_reference else 0.0
    made: dict[str, str | float] = {"kind": "codes", "by": origin.codec, "silence_s": silence_s}
    return Need("codes", source.key(str(hashes[source.path]), made), source)


def _vector(source: ClipSource, hashes: Hashes, origin: Origin) -> Need:
    made = {"kind": "x_vector", "by": str(origin.speaker_encoder)}
    return Need("x_vector", source.key(str(hashes[source.path]), made), source)


def units_of(plans: Sequence[RowPlan], shards: Shards) -> list[Unit]:
    """Returns the clips that lack a record, each once, the longest first."""
    wanted: dict[ClipSource, dict[Kind, str]] = {}
    taken: set[tuple[Kind, str]] = set()
    for need in (need for plan in plans for need in plan.needs):
        if need.name not in taken and need.name not in shards:
            taken.add(need.name)
            wanted.setdefault(need.source, {})[need.kind] = need.key
    units = [
        Unit(
            source=source,
            seconds=about_seconds(source),
            codes_key=keys.get("codes"),
            x_vector_key=keys.get("x_vector"),
        )
        for source, keys in wanted.items()
    ]
    return sorted(units, key=lambda unit: -unit.seconds)


def batches_of(units: Sequence[Unit], batch_s: float) -> Iterator[list[Unit]]:
    """Yields units that follow each other, while the longest times their number fits `batch_s`.

    A clip that is longer than that gets a batch of its own; 0 gives one to each.
    """
    batch: list[Unit] = []
    for unit in units:
        if batch and (len(batch) + 1) * batch[0].seconds > batch_s:
            yield batch
            batch = []
        batch.append(unit)
    if batch:
        yield batch

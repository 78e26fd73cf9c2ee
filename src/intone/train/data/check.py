"""The first stage: every row of a source gets a verdict, and read = kept + rejected, always.

Reads any of the formats of `sources`, measures each clip once, and writes a directory that the
later stages read: `rows.jsonl` with the kept rows, `rejected.jsonl` with a code and a reason for
each other one, and `check.json` with what adds up.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from intone.audio.reference import MAX_REFERENCE_S, MIN_REFERENCE_S, SILENCE_PEAK
from intone.core.errors import DatasetError
from intone.train.data.clip_stats import ClipFailure, ClipStats, Measured
from intone.train.data.limits import ClipLimits, Problem, clip_problem
from intone.train.data.measuring import MEASURED_FILE, Cut, Measurements, measure_all
from intone.train.data.parse_rows import Candidate, RowDefaults, parse_row
from intone.train.data.source_keys import SourceOptions
from intone.train.data.sources import read_source
from intone.train.data.splits import Heard, drawn, repeat_problems
from intone.train.data.verdicts import Code, Rejection
from intone.train.progress import OnProgress, silent
from intone.train.rows import TrainingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """What to check, against what, and where the verdicts go."""

    source: Path
    out: Path
    validation_source: Path | None = None
    """Rows that validate unless they say otherwise."""
    options: SourceOptions = SourceOptions()
    defaults: RowDefaults = RowDefaults()
    limits: ClipLimits = ClipLimits()
    validation_share: float = 0.05
    allow_repeats: bool = False
    max_rejected_share: float = 0.05
    processes: int = 1

    def __post_init__(self) -> None:
        for name, share in (
            ("validation", self.validation_share),
            ("max-rejected", self.max_rejected_share),
        ):
            if not 0 <= share <= 1 or (name == "validation" and share == 1):
                raise DatasetError(f"{name} is {share:g}; allowed: a share from 0 to 1, or 5%.")
        folder = self.source if self.source.is_dir() else self.source.parent
        if os.path.abspath(self.out) == os.path.abspath(folder):
            raise DatasetError(
                f"the verdicts would be written among the source, into {self.out}; "
                "give another directory with --out."
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of one row."""

    text: str
    """Empty where the row has none."""
    stats: ClipStats | None
    """None where there was no clip to measure."""
    outcome: TrainingRow | Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """Every row's verdict, in the order of the source."""

    verdicts: Sequence[Verdict]
    num_clips: int
    """Distinct clips and references."""
    num_measured: int
    """Of these, measured now; the rest was known from an earlier check."""
    unused: Counter[str] = field(default_factory=Counter)
    """Rows by keys that were there and were not read."""

    @property
    def kept(self) -> list[TrainingRow]:
        return [each.outcome for each in self.verdicts if isinstance(each.outcome, TrainingRow)]

    @property
    def rejected(self) -> list[Rejection]:
        return [each.outcome for each in self.verdicts if isinstance(each.outcome, Rejection)]

    @property
    def rejected_by_code(self) -> Counter[Code]:
        return Counter(rejection.code for rejection in self.rejected)

    def kept_stats(self) -> Iterator[tuple[TrainingRow, ClipStats]]:
        """Yields kept rows with their measurements."""
        for each in self.verdicts:
            if isinstance(each.outcome, TrainingRow) and each.stats is not None:
                yield each.outcome, each.stats


@dataclass(slots=True)
class _Case:
    """One row on its way to a verdict."""

    candidate: Candidate | None
    rejection: Rejection | None
    stats: ClipStats | None = None
    row: TrainingRow | None = None

    def reject(self, problem: Problem) -> None:
        assert self.candidate is not None
        code, reason = problem
        self.rejection = Rejection(
            id=self.candidate.row.id, code=code, reason=reason, row=self.candidate.source
        )


def check(settings: CheckSettings, on_progress: OnProgress = silent) -> CheckResult:
    """Returns the verdict on every row; writes nothing but the cache of measurements.

    Raises:
        DatasetError: the source cannot be read, or holds no row.
        OutputError: the cache cannot be written.
    """
    cases, unused = _read_cases(settings)
    if not cases:
        raise DatasetError(f"{settings.source} holds no rows; there is nothing to train on.")
    open_cases = [case for case in cases if case.rejection is None]
    measured = measure_all(
        [cut for case in open_cases for cut in _cuts(case)],
        settings.out / MEASURED_FILE,
        processes=settings.processes,
        on_progress=on_progress,
    )
    for case in open_cases:
        _judge(case, measured, settings.limits)
    _settle([case for case in open_cases if case.rejection is None], settings)
    return CheckResult(
        verdicts=[_verdict(case) for case in cases],
        num_clips=len(measured.by_cut),
        num_measured=measured.num_measured,
        unused=unused,
    )


def _read_cases(settings: CheckSettings) -> tuple[list[_Case], Counter[str]]:
    cases: list[_Case] = []
    unused: Counter[str] = Counter()
    ids: set[str] = set()
    for path, defaults, prefix in _sources(settings):
        for read in read_source(path, settings.options):
            read = replace(read, id=prefix + read.id)
            if not isinstance(read, Rejection):
                unused.update(read.unused)
                parsed = parse_row(read, defaults)
            else:
                parsed = read
            cases.append(_case(parsed, ids))
    return cases, unused


def _sources(settings: CheckSettings) -> Iterator[tuple[Path, RowDefaults, str]]:
    yield settings.source, settings.defaults, ""
    if settings.validation_source is not None:
        held_out = replace(settings.defaults, split="validation")
        yield settings.validation_source, held_out, "validation/"


def _case(parsed: Candidate | Rejection, ids: set[str]) -> _Case:
    if isinstance(parsed, Rejection):
        return _Case(None, parsed)
    case = _Case(parsed, None)
    if parsed.row.id in ids:
        case.reject(("duplicate_id", f"id {parsed.row.id!r} was there before; ids are unique"))
    ids.add(parsed.row.id)
    return case


def _cuts(case: _Case) -> Iterator[Cut]:
    assert case.candidate is not None
    row = case.candidate.row
    yield Cut(row.audio, row.start_s, row.end_s)
    if row.ref_audio is not None:
        yield Cut(row.ref_audio, None, None)


def _judge(case: _Case, measured: Measurements, limits: ClipLimits) -> None:
    assert case.candidate is not None
    found = [measured.by_cut[cut] for cut in _cuts(case)]
    clip = found[0]
    if isinstance(clip, ClipFailure):
        case.reject((clip.code, clip.reason))
        return
    case.stats = clip
    problem = next(filter(None, map(_reference_problem, found[1:])), None)
    problem = problem or clip_problem(case.candidate.row.text, clip, limits)
    if problem:
        case.reject(problem)


def _reference_problem(clip: Measured) -> Problem | None:
    """Returns why a reference clip would be refused when it is encoded."""
    if isinstance(clip, ClipFailure):
        return "bad_reference", f"ref_audio: {clip.reason}"
    if not MIN_REFERENCE_S <= clip.duration_s <= MAX_REFERENCE_S:
        allowed = f"{MIN_REFERENCE_S:g} to {MAX_REFERENCE_S:g} s"
        return "bad_reference", f"ref_audio: {clip.duration_s:.2f} s; allowed: {allowed}"
    if clip.peak < SILENCE_PEAK:
        return "bad_reference", f"ref_audio: silent, peak {clip.peak:.4f}"
    return None


def _settle(cases: Sequence[_Case], settings: CheckSettings) -> None:
    """Compares the rows that are fine by themselves, and draws those that validate."""
    heard = [
        Heard(case.candidate, case.stats.digest)
        for case in cases
        if case.candidate is not None and case.stats is not None
    ]
    problems = repeat_problems(heard, allow_repeats=settings.allow_repeats)
    for index, problem in problems.items():
        cases[index].reject(problem)
    kept = [i for i in range(len(cases)) if i not in problems]
    rows = drawn([heard[i] for i in kept], settings.validation_share)
    for i, row in zip(kept, rows, strict=True):
        cases[i].row = row


def _verdict(case: _Case) -> Verdict:
    outcome = case.rejection or case.row
    assert outcome is not None
    text = "" if case.candidate is None else case.candidate.row.text
    return Verdict(text=text, stats=case.stats, outcome=outcome)

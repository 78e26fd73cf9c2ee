"""What a check writes besides its page: the kept rows, the rejected ones, and the sums."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from intone.audio.durable import atomic_write_text
from intone.core.constants import SAMPLE_RATE_HZ
from intone.core.errors import DatasetError
from intone.train.data.check import CheckResult, CheckSettings
from intone.train.data.verdicts import REJECTED_FILE, write_rejections
from intone.train.rows import ROWS_FILE, write_rows

CHECK_FILE = "check.json"

_LONG_TAIL_S = 0.5


@dataclass(slots=True)
class Share:
    """Rows and seconds of a speaker, a language or a split."""

    rows: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """The sums of a check."""

    read: int
    kept: int
    rejected: int
    rejected_by_code: dict[str, int]
    splits: dict[str, Share]
    speakers: dict[str, Share]
    languages: dict[str, Share]
    notes: list[str]
    """What is no reason to reject a row, and still good to know."""


def summarise(result: CheckResult) -> CheckSummary:
    """Returns the sums; read = kept + rejected by construction of `verdicts`."""
    splits: dict[str, Share] = {}
    speakers: dict[str, Share] = {}
    languages: dict[str, Share] = {}
    for row, stats in result.kept_stats():
        for table, name in (
            (splits, row.split),
            (speakers, row.speaker),
            (languages, row.language),
        ):
            share = table.setdefault(name, Share())
            share.rows += 1
            share.seconds += stats.duration_s
    return CheckSummary(
        read=len(result.verdicts),
        kept=len(result.kept),
        rejected=len(result.rejected),
        rejected_by_code=dict(result.rejected_by_code.most_common()),
        splits=dict(sorted(splits.items())),
        speakers=dict(sorted(speakers.items())),
        languages=dict(sorted(languages.items())),
        notes=list(_notes(result)),
    )


def write_verdicts(result: CheckResult, summary: CheckSummary, settings: CheckSettings) -> None:
    """Writes `rows.jsonl`, `rejected.jsonl` and `check.json`, each whole; raises OutputError."""
    write_rejections(settings.out / REJECTED_FILE, result.rejected)
    write_rows(settings.out / ROWS_FILE, result.kept)
    data = asdict(summary) | {"settings": asdict(settings)}
    text = json.dumps(data, indent=2, ensure_ascii=False, default=_plain)
    atomic_write_text(settings.out / CHECK_FILE, f"{text}\n")


def enforce(summary: CheckSummary, settings: CheckSettings) -> None:
    """Refuses a dataset of which too little is left.

    Raises:
        DatasetError: nothing was kept, or more than `max_rejected_share` was rejected.
    """
    share, allowed = summary.rejected / summary.read, settings.max_rejected_share
    if summary.kept and share <= allowed:
        return
    codes = ", ".join(f"{code} {count}" for code, count in summary.rejected_by_code.items())
    raise DatasetError(
        f"{summary.rejected} of {summary.read} rows ({share:.1%}) were rejected; allowed: up to "
        f"{allowed:.1%} (--max-rejected). Reasons: {codes}; each row's is in "
        f"{settings.out / REJECTED_FILE}."
    )


def _notes(result: CheckResult) -> Iterator[str]:
    kept = list(result.kept_stats())
    num_long = sum(stats.tail_s > _LONG_TAIL_S for _, stats in kept)
    if num_long:
        yield (
            f"{num_long} kept clips end in more than {_LONG_TAIL_S} s of silence, which teaches "
            "takes that do not end; encode them with --trim"
        )
    num_low = sum(stats.rate_hz < SAMPLE_RATE_HZ for _, stats in kept)
    if num_low:
        yield f"{num_low} kept clips are below {SAMPLE_RATE_HZ} Hz and will be upsampled"
    splits = Counter(row.split for row, _ in kept)
    if kept and not splits["validation"]:
        yield "no row validates: give --validation SHARE, --validation-source, or more sentences"
    for name, count in result.unused.most_common():
        why = "encode makes its own codes" if name == "audio_codes" else "it has no meaning here"
        yield f"{name} of {count} rows was not read: {why}"


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else str(value)

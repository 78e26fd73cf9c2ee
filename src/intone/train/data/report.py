"""The page of a check: what the data look like, and what was rejected, in numbers and histograms.

`report.html` needs nothing but the pictures beside it in `report/`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from intone.audio.durable import atomic_write_bytes
from intone.train.data.check import CheckResult, CheckSettings
from intone.train.data.check_files import CheckSummary, Share
from intone.train.data.histograms import Histogram, draw_counts, draw_histogram
from intone.train.data.limits import chars_per_s
from intone.train.progress import clock
from intone.train.rows import TrainingRow

REPORT_FILE = "report.html"
_PICTURES = "report"
_EXAMPLES_PER_CODE = 5
_MAX_SPEAKERS = 50

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1d2433; max-width: 62rem; margin: 2rem auto;
       padding: 0 1rem; }
h1, h2 { font-weight: 600; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 1rem 0.25rem 0; border-bottom: 1px solid #d9dee8;
         vertical-align: top; overflow-wrap: anywhere; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
.pictures img { width: 100%; max-width: 36rem; height: auto; }
"""


def write_report(result: CheckResult, summary: CheckSummary, settings: CheckSettings) -> Path:
    """Writes the page and its pictures, and returns the page's path.

    Raises:
        MissingDependencyError: matplotlib is absent.
        OutputError: a file cannot be written.
    """
    pictures = settings.out / _PICTURES
    names = []
    for histogram in _histograms(result, settings):
        atomic_write_bytes(pictures / f"{histogram.name}.png", draw_histogram(histogram))
        names.append(histogram.name)
    if summary.rejected_by_code:
        picture = draw_counts("Rejected rows by code", summary.rejected_by_code)
        atomic_write_bytes(pictures / "rejected.png", picture)
        names.append("rejected")
    page = _page(result, summary, settings, names)
    path = settings.out / REPORT_FILE
    atomic_write_bytes(path, page.encode("utf-8", "backslashreplace"))
    return path


def _histograms(result: CheckResult, settings: CheckSettings) -> Iterable[Histogram]:
    limits = settings.limits
    seen = [(each, each.stats) for each in result.verdicts if each.stats is not None]
    groups = [[pair for pair in seen if isinstance(pair[0].outcome, TrainingRow)]]
    groups.append([pair for pair in seen if not isinstance(pair[0].outcome, TrainingRow)])
    kept, rejected = groups

    yield Histogram(
        "durations",
        "Duration",
        "seconds",
        [stats.duration_s for _, stats in kept],
        [stats.duration_s for _, stats in rejected],
        (limits.min_s, limits.max_s),
    )
    yield Histogram(
        "chars_per_s",
        "Characters per second of speech",
        "Latin letters a second",
        [chars_per_s(each.text, stats) for each, stats in kept],
        [chars_per_s(each.text, stats) for each, stats in rejected],
        (limits.min_chars_per_s, limits.max_chars_per_s),
    )
    yield Histogram(
        "levels",
        "Level of the loud parts",
        "dB of full scale",
        [stats.loud_db for _, stats in kept],
        [stats.loud_db for _, stats in rejected],
        (),
    )
    yield Histogram(
        "range",
        "From quiet to loud",
        "dB",
        [stats.loud_db - stats.floor_db for _, stats in kept],
        [stats.loud_db - stats.floor_db for _, stats in rejected],
        (limits.min_range_db,),
    )
    yield Histogram(
        "lead",
        "Silence before speech",
        "seconds",
        [stats.lead_s for _, stats in kept],
        [stats.lead_s for _, stats in rejected],
        (),
    )
    yield Histogram(
        "tail",
        "Silence after speech",
        "seconds",
        [stats.tail_s for _, stats in kept],
        [stats.tail_s for _, stats in rejected],
        (),
    )


def _page(
    result: CheckResult, summary: CheckSummary, settings: CheckSettings, pictures: Sequence[str]
) -> str:
    figures = "".join(f'<img src="{_PICTURES}/{name}.png" alt="{name}">' for name in pictures)
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in summary.notes)
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f"<title>Check of {html.escape(settings.source.name)}</title>",
            f"<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>Check of {html.escape(settings.source.name)}</h1>",
            f"<p>{summary.read} rows read = {summary.kept} kept + {summary.rejected} rejected.</p>",
            f"<ul>{notes}</ul>" if notes else "",
            _shares("Splits", summary.splits),
            _shares("Languages", summary.languages),
            _shares("Speakers", summary.speakers),
            f'<h2>What was measured</h2>\n<div class="pictures">{figures}</div>',
            _rejections(result, summary),
            "</body>\n</html>\n",
        )
    )


def _shares(title: str, shares: dict[str, Share]) -> str:
    rows = [
        (name, f"{share.rows}", clock(share.seconds))
        for name, share in islice(shares.items(), _MAX_SPEAKERS)
    ]
    more = len(shares) - len(rows)
    tail = f"<p>and {more} more; all are in check.json.</p>" if more else ""
    return f"<h2>{title}</h2>\n{_table(('', 'rows', 'duration'), rows)}{tail}"


def _rejections(result: CheckResult, summary: CheckSummary) -> str:
    if not summary.rejected:
        return ""
    rows: list[tuple[str, ...]] = []
    for code, count in summary.rejected_by_code.items():
        examples = (each for each in result.rejected if each.code == code)
        for i, each in enumerate(islice(examples, _EXAMPLES_PER_CODE)):
            rows.append(
                (code if i == 0 else "", str(count) if i == 0 else "", each.id, each.reason)
            )
    intro = f"<p>Up to {_EXAMPLES_PER_CODE} rows of each code; all are in rejected.jsonl.</p>"
    return f"<h2>Rejected</h2>\n{intro}\n{_table(('code', 'rows', 'row', 'reason'), rows)}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows
    )
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"

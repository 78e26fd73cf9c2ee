"""The outline and the jobs of long texts, as the page shows them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path, PurePath

from intone.studio.desk import JobState, JobView
from intone.studio.long_text.outline import Outline
from intone.studio.parts.rows import button, empty
from intone.studio.parts.sounds import download_link, play_button

NO_JOBS = (
    "Nothing is being read yet. Choose a book or paste a text above, then press Start reading."
)

_STATES: Mapping[JobState, str] = {
    "queued": "waiting for its turn",
    "running": "being read",
    "done": "done",
    "failed": "failed",
}
_SOUNDS = frozenset({".wav", ".flac", ".mp3", ".ogg"})
_MAX_LINES = 500
"""Of chapters on the page; all of them are read."""


def minutes_words(duration_s: float) -> str:
    """Returns "less than a minute", "about 12 minutes" or "about 7 h 5 min"."""
    minutes = round(duration_s / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {minutes} minute{'s' * (minutes > 1)}"
    return f"about {minutes // 60} h {minutes % 60} min"


def clock_words(duration_s: float) -> str:
    """Returns "0:42", "12:05" or "7:05:00"."""
    minutes, seconds = divmod(round(duration_s), 60)
    if minutes < 60:
        return f"{minutes}:{seconds:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def outline_html(outline: Outline, speed: float) -> str:
    """Returns the document's outline; `speed` is that of the voice."""
    count = len(outline.chapters)
    size = f"{count:,} chapter{'s' * (count > 1)}, {outline.num_characters:,} characters"
    language = f", in {outline.language.capitalize()}" if outline.language else ""
    rows = "".join(
        f'<tr><td class="number">{line.number}</td><td dir="auto">{escape(line.title)}</td>'
        f'<td class="number" data-label="Characters">{line.num_characters:,}</td>'
        f'<td class="number" data-label="Length">{clock_words(line.expected_s / speed)}</td></tr>'
        for line in outline.chapters[:_MAX_LINES]
    )
    more = f"<p>…and {count - _MAX_LINES:,} chapters more.</p>" if count > _MAX_LINES else ""
    notes = "".join(f"<li>{escape(note)}</li>" for note in outline.notes)
    return (
        f'<section class="outline" aria-label="Outline"><h4 dir="auto">{escape(outline.title)}</h4>'
        f"<p>{size}{language}: "
        f"<strong>{minutes_words(outline.expected_s / speed)}</strong> of audio.</p>"
        '<div class="outline-chapters" tabindex="0" role="region" aria-label="Chapters">'
        '<table class="intone-rows"><thead><tr><th>#</th><th>Chapter</th><th>Characters</th>'
        f"<th>Length</th></tr></thead><tbody>{rows}</tbody></table>{more}</div>"
        f"{f'<ul class=outline-notes>{notes}</ul>' if notes else ''}</section>"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFiles:
    """A job and what it has made."""

    job: JobView
    paths: Mapping[str, Path]
    """By name."""


@dataclass(frozen=True, slots=True)
class JobRows:
    """Writes jobs for one caller."""

    offer: Callable[[Path], str]
    """Returns the address of a file for the caller."""
    removing: str = ""
    """The job that was asked to be deleted once."""

    def rows(self, jobs: Sequence[JobFiles]) -> str:
        """Returns the list, or what to do where there are none."""
        if not jobs:
            return empty(NO_JOBS)
        rows = "".join(map(self._row, jobs))
        return f'<ol class="job-list" aria-label="Long texts, the newest first">{rows}</ol>'

    def _row(self, one: JobFiles) -> str:
        job = one.job
        return (
            f'<li class="job {job.state}" aria-label="{escape(job.wish.title)}">'
            f'<div class="job-head"><strong dir="auto">{escape(job.wish.title)}</strong>'
            f'<span class="job-state">{_STATES[job.state]}</span></div>'
            f"{_progress(job)}{_facts(job)}{_problem(job)}{self._sounds(one)}"
            f'<div class="take-buttons">{self._buttons(one)}</div></li>'
        )

    def _sounds(self, one: JobFiles) -> str:
        groups = defaultdict[str, list[str]](list)
        for name in one.paths:
            groups[PurePath(name).stem].append(name)
        rows = [self._sound(one, stem, names) for stem, names in groups.items()]
        rows = [row for row in rows if row]
        if not rows:
            return ""
        if len(rows) == 1:
            return f'<ul class="job-files">{rows[0]}</ul>'
        return (
            f'<details class="job-chapters" data-keep="job-{escape(one.job.id)}" open>'
            f'<summary>{len(rows)} files</summary><ul class="job-files">{"".join(rows)}</ul>'
            "</details>"
        )

    def _sound(self, one: JobFiles, stem: str, names: Sequence[str]) -> str:
        """Returns the row of one file of sound with what lies beside it; "" where it has none."""
        sound = next((name for name in names if PurePath(name).suffix in _SOUNDS), None)
        if sound is None:
            return ""
        beside = (sound, *(name for name in names if name != sound))
        links = "".join(
            download_link(self.offer(one.paths[name]), name, PurePath(name).suffix[1:])
            for name in beside
        )
        play = play_button(self.offer(one.paths[sound]), f"{one.job.wish.title}: {stem}")
        return (
            f'<li><span class="job-file" dir="auto">{escape(stem)}</span>'
            f'<span class="take-buttons">{play}{links}</span></li>'
        )

    def _buttons(self, one: JobFiles) -> str:
        job = one.job
        buttons = [*self._play_all(one)]
        for name in one.paths:
            if name.endswith(".json"):
                link = download_link(self.offer(one.paths[name]), name, "Details (JSON)")
                buttons.append(link)
        title = job.wish.title
        if self.removing == job.id:
            is_over = job.state in ("done", "failed")
            said = "Yes, delete with its files" if is_over else "Yes, stop and delete"
            buttons += [
                button("remove", job.id, said, label=f"{said}: {title}", tone="stop"),
                button("back", job.id, "Keep it", label=f"Keep {title}"),
            ]
        else:
            said = "Delete" if job.state in ("done", "failed") else "Stop and delete"
            buttons.append(
                button("ask-remove", job.id, said, label=f"{said}: {title}", tone="stop")
            )
        return "".join(buttons)

    def _play_all(self, one: JobFiles) -> list[str]:
        sounds = [name for name in one.paths if PurePath(name).suffix in _SOUNDS]
        if len(sounds) < 2:
            return []
        title = one.job.wish.title
        queue = [
            (self.offer(one.paths[name]), f"{title}: {PurePath(name).stem}") for name in sounds
        ]
        return [
            '<button type="button" class="intone-button" '
            f'data-queue="{escape(json.dumps(queue))}" aria-label="Play all of {escape(title)}">'
            "Play all</button>"
        ]


def _progress(job: JobView) -> str:
    if job.state in ("done", "failed"):
        return ""
    percent = round(100 * job.num_done / job.num_pieces) if job.num_pieces else 0
    return (
        f'<div class="intone-bar" role="progressbar" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}" aria-label="{escape(job.wish.title)}">'
        f'<span style="width: {percent}%"></span></div>'
    )


def _facts(job: JobView) -> str:
    wish = job.wish
    parts = []
    if job.state in ("queued", "running"):
        parts.append(f"{job.num_done:,} of {job.num_pieces:,} pieces")
    if job.audio_s:
        parts.append(f"{clock_words(job.audio_s)} of audio")
    if job.state == "running":
        parts.append(_left(job))
    parts += [wish.voice or "first voice", wish.model, wish.format]
    if not wish.one_file:
        parts.append("a file per chapter")
    if wish.loudness_lufs is not None:
        parts.append(f"{wish.loudness_lufs:g} LUFS")
    if wish.speed != 1.0:
        parts.append(f"speed {wish.speed:g}")
    parts.append(f"since {datetime.fromtimestamp(job.created_at):%d.%m.%Y %H:%M}")
    return f'<p class="take-facts">{escape(" · ".join(parts))}</p>'


def _left(job: JobView) -> str:
    if job.num_done == job.num_pieces:
        return "writing the files"
    if job.remaining_s is None:
        return "time left: known after the first piece"
    return f"{minutes_words(job.remaining_s)} left"


def _problem(job: JobView) -> str:
    if job.problem is None:
        return ""
    words = job.problem[:1].upper() + job.problem[1:]
    if job.state == "queued":
        words = f"{words} It will be tried again by itself."
    return f'<p class="take-problem">{escape(words)}</p>'

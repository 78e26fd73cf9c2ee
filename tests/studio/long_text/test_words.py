"""Jobs as rows: every state says what it is, and what can be done about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from intone.studio.desk import JobView, JobWish
from intone.studio.long_text.outline import outline_of, pasted
from intone.studio.long_text.words import (
    JobFiles,
    JobRows,
    clock_words,
    minutes_words,
    outline_html,
)

WISH = JobWish(kind="book", source="a.md", title="A & <B>", model="builtin", voice="ava")
JOB = JobView(
    id="j1",
    wish=WISH,
    state="running",
    num_done=3,
    num_pieces=12,
    audio_s=61.0,
    created_at=0.0,
    started_at=0.0,
    ended_at=None,
    problem=None,
    remaining_s=300.0,
)


def row(job: JobView, *names: str, removing: str = "") -> str:
    paths = {name: Path("/out") / name for name in names}
    rows = JobRows(lambda path: f"/sound/{path.name}", removing)
    return rows.rows([JobFiles(job=job, paths=paths)])


def test_an_empty_list_says_what_to_do() -> None:
    assert "press Start reading" in JobRows(str).rows([])


def test_a_running_job_says_how_far_it_is() -> None:
    html = row(JOB)

    assert 'aria-valuenow="25"' in html
    assert "3 of 12 pieces" in html
    assert "1:01 of audio" in html
    assert "about 5 minutes left" in html
    assert "Stop and delete" in html
    assert "A &amp; &lt;B&gt;" in html
    assert "<B>" not in html


def test_the_time_left_is_never_invented() -> None:
    assert "known after the first piece" in row(replace(JOB, num_done=0, remaining_s=None))
    assert "writing the files" in row(replace(JOB, num_done=12))


def test_what_went_wrong_is_told() -> None:
    failed = row(replace(JOB, state="failed", problem="the model is gone."))
    again = row(replace(JOB, state="queued", problem="the disk is full."))

    assert "The model is gone." in failed
    assert "progressbar" not in failed
    assert "It will be tried again by itself." in again


def test_a_done_job_offers_every_file_once() -> None:
    done = replace(JOB, state="done", num_done=12)
    names = [f"0{n}-{word}.{end}" for n, word in ((1, "sea"), (2, "sun")) for end in
             ("mp3", "srt", "vtt")]  # fmt: skip
    html = row(done, *names, "manifest.json")

    for name in (*names, "manifest.json"):
        assert html.count(f'download="{name}"') == 1
    assert html.count("data-play=") == 2
    assert "data-queue=" in html
    assert "<summary>2 files</summary>" in html
    assert "data-queue=" not in row(done, "book.wav", "book.srt", "manifest.json")


def test_deleting_asks_first() -> None:
    assert 'data-do="remove"' not in row(JOB)
    asked = row(JOB, removing="j1")
    assert 'data-do="remove" data-id="j1"' in asked
    assert "Yes, stop and delete" in asked
    assert "Keep it" in asked


def test_a_slower_voice_takes_longer() -> None:
    outline = outline_of(pasted("# One\n\n" + "Seven words are in this short sentence. " * 60))

    assert "about 3 minutes" in outline_html(outline, 1.0)
    assert "about 5 minutes" in outline_html(outline, 0.5)


@pytest.mark.parametrize(
    ("seconds", "minutes", "clock"),
    [
        (0.0, "less than a minute", "0:00"),
        (42.4, "about 1 minute", "0:42"),
        (725.0, "about 12 minutes", "12:05"),
        (25_500.0, "about 7 h 5 min", "7:05:00"),
    ],
)
def test_lengths_in_words(seconds: float, minutes: str, clock: str) -> None:
    assert (minutes_words(seconds), clock_words(seconds)) == (minutes, clock)

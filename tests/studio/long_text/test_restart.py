"""The list of jobs is the server's: a new start shows the same, files included."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tests.server.jobs.running import job_services

from intone.cli.studio_jobs import StudioJobs
from intone.studio.desk import JobView, JobWish

TEXT = b"# Rain\n\nIt rained. Nobody slept.\n\n# Sun\n\nIt shone."
WISH = JobWish(
    kind="book", source="rain.md", title="Rain", model="fake-custom", voice="ryan", one_file=False,
    format="flac", seed=7,
)  # fmt: skip


@dataclass
class Seen:
    """What a start of the server showed."""

    views: tuple[JobView, ...]
    strangers: tuple[JobView, ...]
    files: tuple[str, ...]


async def one_start(folder: Path, *, sends: bool) -> Seen:
    jobs = job_services(folder).jobs
    assert jobs is not None
    await jobs.start()
    desk = StudioJobs(jobs, 10_000)
    try:
        if sends:
            await desk.submit("me", WISH, TEXT)
        views = await desk.jobs("me")
        async with asyncio.timeout(20):
            while views[0].state not in ("done", "failed"):
                await asyncio.sleep(0.01)
                views = await desk.jobs("me")
        files = await desk.files("me", views[0].id)
        assert all(path.is_file() for path in files.values())
        return Seen(views, await desk.jobs("you"), tuple(files))
    finally:
        await jobs.stop()


def test_jobs_and_their_files_are_there_after_a_new_start(tmp_path: Path) -> None:
    first = asyncio.run(one_start(tmp_path, sends=True))
    second = asyncio.run(one_start(tmp_path, sends=False))

    assert first.views[0].problem is None
    assert second == first
    assert second.views[0].wish == WISH
    assert second.strangers == ()
    assert second.files == tuple(
        sorted(
            [f"0{n}-{word}.{end}" for n, word in ((1, "rain"), (2, "sun"))
             for end in ("flac", "srt", "vtt")]
            + ["manifest.json"]
        )
    )  # fmt: skip

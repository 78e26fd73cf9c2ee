"""Downloads: told while they run, told when they fail, one of a model at a time."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.studio.speak.speaking_desk import make_desk, models_of

from intone.core.errors import DownloadError
from intone.models.pull import PullProgress
from intone.studio.system.pulls import Pull, Pulls, pulls_view


async def over(pulls: Pulls) -> None:
    while pulls.are_running:
        await asyncio.sleep(0)


def test_a_pull_counts_up_and_is_here_in_the_end(tmp_path: Path) -> None:
    async def check() -> None:
        models = models_of(make_desk(tmp_path))
        models.pulled = (PullProgress("f", 10, 20), PullProgress("f", 2_500_000_000, 30))
        pulls = Pulls(models)
        pulls.start("0.6b-custom")
        await over(pulls)
        (pull,) = pulls.states()
        assert (pull.done_bytes, pull.total_bytes) == (2_500_000_000, 2_500_000_000)
        assert "Pulled 0.6b-custom; it is here now." in pulls_view(pulls.states())
        assert "0.6b-custom" in models.names()

    asyncio.run(check())


def test_a_pull_that_fails_says_why_and_can_begin_again(tmp_path: Path) -> None:
    async def check() -> None:
        models = models_of(make_desk(tmp_path))
        models.pull_error = DownloadError("cannot pull it: offline is on; unset INTONE_OFFLINE.")
        pulls = Pulls(models)
        pulls.start("0.6b-custom")
        await over(pulls)
        assert "Cannot pull it: offline is on" in pulls_view(pulls.states())
        models.pull_error = None
        pulls.start("0.6b-custom")
        assert pulls.are_running
        await over(pulls)
        assert "it is here now" in pulls_view(pulls.states())

    asyncio.run(check())


def test_how_far_it_is_stands_in_words_and_as_a_bar() -> None:
    html = pulls_view((Pull(model="0.6b-custom", done_bytes=10**9, total_bytes=4 * 10**9),))
    assert "1.00 GB of 4.00 GB" in html
    assert 'aria-valuenow="25"' in html


def test_a_pull_that_breaks_inside_says_so_and_its_error_reaches_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(name: str) -> AsyncIterator[PullProgress]:
        yield PullProgress("f", 1, 2)
        raise ZeroDivisionError

    async def check() -> list[str]:
        told: list[str] = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: told.append(repr(context.get("exception")))
        )
        models = models_of(make_desk(tmp_path))
        monkeypatch.setattr(models, "pull", broken)
        pulls = Pulls(models)
        pulls.start("0.6b-custom")
        await over(pulls)
        assert "broke inside Intone" in pulls_view(pulls.states())
        await asyncio.sleep(0)
        gc.collect()
        return told

    assert asyncio.run(check()) == ["ZeroDivisionError()"]

"""Memory in words: what is loaded, what a switch does, what Clear RAM did."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.studio.speak.speaking_desk import BUILTIN, LARGE, make_desk, models_of

from intone.studio.system.memory import freed_words, memory_bar, memory_line, switch_words


def test_the_line_says_what_is_in_memory(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    assert memory_line(desk) == "No model in memory, 200 MB in use"
    models_of(desk).in_memory = {"builtin": "ready", "1.7b-custom": "loading"}
    assert memory_line(desk) == (
        "In memory: builtin (1.90 GB), 1.7b-custom (1.90 GB, loading), 200 MB in use"
    )


def test_a_switch_says_what_is_freed_and_what_is_loaded(tmp_path: Path) -> None:
    desk = make_desk(tmp_path, BUILTIN, LARGE)
    models = models_of(desk)
    models.in_memory = {"builtin": "closing"}
    assert switch_words(desk, "1.7b-custom") == (
        "Freeing builtin (1.90 GB), loading 1.7b-custom (1.90 GB)…"
    )
    models.in_memory = {"1.7b-custom": "loading"}
    assert switch_words(desk, "1.7b-custom") == "Loading 1.7b-custom (1.90 GB)…"
    models.in_memory = {"1.7b-custom": "ready"}
    assert switch_words(desk, "1.7b-custom") is None


def test_clearing_says_before_and_after_and_who_stays(tmp_path: Path) -> None:
    async def check() -> None:
        desk = make_desk(tmp_path, BUILTIN, LARGE)
        models = models_of(desk)
        models.in_memory = {"builtin": "ready", "1.7b-custom": "ready"}
        models.leased = {"1.7b-custom": 1}
        freed = await models.free()
        assert freed_words(freed, models.states(), 200_000_000, 150_000_000) == (
            "Freed builtin. 1.7b-custom stays: it is being used. Memory: 200 MB before, 150 MB now."
        )
        assert freed_words((), (), None, None) == "No idle model was in memory."

    asyncio.run(check())


def test_the_bar_shows_process_rest_and_free(tmp_path: Path) -> None:
    desk = make_desk(tmp_path)
    assert "This studio 200 MB · everything else 5.80 GB · free 10.00 GB" in memory_bar(desk)
    models_of(desk).process_bytes = None
    assert "does not say" in memory_bar(desk)

"""Downloads of models: begun by a press, going on without the page, told to whoever looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from html import escape

from intone.core.byte_sizes import format_bytes
from intone.core.errors import EngineStoppedError, IntoneError
from intone.models.hub import DOWNLOAD_BYTES
from intone.studio.desk import Models
from intone.studio.parts.notes import good, problem

_BROKEN = "the download broke inside Intone; its log says what. Pull it again: it goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """One download."""

    model: str
    done_bytes: int = 0
    total_bytes: int = 0
    """0 while it is not known."""
    is_over: bool = False
    error: IntoneError | None = None


class Pulls:
    """The downloads of this process; one of a model at a time. Only on the event loop."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._pulls: dict[str, Pull] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def states(self) -> tuple[Pull, ...]:
        """Returns the downloads, the finished ones included, in the order of their beginning."""
        return tuple(self._pulls.values())

    @property
    def are_running(self) -> bool:
        return any(not pull.is_over for pull in self._pulls.values())

    def start(self, model: str) -> None:
        """Begins a download, or lets the one of this model go on."""
        known = self._pulls.get(model)
        if known is not None and not known.is_over:
            return
        self._pulls[model] = Pull(model=model, total_bytes=DOWNLOAD_BYTES.get(model, 0))
        task = asyncio.create_task(self._run(model))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)  # an error that is ours goes to the log then

    async def _run(self, model: str) -> None:
        error: IntoneError | None = EngineStoppedError(_BROKEN)
        try:
            async for progress in self._models.pull(model):
                pull = self._pulls[model]
                # The total grows while files are begun; it is never less than what is known of it.
                total_bytes = max(progress.total_bytes, pull.total_bytes, progress.done_bytes)
                self._pulls[model] = replace(
                    pull, done_bytes=progress.done_bytes, total_bytes=total_bytes
                )
            error = None
        except IntoneError as told:
            error = told
        finally:
            self._pulls[model] = replace(self._pulls[model], is_over=True, error=error)


def pulls_view(pulls: tuple[Pull, ...]) -> str:
    """Returns the downloads as HTML: a bar for what runs, a sentence for what is over."""
    return "".join(_view(pull) for pull in pulls)


def _view(pull: Pull) -> str:
    if pull.error is not None:
        return problem(pull.error)
    if pull.is_over:
        return good(f"Pulled {pull.model}; it is here now.")
    share = pull.done_bytes / pull.total_bytes if pull.total_bytes else 0.0
    of_total = f" of {format_bytes(pull.total_bytes)}" if pull.total_bytes else ""
    words = f"Pulling {pull.model}: {format_bytes(pull.done_bytes)}{of_total}. It goes on when you "
    return (
        f'<div class="system-pull"><p>{escape(words)}leave this page.</p>'
        f'<div class="intone-bar" role="progressbar" aria-label="Pulling {escape(pull.model)}" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{100 * share:.0f}">'
        f'<span style="width:{100 * share:.1f}%"></span></div></div>'
    )

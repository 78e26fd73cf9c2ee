"""Fetching a checkpoint from the Hugging Face hub or from ModelScope, only when a user asks.

Both ways resume an interrupted pull and write into the hub's own cache, where `intone.models.hub`
finds the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

from intone.core.errors import DownloadError, ModelNotFoundError
from intone.models.hub import (
    ALIASES,
    HubSettings,
    Source,
    hub_id,
    is_complete,
    modelscope_snapshot,
    resolve,
)
from intone.models.modelscope import ModelScopeClient

FILE_PATTERNS = ("*.json", "*.txt", "*.safetensors")
"""What a checkpoint is made of; anything else in a repository stays there."""


@dataclass(frozen=True, slots=True)
class PullProgress:
    """How far a pull has come."""

    file: str
    done_bytes: int
    total_bytes: int
    """Over all files."""


_HF_BYTES_BAR = "huggingface_hub.snapshot_download"
"""The bar of its client that counts bytes over all files; others count files, or what is
transferred."""

ProgressCallback = Callable[[PullProgress], None]


def pull(
    model: str,
    settings: HubSettings,
    *,
    source: Source = "hf",
    revision: str | None = None,
    on_progress: ProgressCallback | None = None,
) -> Path:
    """Downloads what is missing of a checkpoint and returns its directory.

    Offline, nothing is downloaded: a checkpoint that is here already is returned.

    Args:
        model: alias or hub id.
        settings: caches, end points, and whether downloading is allowed at all.
        source: which hub.
        revision: branch, tag or commit; None is the hub's main branch.
        on_progress: called as bytes arrive, on threads of the client. From Hugging Face the total
            grows while files are begun, and its client draws bars of its own on a terminal.

    Raises:
        DownloadError: offline, unknown model or revision, no access, no network, no space, or a
            repository that is no checkpoint. What arrived so far is kept for the next pull.
    """
    repo_id = hub_id(model)
    if repo_id is None:
        raise DownloadError(
            f"cannot pull {model!r}; give an alias ({', '.join(ALIASES)}) or a hub id (owner/name)."
        )
    if settings.is_offline:
        return _here_already(repo_id, settings)
    if source == "hf":
        path = _pull_hf(repo_id, settings, revision, on_progress)
    else:
        path = _pull_modelscope(repo_id, settings, revision or "master", on_progress)
    if not is_complete(path):
        raise DownloadError(
            f"{repo_id} was fetched, but is no complete Qwen3-TTS checkpoint; see {path}."
        )
    return path


def _here_already(repo_id: str, settings: HubSettings) -> Path:
    try:
        return resolve(repo_id, settings)
    except ModelNotFoundError as error:
        raise DownloadError(
            f"cannot pull {repo_id}: offline is on; unset INTONE_OFFLINE and HF_HUB_OFFLINE."
        ) from error


def _pull_hf(
    repo_id: str,
    settings: HubSettings,
    revision: str | None,
    on_progress: ProgressCallback | None,
) -> Path:
    # Imported here: only a pull needs them, and they cost every other command its start-up time.
    import httpx2
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import EntryNotFoundError
    from huggingface_hub.utils.tqdm import tqdm

    class TerminalBar(tqdm):
        """The hub's own bar, but only where someone can see it."""

        def __init__(self, *args: object, **kwargs: object) -> None:
            self._counts_bytes = kwargs.get("name") == _HF_BYTES_BAR
            self._done_bytes = 0
            super().__init__(*args, **(kwargs | {"disable": None}))

        def update(self, n: float | None = 1) -> bool | None:
            if self._counts_bytes and on_progress is not None:
                self._done_bytes += int(n or 0)
                on_progress(PullProgress(repo_id, self._done_bytes, int(self.total or 0)))
            return super().update(n)

    try:
        return Path(
            snapshot_download(
                repo_id,
                revision=revision,
                cache_dir=settings.hf_cache,
                endpoint=settings.hf_endpoint,
                allow_patterns=list(FILE_PATTERNS),
                max_workers=2,
                tqdm_class=TerminalBar,
            )
        )
    except (OSError, ValueError, EntryNotFoundError, httpx2.HTTPError) as error:
        raise _hf_error(repo_id, settings, error) from error


def _hf_error(repo_id: str, settings: HubSettings, error: Exception) -> DownloadError:
    """Returns one line for what `huggingface_hub` raised; the reason may be the cause inside."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    where = settings.hf_endpoint or "the Hugging Face hub"
    reason = error if isinstance(error, HfHubHTTPError) else error.__cause__ or error
    if isinstance(reason, HfHubHTTPError):
        status = reason.response.status_code
        if status in (401, 403):
            advice = "access denied, or no such model; check the id, and HF_TOKEN if it is private."
        elif status == 404:
            advice = "no such model or revision; check the id."
        else:
            advice = f"{where} answered {status}; try again later."
    elif isinstance(reason, httpx2.ConnectError | httpx2.TimeoutException):
        advice = f"cannot reach {where} ({reason}); check the network, or try --source modelscope."
    else:
        advice = f"{str(reason).splitlines()[0]}. What arrived is kept; pull again to resume."
    return DownloadError(f"cannot pull {repo_id}: {advice}")


def _pull_modelscope(
    repo_id: str, settings: HubSettings, revision: str, on_progress: ProgressCallback | None
) -> Path:
    client = ModelScopeClient(
        endpoint=settings.modelscope_endpoint,
        repo_id=repo_id,
        revision=revision,
        token=settings.modelscope_token,
    )
    files = [
        file
        for file in client.list_files()
        if any(fnmatch(file.path, pattern) for pattern in FILE_PATTERNS)
    ]
    meter = _Meter(sum(file.size_bytes for file in files), on_progress)
    target = modelscope_snapshot(settings, repo_id, revision)
    for file in files:
        if file.matches(target / file.path):
            meter.advance(file.path, file.size_bytes)
        else:
            client.download(file, target / file.path, partial(meter.advance, file.path))
    return target


@dataclass(slots=True)
class _Meter:
    """Adds up what arrived over all files."""

    total_bytes: int
    on_progress: ProgressCallback | None
    done_bytes: int = 0

    def advance(self, file: str, num_bytes: int) -> None:
        self.done_bytes += num_bytes
        if self.on_progress is not None:
            self.on_progress(PullProgress(file, self.done_bytes, self.total_bytes))

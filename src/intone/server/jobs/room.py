"""How much is taken on and kept: characters of a job, jobs, bytes of all of them together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from intone.server.errors import INVALID_REQUEST, SERVER_ERROR, ApiError
from intone.server.jobs.store import JobStore

_BYTES_PER_S = 48_000 * 2
"""Of a running job: 16-bit samples at 24 kHz, as pieces and as files."""
_RETRY_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """How much is taken on and kept."""

    workers: int = 1
    """Jobs that run at once."""
    max_jobs: int = 1_000
    """Of all keys, ended ones included."""
    max_size_bytes: int = 10_000_000_000
    keep_days: float = 7.0
    """How long an ended job is kept."""


def check_characters(num_characters: int, limit_characters: int, param: str = "input") -> None:
    """Raises ApiError (413) for a job with more text than is taken."""
    if num_characters > limit_characters:
        raise ApiError(
            413,
            INVALID_REQUEST,
            "text_too_long",
            f"the text has {num_characters:,} characters; a job takes {limit_characters:,}. Send "
            "it as several jobs.",
            param=param,
        )


def check_room(directory: Path, store: JobStore, limits: JobLimits, expected_s: float) -> None:
    """Raises ApiError where there is no room for a job.

    Args:
        expected_s: seconds of audio that it will probably make.
    """
    num_kept = len(store.all())
    if num_kept >= limits.max_jobs:
        raise ApiError(
            429,
            "rate_limit_error",
            "too_many_jobs",
            f"this server keeps {num_kept:,} jobs, of {limits.max_jobs:,} that it takes; delete "
            "finished ones (DELETE /v1/audio/jobs/{id}), or wait until they are.",
            retry_after_s=_RETRY_S,
        )
    used = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    needed = round(expected_s * _BYTES_PER_S)
    if used + needed > limits.max_size_bytes:
        raise ApiError(
            503,
            SERVER_ERROR,
            "no_room_for_jobs",
            f"jobs hold {used:,} bytes of {limits.max_size_bytes:,}, and this one would need about "
            f"{needed:,}; delete finished ones.",
            retry_after_s=_RETRY_S,
        )

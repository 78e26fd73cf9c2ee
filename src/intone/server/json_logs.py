"""Logs of a server: a JSON object per line on standard error. No text or audio of users.

uvicorn's own lines come in the same form. A record's extra `fields` become fields of its line.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

_LOGGERS = ("intone", "uvicorn")


class JsonLines(logging.Formatter):
    """One record, one line."""

    def __init__(self, *, shows_messages: bool = False) -> None:
        """Makes a formatter.

        Args:
            shows_messages: whether a trace ends in its error's words, which may quote a user.
        """
        super().__init__()
        self._shows_messages = shows_messages

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = record.__dict__.get("fields")
        if isinstance(fields, dict):
            line |= fields
        if record.exc_info:
            told = self.formatException(record.exc_info) if self._shows_messages else None
            line["trace"] = told or _trace(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _trace(error: BaseException | None) -> str:
    """Returns where an error and its causes came from, and of which kinds they are."""
    parts: list[str] = []
    while error is not None:
        parts += [*traceback.format_tb(error.__traceback__), type(error).__name__]
        error = error.__cause__ or error.__context__
    return "\n".join(part.rstrip() for part in parts)


@contextmanager
def json_logs(level: str, stream: TextIO | None = None) -> Iterator[None]:
    """Logs in this form while the context lasts, and as before afterwards.

    Args:
        level: the least that is logged: debug, info, warning or error.
        stream: where to; None is standard error.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(shows_messages=level == "debug"))
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger.handlers, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(level.upper())
    try:
        yield
    finally:
        for logger, (handlers, old_level, propagates) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagates
            logger.setLevel(old_level)

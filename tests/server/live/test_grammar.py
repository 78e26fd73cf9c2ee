"""The page on serving names every event and every field of a session's configuration."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from intone.server.live.events import ClientEvent, SessionConfig

PAGE = (Path(__file__).parents[3] / "docs" / "serve.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Live text")[1].split("\n## ")[0]
SERVER_EVENTS = (
    "session.created",
    "audio.start",
    "segment.start",
    "segment.done",
    "audio.delta",
    "audio.done",
    "session.done",
    "error",
)


def test_every_event_is_described() -> None:
    theirs = [get_args(kind.model_fields["type"].annotation)[0] for kind in get_args(ClientEvent)]
    assert len(theirs) == 6
    missing = [name for name in (*theirs, *SERVER_EVENTS) if f"`{name}`" not in SECTION]
    assert not missing


def test_every_field_of_the_configuration_is_named() -> None:
    fields = SessionConfig.model_fields.keys() - {"type"}
    assert not [name for name in fields if f"`{name}`" not in SECTION]

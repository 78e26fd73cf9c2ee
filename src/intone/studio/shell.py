"""What every tab is given to build itself."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr
from fastapi import APIRouter

from intone.studio.desk import Desk
from intone.studio.parts.sounds import SoundShelf


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The page around the tabs."""

    desk: Desk
    sounds: SoundShelf
    page: gr.Blocks
    """For what happens when the page is opened: `page.load`."""
    routes: APIRouter
    """Where a tab adds routes of its own, below `root`; they come before Gradio's."""
    root: str
    """The path of the studio, "" or "/studio"."""

    def key_of(self, request: gr.Request) -> str:
        """Returns whose request it is."""
        assert request.request is not None  # it is None only where Gradio examines a function
        return self.desk.who(request.request)

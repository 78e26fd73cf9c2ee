"""What runs here: versions, device, where things lie. Reads packages' metadata, imports none."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from importlib.metadata import PackageNotFoundError, version
from platform import python_version

from intone.core.errors import IntoneError
from intone.core.version import __version__
from intone.studio.desk import Desk

_PACKAGES = ("torch", "onnxruntime", "numpy", "gradio", "fastapi")


def about(desk: Desk, key_id: str) -> str:
    """Returns the list as HTML."""
    pairs = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>"
        for name, value in (*_device(desk), *_versions(), *_places(desk, key_id))
    )
    return f'<dl class="system-about">{pairs}</dl>'


def _device(desk: Desk) -> Iterator[tuple[str, str]]:
    try:
        machine = desk.models.machine()
    except IntoneError as error:  # a damaged default model
        yield "Device", str(error)
        return
    yield "Device", machine.device
    yield "Precision (dtype)", machine.dtype
    yield "Threads", str(machine.threads)


def _versions() -> Iterator[tuple[str, str]]:
    yield "Intone", __version__
    yield "Python", python_version()
    for package in _PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "not installed"


def _places(desk: Desk, key_id: str) -> Iterator[tuple[str, str]]:
    yield "Takes are kept in", str(desk.takes(key_id).directory)
    yield "Voices are kept in", str(desk.library.directory)

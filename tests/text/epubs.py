"""Small epubs for tests, whole or broken on purpose."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

CONTAINER = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>"""


def page(body: str, head: str = "<title>ignored</title>") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" '
        '"http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops"><head>{head}</head><body>{body}</body></html>'
    )


def nav(*entries: tuple[str, str]) -> str:
    items = "".join(f'<li><a href="{href}">{words}</a></li>' for href, words in entries)
    return page(f'<nav epub:type="toc"><ol>{items}</ol></nav>')


def ncx(*entries: tuple[str, str]) -> str:
    points = "".join(
        f"<navPoint><navLabel><text>{words}</text></navLabel><content src='{href}'/></navPoint>"
        for href, words in entries
    )
    return f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{points}</navMap></ncx>'


def package(documents: list[str], *, language: str = "en-GB", extra: str = "") -> str:
    items = "".join(
        f'<item id="i{number}" href="{href}" media-type="application/xhtml+xml"/>'
        for number, href in enumerate(documents)
    )
    spine = "".join(f'<itemref idref="i{number}"/>' for number in range(len(documents)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:title>The Book</dc:title><dc:language>{language}</dc:language></metadata>"
        '<manifest><item id="nav" href="nav.xhtml" properties="nav"/>'
        f'<item id="ncx" href="toc.ncx"/>{items}</manifest><spine toc="ncx">{extra}{spine}</spine>'
        "</package>"
    )


def write_epub(path: Path, members: Mapping[str, str | bytes]) -> Path:
    """Writes members below OEBPS/, beside a container; a name with META-INF stays as it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        if "META-INF/container.xml" not in members:
            archive.writestr("META-INF/container.xml", CONTAINER)
        for name, data in members.items():
            archive.writestr(name if name.startswith("META-INF") else f"OEBPS/{name}", data)
    return path

"""Small documents, whole and broken."""

from __future__ import annotations

import io
import zipfile

MARKDOWN = "# The Sea\n\nIt was late.\n\n# The Letter\n\nShe read it twice, and wept.\n"

_CONTAINER = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
_PACKAGE = (
    "<package><metadata><title>Der Fluss</title><language>de</language></metadata>"
    '<manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
    '<spine><itemref idref="a"/></spine></package>'
)


def epub(chapter: str = "<html><body><h1>Eins</h1><p>Es war spät.</p></body></html>") -> bytes:
    """Returns an e-book of one document."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("META-INF/container.xml", _CONTAINER)
        archive.writestr("book.opf", _PACKAGE)
        archive.writestr("a.xhtml", chapter)
    return file.getvalue()

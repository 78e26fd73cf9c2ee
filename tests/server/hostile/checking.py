"""One judge of all answers: refused with 4xx, in the envelope, and silent about the inside."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[3]
_INSIDE = ("Traceback", 'File "', "site-packages", ".py:", '.py"', "0x7f")


class Answer(Protocol):
    """Of `httpx` or of the test client."""

    status_code: int

    @property
    def content(self) -> bytes: ...

    @property
    def headers(self) -> object: ...


class Judge:
    """Knows what no answer may hold."""

    def __init__(self, folder: Path, token: str) -> None:
        """Takes the folder of the server's state, and a key that it knows."""
        places = {str(folder), str(ROOT), sys.prefix, str(Path.home()) + "/"}
        self._secret = (*places, token, *_INSIDE)

    def check_silent(self, answer: Answer) -> None:
        """Fails where an answer tells of paths, keys or code."""
        self.check_shown(answer.content.decode("utf-8", "replace") + repr(answer.headers))

    def check_shown(self, shown: str) -> None:
        """The same for text that came in another way."""
        found = [secret for secret in self._secret if secret in shown]
        assert not found, f"{found} in {shown[:500]}"

    def check_refused(self, answer: Answer) -> None:
        """Fails for anything but a 4xx in OpenAI's envelope."""
        self.check_silent(answer)
        assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.content[:300]!r}"
        body = answer.json()  # type: ignore[attr-defined]
        assert set(body) == {"error"}, body
        assert {"message", "type", "param", "code"} == set(body["error"]), body
        assert len(body["error"]["message"]) < 2_000

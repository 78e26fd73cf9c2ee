"""Sets for tests: a file of rows, planned for a fake that speaks them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.render.fake_synthesizer import FakeSynthesizer

from intone.core.errors import InvalidSettingError
from intone.core.speak_options import SpeakOptions
from intone.core.types import SpeechRequest
from intone.deploy.offline.here import HandsHere
from intone.deploy.offline.output import SetDirectory
from intone.deploy.offline.planned import Cast, PlannedRow, SpeakerModel, plan_rows
from intone.deploy.offline.rows import RowFile, RowReader
from intone.deploy.offline.speaking import RowSpeaker

MODEL = SpeakerModel(name="fake", fingerprint="f" * 64, dtype="auto")
NOBODY = Cast({})

Said = Mapping[str, Any]


def write_rows(path: Path, rows: Sequence[Said | str]) -> Path:
    """Returns a file with a row a line; a string is the line itself."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def allow(request: SpeechRequest) -> None:
    """Allows everything but a voice called "nobody"."""
    if request.voice == "nobody":
        raise InvalidSettingError("voice 'nobody' is unknown.")


def read_rows(
    path: Path,
    *,
    defaults: SpeakOptions | None = None,
    seed: int = 0,
    read_aloud: Callable[[str, str], str] = lambda text, language: text,
) -> RowFile:
    """Returns the rows of a file."""
    reader = RowReader(defaults=defaults or {}, seed=seed, read_aloud=read_aloud, check=allow)
    return reader.read(path)


def planned(
    directory: Path, rows: Sequence[Said], model: SpeakerModel = MODEL
) -> tuple[PlannedRow, ...]:
    """Returns rows as a run takes them."""
    found = read_rows(write_rows(directory / "set.jsonl", rows))
    assert not found.bad
    return plan_rows(found.rows, NOBODY, model, "wav")


def texts(num_rows: int) -> list[Said]:
    """Returns as many short rows."""
    return [{"id": f"row-{i}", "text": f"It is {i}."} for i in range(num_rows)]


def hands(fake: FakeSynthesizer, out: SetDirectory, num_at_once: int = 2) -> HandsHere:
    """Returns threads that speak with a fake."""
    return HandsHere(speaker(fake, out), num_at_once=num_at_once, stop=fake.close)


def speaker(fake: FakeSynthesizer, out: SetDirectory) -> RowSpeaker:
    """Returns what makes one row with a fake."""
    return RowSpeaker(fake, NOBODY, out.directory, "wav", out.shared.journal())


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Returns the objects of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]

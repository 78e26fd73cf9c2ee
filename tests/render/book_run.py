"""A book with a synthesizer that notes every draw in a file; also run as a process to be killed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep

from tests.render.fake_synthesizer import FakeSynthesizer
from tests.render.records import MODEL

from intone.core.types import Audio, SpeechRequest
from intone.render.book import BookRenderer
from intone.render.book_plan import BookPlan, BookSettings, plan_book
from intone.render.book_record import BookRecord, book_request
from intone.render.book_store import BookStore, open_store
from intone.render.ear import SynthesizerEar
from intone.render.identity import preset_identity
from intone.render.sidecar import VoiceRecord
from intone.text.book import Book, Chapter
from intone.text.script import FixedSpan

SENTENCES = "The river ran on. Nobody had seen it so high before that winter! Was it over?"


def book(num_chapters: int = 3, words: str = SENTENCES) -> Book:
    chapters = tuple(
        Chapter(f"Chapter {n}", (f"Chapter {n}", f"{words} Part {n}.", words))
        for n in range(1, num_chapters + 1)
    )
    return Book(title="The River", language="english", chapters=chapters)


def read_plainly(text: str, language: str, fixed: tuple[FixedSpan, ...] | object = ()) -> str:
    return text


def settings(seed: int = 5, **changes: object) -> BookSettings:
    template = SpeechRequest(text="-", voice="ava", language="english", **changes)  # type: ignore[arg-type]
    return BookSettings(template=template, seed=seed, read_aloud=read_plainly, max_piece_s=6.0)


def record(plan: BookPlan, chosen: BookSettings) -> BookRecord:
    return BookRecord(
        intone_version="9.9",
        created_at="2026-01-31T15:45:00+01:00",
        source="river.txt",
        written_sha256=plan.written_sha256,
        spoken_sha256=plan.spoken_sha256,
        request=book_request(chosen.template, chosen.seed),
        voice=VoiceRecord(kind="preset", name="ava"),
        model=MODEL,
        max_piece_s=chosen.max_piece_s,
        ear="fake",
        min_similarity=0.75,
    )


@dataclass
class NotingSynthesizer(FakeSynthesizer):
    """Appends the text of every take to a log before it is handed out."""

    log: Path | None = None
    pause_s: float = 0.0

    def synthesize(self, request: SpeechRequest) -> Audio:
        sleep(self.pause_s)
        audio = super().synthesize(request)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(f"{request.seed} {request.text}\n")
        return audio


@contextmanager
def renderer(
    out: Path,
    synthesizer: FakeSynthesizer,
    plan: BookPlan,
    chosen: BookSettings,
    *,
    restart: bool = False,
) -> Iterator[tuple[BookRenderer, BookStore]]:
    with open_store(out, record(plan, chosen), restart=restart) as store:
        ear = SynthesizerEar(synthesizer, "fake")
        identity = preset_identity("ava")
        yield BookRenderer(plan.chapters, store, synthesizer, identity, ear=ear), store


def main(out: Path, log: Path) -> None:
    chosen = settings()
    plan = plan_book(book(), chosen)
    with renderer(out, NotingSynthesizer(log=log, pause_s=0.1), plan, chosen) as (drawing, _):
        for progress in drawing.draw(plan.chapters):
            print(progress.num_done, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

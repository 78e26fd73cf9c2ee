"""Books: pieces that repeat, a run that goes on where it was killed, files that fit together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.render.book_run import NotingSynthesizer, book, record, renderer, settings
from tests.render.fake_synthesizer import FakeSynthesizer

from intone.core.errors import EmptyTextError, InvalidSettingError, OutputError, RecordError
from intone.render import book_store
from intone.render.book_files import OutputPlan, safe_name, write_manifest
from intone.render.book_plan import BookPlan, chosen_chapters, plan_book
from intone.render.book_store import FOLDER, open_store
from intone.render.sidecar import VoiceRecord
from intone.text.book import Book, Chapter

PLAN = plan_book(book(), settings())


def draw(out: Path, synthesizer: FakeSynthesizer, plan: BookPlan = PLAN) -> list[int]:
    with renderer(out, synthesizer, plan, settings()) as (drawing, _):
        return [progress.num_done for progress in drawing.draw(plan.chapters)]


def spoken(synthesizer: FakeSynthesizer, plan: BookPlan = PLAN) -> list[tuple[str, int | None]]:
    """Returns text and seed of every draw that was of the book, and not of its anchor."""
    texts = {piece.plan.request.text for piece in plan.pieces}
    found = ((request.text, request.seed) for request in synthesizer.requests)
    return [(text, seed) for text, seed in found if text in texts]


def test_a_book_becomes_pieces_that_end_as_their_text_does() -> None:
    pieces = PLAN.chapters[0].pieces

    assert [piece.plan.text for piece in pieces][:2] == ["Chapter 1", pieces[1].plan.text]
    assert pieces[0].ending == "paragraph"
    assert pieces[-1].ending == "chapter"
    assert all(piece.plan.expected_s < 8 for piece in pieces)
    joined = " ".join(piece.plan.text for piece in pieces)
    assert joined == " ".join(book().chapters[0].text.split())


def test_another_voice_changes_nothing_else() -> None:
    other = PLAN.spoken_by("fenrir")

    assert {piece.plan.request.voice for piece in other.pieces} == {"fenrir"}
    assert [piece.key for piece in other.pieces] == [piece.key for piece in PLAN.pieces]


def test_seeds_follow_from_the_place_alone() -> None:
    whole = {piece.place: piece.plan.request.seed for piece in PLAN.pieces}
    other = {
        piece.place: piece.plan.request.seed for piece in plan_book(book(), settings(6)).pieces
    }

    assert len(set(whole.values())) == len(whole)
    assert whole.keys() == other.keys()
    assert not set(whole.values()) & set(other.values())


def test_a_break_between_scenes_is_a_longer_pause() -> None:
    broken = Book(
        title="B", language=None, chapters=(Chapter(None, ("One.", "* * *", "Two.", "***")),)
    )
    plan = plan_book(broken, settings())

    assert [(p.plan.text, p.ending) for p in plan.pieces] == [
        ("One.", "chapter"),
        ("Two.", "chapter"),
    ]
    assert len(plan.notes) == 2
    assert "'* * *' has no word" in plan.notes[0]


def test_a_chapter_without_words_is_no_chapter() -> None:
    silent = Book(title="B", language=None, chapters=(Chapter("A", ("…",)), Chapter("B", ("Hi.",))))
    plan = plan_book(silent, settings())

    assert [chapter.number for chapter in plan.chapters] == [2]
    with pytest.raises(EmptyTextError, match="no word"):
        plan_book(replace(silent, chapters=silent.chapters[:1]), settings())


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [(None, [1, 2, 3]), ("2", [2]), ("2-3", [2, 3]), ("2-", [2, 3]), ("1, 3-9", [1, 3])],
)
def test_chapters_are_chosen_by_number(wanted: str | None, numbers: list[int]) -> None:
    assert [chapter.number for chapter in chosen_chapters(PLAN, wanted)] == numbers


@pytest.mark.parametrize(
    "wanted", ["", "0", "a", "3-2", "4", "-2", "1-2-3", "1,,2", "99999999999-"]
)
def test_other_chapters_are_refused(wanted: str) -> None:
    with pytest.raises(InvalidSettingError, match="chapters are"):
        chosen_chapters(PLAN, wanted)


def test_every_piece_is_drawn_once_and_kept(tmp_path: Path) -> None:
    synthesizer = NotingSynthesizer()
    done = draw(tmp_path, synthesizer)

    assert done == list(range(1, len(list(PLAN.pieces)) + 1))
    assert spoken(synthesizer) == [
        (piece.plan.request.text, piece.plan.request.seed) for piece in PLAN.pieces
    ]
    assert len(list((tmp_path / FOLDER).glob("*.flac"))) == len(done)


def test_a_finished_book_is_not_drawn_again(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())
    again = NotingSynthesizer()

    assert draw(tmp_path, again) == []
    assert again.requests == []


def test_a_run_that_was_killed_goes_on_and_draws_nothing_twice(tmp_path: Path) -> None:
    out, log = tmp_path / "book", tmp_path / "log.txt"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.render.book_run", str(out), str(log)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    with process.stdout as lines:
        told = [int(lines.readline()) for _ in range(4)][-1]
        process.send_signal(signal.SIGKILL)
        told += len(lines.readlines())
    process.wait()
    synthesizer = NotingSynthesizer()
    done = draw(out, synthesizer)

    pieces = list(PLAN.pieces)
    assert done[0] in (told + 1, told + 2)  # it may have died between keeping and telling
    missing = pieces[done[0] - 1 :]
    assert spoken(synthesizer) == [(p.plan.request.text, p.plan.request.seed) for p in missing]
    anchors = [line for line in log.read_text().splitlines() if "We left early" in line]
    assert len(anchors) == 1
    assert len(synthesizer.requests) == len(missing), "the anchor was drawn again"


def test_a_signal_between_a_piece_s_file_and_its_line_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = book_store.append_line_synced

    def interrupted(path: Path, line: str) -> None:
        if path.exists() and path.read_bytes().count(b"\n") == 2:
            raise KeyboardInterrupt
        append(path, line)

    monkeypatch.setattr(book_store, "append_line_synced", interrupted)
    with renderer(tmp_path, NotingSynthesizer(), PLAN, settings()) as (drawing, _):
        with pytest.raises(KeyboardInterrupt):
            for _ in drawing.draw(PLAN.chapters):
                pass
        assert drawing.num_done == 2, "what was not kept does not count"
    assert len(list((tmp_path / FOLDER).glob("*.flac"))) == 2


def test_a_killed_run_gives_the_same_audio_as_one_that_was_not(tmp_path: Path) -> None:
    draw(tmp_path / "whole", NotingSynthesizer())
    with renderer(tmp_path / "parts", NotingSynthesizer(), PLAN, settings()) as (drawing, _):
        for progress in drawing.draw(PLAN.chapters):
            if progress.num_done == 3:
                break
    draw(tmp_path / "parts", NotingSynthesizer())
    made = [write(tmp_path / name)[0] for name in ("whole", "parts")]

    assert made[0].read_bytes() == made[1].read_bytes()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "0001-00002.flac").unlink(),
        lambda folder: cut_last_line(folder / "journal.jsonl"),
        lambda folder: append_half_a_line(folder / "journal.jsonl"),
    ],
)
def test_what_was_lost_is_drawn_again_and_nothing_else(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    draw(tmp_path, NotingSynthesizer())
    damage(tmp_path / FOLDER)
    again = NotingSynthesizer()

    assert len(draw(tmp_path, again)) == len(again.requests) <= 1
    assert draw(tmp_path, NotingSynthesizer()) == []


def append_half_a_line(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b'{"chapter": 9, "ind')


def test_a_damaged_piece_is_told_by_its_file(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())
    path = tmp_path / FOLDER / "0002-00001.flac"
    samples, rate_hz = soundfile.read(path, dtype="int16")
    samples[100] += 1
    soundfile.write(path, samples, rate_hz, subtype="PCM_16")

    with pytest.raises(RecordError, match=r"0002-00001\.flac is gone or damaged"):
        write(tmp_path)
    path.unlink()
    assert len(draw(tmp_path, NotingSynthesizer())) == 1
    write(tmp_path)


def cut_last_line(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": 6}, "seed was 5, and is 6"),
        ({"speed": 1.2}, "speed was 1.0, and is 1.2"),
        ({"language": "german"}, "language was english, and is german"),
        ({"guard": False}, "guard was True, and is False"),
    ],
)
def test_other_settings_are_refused_by_name(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    draw(tmp_path, NotingSynthesizer())
    seed = change.pop("seed", 5)
    assert isinstance(seed, int)
    plain = settings(seed)
    changed = replace(plain, template=replace(plain.template, **change))  # type: ignore[arg-type]
    with (
        pytest.raises(RecordError, match=message),
        open_store(tmp_path, record(PLAN, changed)),
    ):
        pass


@pytest.mark.parametrize(
    ("words", "message"), [("Other words.", "the text of river.txt is another one now")]
)
def test_another_text_is_refused(tmp_path: Path, words: str, message: str) -> None:
    draw(tmp_path, NotingSynthesizer())
    other = plan_book(book(words=words), settings())
    with pytest.raises(RecordError, match=message), open_store(tmp_path, record(other, settings())):
        pass


def test_words_that_are_read_otherwise_are_refused(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())

    def shout(text: str, language: str, fixed: object) -> str:
        return text.upper()

    other = plan_book(book(), replace(settings(), read_aloud=shout))
    with (
        pytest.raises(RecordError, match="read out otherwise"),
        open_store(tmp_path, record(other, settings())),
    ):
        pass


def test_another_voice_or_model_is_refused(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())
    kept = record(PLAN, settings())
    voice = replace(kept, voice=replace(kept.voice, name="nora"))
    model = replace(kept, model=replace(kept.model, fingerprint="c" * 64))
    for changed, message in ((voice, "voice was ava, and is nora"), (model, "model was builtin")):
        with pytest.raises(RecordError, match=message), open_store(tmp_path, changed):
            pass


def test_a_clip_may_lie_elsewhere(tmp_path: Path) -> None:
    clip = VoiceRecord(kind="clip", clip="/a/clip.wav", file_sha256="ab", prompt_sha256="cd")
    kept = replace(record(PLAN, settings()), voice=clip)
    for voice in (clip, replace(clip, clip="/b/other.wav")):
        with open_store(tmp_path, replace(kept, voice=voice)) as store:
            assert store.record == kept


def test_a_restart_begins_anew(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())
    chosen = settings(6)
    plan, synthesizer = plan_book(book(), chosen), NotingSynthesizer()
    with renderer(tmp_path, synthesizer, plan, chosen, restart=True) as (drawing, _):
        assert len(list(drawing.draw(plan.chapters))) == len(list(plan.pieces))


def test_one_process_at_a_time_makes_a_book(tmp_path: Path) -> None:
    with (
        renderer(tmp_path, NotingSynthesizer(), PLAN, settings()),
        pytest.raises(OutputError, match="another process"),
        open_store(tmp_path, record(PLAN, settings())),
    ):
        pass


@pytest.mark.parametrize("text", [b"", b"[]", b'{"schema": 9}', b'{"schema": 1}'])
def test_a_damaged_book_is_told(tmp_path: Path, text: bytes) -> None:
    draw(tmp_path, NotingSynthesizer())
    (tmp_path / FOLDER / "book.json").write_bytes(text)
    with (
        pytest.raises(RecordError, match=r"book\.json"),
        open_store(tmp_path, record(PLAN, settings())),
    ):
        pass


def test_a_piece_unlike_the_person_is_drawn_again_and_the_best_kept(tmp_path: Path) -> None:
    first = next(iter(PLAN.pieces)).plan.request

    def likeness(request: object) -> float:
        return 0.2 if getattr(request, "seed", None) == first.seed else 0.9

    synthesizer = NotingSynthesizer(likeness=likeness)
    with renderer(tmp_path, synthesizer, PLAN, settings()) as (drawing, _):
        kept = next(iter(drawing.draw(PLAN.chapters))).finished

    assert kept.num_draws == 2
    assert kept.seed != first.seed
    assert kept.similarity is not None
    assert kept.similarity > 0.8


def test_time_left_follows_the_speed_so_far(tmp_path: Path) -> None:
    ticks = iter(range(1_000))
    with open_store(tmp_path, record(PLAN, settings())) as store:
        from intone.render.book import BookRenderer
        from intone.render.identity import preset_identity

        drawing = BookRenderer(
            PLAN.chapters,
            store,
            NotingSynthesizer(),
            preset_identity("ava"),
            ear=None,
            clock=lambda: float(next(ticks)),
        )
        told = [progress.remaining_s for progress in drawing.draw(PLAN.chapters)]

    lengths = [piece.plan.expected_s for piece in PLAN.pieces]
    assert told[0] == pytest.approx(sum(lengths[1:]) / lengths[0])
    assert told[-1] == pytest.approx(0.0, abs=1e-6)


def write(out: Path, **changes: object) -> list[Path]:
    files = OutputPlan(directory=out, **changes)  # type: ignore[arg-type]
    made = []
    with open_store(out, record(PLAN, settings())) as store:
        for path, chapters in files.groups(PLAN, PLAN.chapters):
            made.append(files.write(chapters, store, path))
        write_manifest(out, PLAN, store.record, made)
    return [one.path for one in made]


def test_a_file_per_chapter_with_subtitles_and_a_manifest(tmp_path: Path) -> None:
    draw(tmp_path, NotingSynthesizer())
    paths = write(tmp_path)

    assert [path.name for path in paths] == [f"0{n}-chapter-{n}.wav" for n in (1, 2, 3)]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for path, entry in zip(paths, manifest["files"], strict=True):
        samples, rate_hz = soundfile.read(path)
        assert len(samples) / rate_hz == pytest.approx(entry["duration_s"])
        for segment in entry["segments"]:
            sound = samples[round(segment["start_s"] * rate_hz) : round(segment["end_s"] * rate_hz)]
            assert np.abs(sound).max() > 0.01
            assert segment["finish_reason"] == "stop"
            assert segment["similarity"] is not None
        ends = [0.0, *(segment["end_s"] for segment in entry["segments"])]
        for start, before in zip((s["start_s"] for s in entry["segments"]), ends, strict=False):
            assert start >= before
        assert path.with_suffix(".srt").read_text().startswith("1\n00:00:0")
        assert path.with_suffix(".vtt").read_text().startswith("WEBVTT\n\n00:00:0")
    assert manifest["lowest_similarity"] <= manifest["mean_similarity"]


@pytest.mark.parametrize("format", ["flac", "mp3", "ogg"])
def test_one_file_in_any_format(tmp_path: Path, format: str) -> None:
    draw(tmp_path, NotingSynthesizer())
    (path,) = write(tmp_path, format=format, is_one_file=True)
    chapters = json.loads((tmp_path / "manifest.json").read_text())["files"][0]["segments"]

    assert path.name == f"the-river.{format}"
    assert {segment["chapter"] for segment in chapters} == {1, 2, 3}
    assert soundfile.info(path).duration == pytest.approx(chapters[-1]["end_s"] + 1.2, abs=0.2)


def test_loudness_is_normalised_in_a_second_pass(tmp_path: Path) -> None:
    from intone.audio.loudness import integrated_lufs

    draw(tmp_path, NotingSynthesizer())
    (path,) = write(tmp_path, is_one_file=True, loudness_lufs=-30.0)
    samples, rate_hz = soundfile.read(path, dtype="float32")

    assert integrated_lufs(samples, rate_hz) == pytest.approx(-30.0, abs=0.1)


def test_a_file_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    files = OutputPlan(directory=tmp_path)
    path = files.groups(PLAN, PLAN.chapters)[1][0]
    files.check_free([path])
    for other in (path, path.with_suffix(".vtt"), tmp_path / "manifest.json"):
        other.write_text("mine")
        with pytest.raises(OutputError, match="is there already"):
            files.check_free([path])
        other.unlink()


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Chapter 1: The Sea", "chapter-1-the-sea"),
        ("../../etc/passwd", "etc-passwd"),
        ("第三章 海", "第三章-海"),
        ("", "book"),
        ("?!", "book"),
        ("CON.", "con"),
        ("a" * 300, "a" * 48),
        ("Été\0/\\", "été"),
    ],
)
def test_names_of_files_are_safe(title: str, name: str) -> None:
    assert safe_name(title, "book") == name


def test_a_stopped_engine_keeps_nothing_of_the_broken_piece(tmp_path: Path) -> None:
    from intone.core.errors import EngineStoppedError

    synthesizer = NotingSynthesizer(finish=lambda request: "cancelled")
    with (
        renderer(tmp_path, synthesizer, PLAN, settings()) as (drawing, _),
        pytest.raises(EngineStoppedError),
    ):
        list(drawing.draw(PLAN.chapters))

    assert not list((tmp_path / FOLDER).glob("*.flac"))
    assert not os.path.exists(tmp_path / FOLDER / "journal.jsonl")

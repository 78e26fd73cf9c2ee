"""`intone book`: documents in, chapters out; what is wrong is told before a model is loaded."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import sleep

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess, start
from tests.render.book_run import book, settings

from intone.cli.book.showing import progress_line
from intone.core.types import ModelKind, SpeechRequest
from intone.render.book import Progress
from intone.render.book_plan import plan_book
from intone.render.book_store import FinishedPiece
from intone.tts import TTS
from intone.voices.cloning import Cloner
from intone.voices.library import VoiceLibrary
from intone.voices.voice import Voice

Checkpoint = Callable[[ModelKind], Path]

TEXT = """Chapter 1: The Sea

It was cold. Nobody came; nobody called.

Chapter 2

"No," she said.
"""

FINISHED = FinishedPiece(
    chapter=1,
    index=0,
    key="",
    file="",
    sample_rate_hz=24_000,
    num_samples=1,
    pcm16_sha256="",
    seed=1,
    finish_reason="stop",
    num_draws=1,
    num_leaked_frames=0,
    similarity=None,
    wall_s=1.0,
    note=None,
)


@pytest.fixture
def model(tiny_checkpoint: Checkpoint) -> list[str]:
    Path("sea.txt").write_text(TEXT)
    return ["--model", str(tiny_checkpoint("custom")), "--max-frames", "8", "--ear", "none"]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Returns the texts that are drawn from now on."""
    texts: list[str] = []
    synthesize = TTS.synthesize

    def noting(self: TTS, request: SpeechRequest) -> object:
        texts.append(request.text)
        return synthesize(self, request)

    monkeypatch.setattr(TTS, "synthesize", noting)
    return texts


def test_a_document_becomes_chapters_with_subtitles(intone: RunInProcess, model: list[str]) -> None:
    outcome = intone("book", "sea.txt", "--out", "sea", *model)

    assert outcome.code == 0, outcome.err
    names = sorted(path.name for path in Path("sea").iterdir() if path.name != ".segments")
    stems = ["01-chapter-1-the-sea", "02-chapter-2"]
    expected = [f"{stem}.{ending}" for stem in stems for ending in ("srt", "vtt", "wav")]
    assert names == sorted([*expected, "manifest.json"])
    manifest = json.loads(Path("sea/manifest.json").read_text())
    texts = [part["text"] for file in manifest["files"] for part in file["segments"]]
    assert " ".join(texts) == " ".join(TEXT.split())
    assert re.search("4 of 4 pieces were drawn", outcome.out)


def test_the_same_command_again_draws_nothing(
    intone: RunInProcess, model: list[str], drawn: list[str]
) -> None:
    assert intone("book", "sea.txt", "--out", "sea", *model).code == 0
    num_drawn = len(drawn)
    outcome = intone(*("book", "sea.txt", "--out", "sea", "--one-file", "--format", "flac", *model))

    assert outcome.code == 0, outcome.err
    assert len(drawn) == num_drawn > 0
    assert Path("sea/sea.flac").exists()
    assert "going on from there" in outcome.err
    assert "0 of " in outcome.out


def test_chapters_can_come_one_by_one_in_any_order(
    intone: RunInProcess, model: list[str], drawn: list[str]
) -> None:
    for chapter in ("2", "1"):
        argv = ("book", "sea.txt", "--out", "parts", "--seed", "4", "--chapters", chapter)
        assert intone(*argv, *model).code == 0
    assert intone("book", "sea.txt", "--out", "whole", "--seed", "4", *model).code == 0

    assert drawn[0] == "Chapter 2"
    for name in ("01-chapter-1-the-sea.wav", "02-chapter-2.wav"):
        assert Path("parts", name).read_bytes() == Path("whole", name).read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--seed", "9"], r"seed was \d+, and is 9"),
        (["--speed", "1.5"], "speed was 1.0, and is 1.5"),
        (["--voice", "aiden"], "the voice was ryan, and is aiden"),
        (["--temperature", "0.5"], "sampling, temperature was None, and is 0.5"),
    ],
)
def test_other_settings_are_refused_until_a_restart(
    intone: RunInProcess, model: list[str], change: list[str], message: str
) -> None:
    first = intone("book", "sea.txt", "--out", "sea", "--voice", "ryan", *model)
    assert first.code == 0, first.err
    argv = ("book", "sea.txt", "--out", "sea", "--voice", "ryan", *model, *change)
    refused = intone(*argv)

    assert refused.code == 3
    assert re.search(message, refused.err)
    assert "--restart" in refused.err
    assert intone(*argv, "--restart").code == 0


def test_another_text_is_refused(intone: RunInProcess, model: list[str]) -> None:
    intone("book", "sea.txt", "--out", "sea", *model)
    Path("sea.txt").write_text(TEXT.replace("cold", "warm"))
    refused = intone("book", "sea.txt", "--out", "sea", *model)

    assert (refused.code, "the text of sea.txt is another one" in refused.err) == (3, True)


def test_ctrl_c_keeps_what_is_finished(tiny_checkpoint: Checkpoint, intone: RunInProcess) -> None:
    Path("sea.txt").write_text("\n\n".join(f"Sentence number {n} is here." for n in range(300)))
    argv = ["book", "sea.txt", "--out", "sea", "--model", tiny_checkpoint("custom")]
    argv += ["--max-frames", "40", "--ear", "none", "--seed", "1"]
    journal = Path("sea/.segments/journal.jsonl")
    process = start(*argv)
    while process.poll() is None and not (journal.exists() and journal.read_bytes().count(b"\n")):
        sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)

    assert process.returncode == 130, err
    assert re.search(rb"\d+ of 300 pieces are finished in sea; the same command goes on", err)
    assert journal.read_bytes().count(b"\n") == len(list(journal.parent.glob("*.flac")))
    assert not list(Path("sea").glob("*.wav"))


def test_a_voice_from_a_clip(intone: RunInProcess, tiny_checkpoint: Checkpoint) -> None:
    Path("sea.txt").write_text(TEXT)
    soundfile.write("clip.wav", np.random.default_rng(0).normal(0, 0.1, 30_000), 24_000)
    argv = ["book", "sea.txt", "--out", "sea", "--model", tiny_checkpoint("base")]
    argv += ["--max-frames", "8", "--ref-audio", "clip.wav", "--ref-text", "words"]

    assert intone(*argv).code == 0
    voice = json.loads(Path("sea/manifest.json").read_text())["voice"]
    assert (voice["kind"], Path(voice["clip"]).name) == ("clip", "clip.wav")
    soundfile.write("clip.wav", np.random.default_rng(1).normal(0, 0.1, 30_000), 24_000)
    assert re.search(r"the voice was .*clip\.wav .*, and is .*clip\.wav", intone(*argv).err)


def test_a_kept_voice_speaks_without_an_encoder(
    intone: RunInProcess,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INTONE_VOICES_DIR", str(tmp_path / "voices"))
    config = json.loads((tiny_checkpoint("base") / "config.json").read_text())
    width = config["talker_config"]["hidden_size"]
    vector = np.random.default_rng(0).normal(0, 0.1, width).astype(np.float32)
    voice = Voice(name="nora", kind="cloned", hidden_size=width, x_vector=vector)
    VoiceLibrary(tmp_path / "voices").put(voice)
    monkeypatch.setattr(Cloner, "x_vector", None)
    monkeypatch.setattr(Cloner, "clone", None)
    Path("sea.txt").write_text(TEXT)
    argv = ["book", "sea.txt", "--voice", "nora", "--model", tiny_checkpoint("base")]
    outcome = intone(*argv, "--ear", "none", "--max-frames", "6")

    assert outcome.code == 0, outcome.err
    kept = json.loads(Path("outputs/sea/manifest.json").read_text())["voice"]
    assert (kept["kind"], kept["name"]) == ("kept", "nora")


def test_a_check_lists_chapters_and_loads_nothing(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TTS, "load", None)
    outcome = intone("book", "sea.txt", *model, "--check", "--chapters", "2")

    assert outcome.code == 0, outcome.err
    assert re.search(r"1 +Chapter 1: The Sea \(not chosen\) +\d +0:0\d", outcome.out)
    assert not Path("outputs").exists()


def test_what_will_be_said_is_shown(intone: RunInProcess, model: list[str]) -> None:
    Path("words.txt").write_text("cold = icy\n")
    outcome = intone("book", "sea.txt", *model, "--show-spoken", "--lexicon", "words.txt")

    assert "It was icy." in outcome.out


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("custom", ["--voice", "nobody"], "voice 'nobody' is unknown"),
        ("custom", ["--language", "klingon"], "language is 'klingon'; .*english"),
        ("custom", ["--chapters", "9"], "chapters are '9'; this book has 1 to 2"),
        ("custom", ["--speed", "3"], r"speed is 3\.0; allowed"),
        ("custom", ["--loudness", "0"], "loudness is 0.0 LUFS; allowed"),
        ("base", [], "has no preset voice; give --voice"),
        ("design", [], "draws another person for every piece"),
        ("base", ["--voice", "a", "--ref-audio", "b.wav"], "a voice was given twice"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_loaded(
    intone: RunInProcess,
    tiny_checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
    kind: ModelKind,
    arguments: list[str],
    message: str,
) -> None:
    Path("sea.txt").write_text(TEXT)
    monkeypatch.setattr(TTS, "load", None)
    outcome = intone("book", "sea.txt", "--model", tiny_checkpoint(kind), *arguments)

    assert outcome.code == 3
    assert re.search(message, outcome.err), outcome.err
    assert not Path("outputs").exists()


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("none.txt", None, 3),
        ("a.pdf", b"%PDF", 3),
        ("a.txt", b"RIFF\0\0\0\0WAVE", 3),
        ("a.txt", b" \n\n", 3),
        ("a.epub", b"PK\x03\x04 broken", 3),
    ],
)
def test_a_document_that_cannot_be_read(
    intone: RunInProcess, name: str, data: bytes | None, code: int
) -> None:
    if data is not None:
        Path(name).write_bytes(data)
    outcome = intone("book", name)

    assert (outcome.code, outcome.err.count("\n")) == (code, 1)
    assert name in outcome.err


def test_a_file_that_is_not_of_this_book_is_not_replaced(
    intone: RunInProcess, model: list[str]
) -> None:
    Path("sea").mkdir()
    Path("sea/02-chapter-2.wav").write_text("mine")
    refused = intone("book", "sea.txt", "--out", "sea", *model)

    assert refused.code == 6
    assert Path("sea/02-chapter-2.wav").read_text() == "mine"


def test_a_very_long_text_is_planned_at_once(intone: RunInProcess, model: list[str]) -> None:
    Path("sea.txt").write_text("It was cold, and nobody came to the door. " * 4_800)  # 200,000
    outcome = intone("book", "sea.txt", *model, "--check")

    assert outcome.code == 0
    assert re.search(r"\d:\d\d:\d\d in all", outcome.out)


def test_progress_tells_chapter_piece_and_time_left() -> None:
    piece = next(iter(plan_book(book(), settings()).pieces))
    step = Progress(
        piece=piece, finished=FINISHED, num_done=31, num_pieces=220, remaining_s=3_725.0
    )

    assert progress_line(step, 14) == "chapter 1 of 14, piece 31 of 220, 1:02:05 left"
    assert progress_line(replace(step, remaining_s=None), 14).endswith("piece 31 of 220")


def test_it_says_why_nobody_is_compared_and_refuses_a_bad_threshold_before_loading(
    intone: RunInProcess, model: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    without_choice = [word for word in model if word not in ("--ear", "none")]

    assert "similarity is not measured" in intone("book", "sea.txt", *without_choice).err
    monkeypatch.setattr(TTS, "load", None)
    refused = intone("book", "sea.txt", *model, "--min-similarity", "2")
    assert "--min-similarity is 2; allowed: 0" in refused.err


def test_a_file_in_the_place_of_the_folder_is_an_error_of_the_output(
    intone: RunInProcess, model: list[str]
) -> None:
    Path("sea").write_text("mine")
    outcome = intone("book", "sea.txt", "--out", "sea", *model)

    assert (outcome.code, Path("sea").read_text()) == (6, "mine")
    assert "a part of the path is a file" in outcome.err

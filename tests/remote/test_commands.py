"""`--server`, as somebody at a terminal uses it."""

from __future__ import annotations

import json
import logging
import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.remote.fleet import other_server, own_services, pcm
from tests.server.fakes import FakeSource
from tests.server.serving import serving
from tests.train.speech import save, speech

from intone.cli import main
from intone.core.types import VoiceClonePrompt
from intone.server.admission import NO_LIMITS
from intone.server.keys import KeyFile

ROOT = Path(__file__).parents[2]
SERVER = "http://localhost:8000"
FRAME = (np.arange(1_920) % 100 * 300).astype("<i2").tobytes()


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def intone(*arguments: str) -> Outcome:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(list(arguments))
    return Outcome(code, out.getvalue(), err.getvalue())


@pytest.fixture
def source() -> FakeSource:
    return FakeSource()


@pytest.fixture
def url(source: FakeSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server whose models make tones; the commands run in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INTONE_API_KEY", raising=False)
    monkeypatch.setattr(logging.getLogger("intone.server"), "propagate", False)  # another process
    with serving(own_services(tmp_path / "served", source)) as address:
        yield address


def test_a_sentence_is_spoken_by_a_server(url: str, source: FakeSource) -> None:
    outcome = intone(
        *("say", "Hello there.", "--server", url, "--voice", "vivian", "--seed", "7"),
        *("--instruct", "warmly", "--out", "a.wav"),
    )

    assert (outcome.code, outcome.err) == (0, "")
    assert "seed 7, finished: stop" in outcome.out
    assert soundfile.info("a.wav").duration == pytest.approx(0.32)
    (request,) = source.counts["fake-custom"].requests
    assert (request.voice, request.instruct, request.seed) == ("vivian", "warmly", 7)


def test_a_sentence_streams_from_a_server_and_is_the_same(url: str) -> None:
    for name, more in (("a.wav", []), ("b.wav", ["--stream"])):
        assert intone("say", "Hi.", "--server", url, "--seed", "7", "-o", name, *more).code == 0

    assert Path("a.wav").read_bytes()[44:] == Path("b.wav").read_bytes()[44:]


def test_presets_are_those_of_the_server(url: str) -> None:
    outcome = intone("custom", "--list-speakers", "--server", url)

    assert outcome.out.split() == ["ryan", "vivian", "aiden", "serena"]


def test_a_described_voice_is_spoken_by_the_servers_design_model(
    url: str, source: FakeSource
) -> None:
    words = "A calm, deep voice."
    outcome = intone("design", "--text", "Hello.", "--instruct", words, "--server", url)

    assert outcome.code == 0
    assert source.counts["fake-design"].requests[0].instruct == words


def test_a_clip_is_sent_along(url: str, source: FakeSource) -> None:
    save(Path("clip.wav"), speech(3.0))
    outcome = intone(
        *("clone", "--text", "Hello.", "--server", url, "--ref-audio", "clip.wav"),
        *("--ref-text", "Some words.", "--save-dir", "kept"),
    )

    assert outcome.code == 0
    voice = source.counts["fake-base"].requests[0].voice
    assert isinstance(voice, VoiceClonePrompt)
    record = json.loads(next(Path("kept").glob("*.json")).read_text())
    assert record["voice"]["kind"] == "clip"
    assert record["voice"]["ref_text"] == "Some words."


def test_a_kept_take_names_its_server_and_is_made_again_there(url: str) -> None:
    assert intone("say", "Hello.", "--server", url, "--save-dir", "kept").code == 0
    record = next(Path("kept").glob("*.json"))
    outcome = intone("redo", str(record))

    assert json.loads(record.read_text())["model"]["device"] == url
    assert outcome.code == 0
    assert "the same take, sample for sample" in outcome.out


def test_a_script_is_spoken_by_a_server(url: str, source: FakeSource) -> None:
    Path("play.txt").write_text("[voice:ryan] It was late. [pause:0.5s]\n[voice:vivian] Come in!\n")
    outcome = intone("script", "play.txt", "--server", url, "--out", "play.wav", "--seed", "3")

    assert outcome.code == 0
    voices = [request.voice for request in source.counts["fake-custom"].requests]
    assert voices == ["ryan", "vivian"]
    assert soundfile.info("play.wav").duration > 1.0


def test_a_script_with_a_description_says_where_it_is_designed(url: str) -> None:
    Path("play.txt").write_text("It was late.\n")
    outcome = intone(
        *("script", "play.txt", "--server", url, "--identity", "A calm, deep voice of a man")
    )

    assert outcome.code == 3
    assert "/v1/audio/voices/design" in outcome.err


def test_a_book_is_spoken_by_a_server_and_gone_on_with(url: str, source: FakeSource) -> None:
    Path("book.txt").write_text("It was late. Nobody slept.\n")
    first = intone("book", "book.txt", "--server", url, "--voice", "ryan", "--out", "book")
    num_takes = source.counts["fake-custom"].takes
    second = intone("book", "book.txt", "--server", url, "--voice", "ryan", "--out", "book")

    assert (first.code, second.code) == (0, 0)
    assert list(Path("book").glob("*.wav"))
    assert source.counts["fake-custom"].takes == num_takes > 0


def test_a_book_with_a_clip_says_what_to_do(url: str) -> None:
    Path("book.txt").write_text("It was late.\n")
    save(Path("clip.wav"), speech(3.0))
    outcome = intone("book", "book.txt", "--server", url, "--ref-audio", "clip.wav")

    assert outcome.code == 3
    assert "POST /v1/audio/voices" in outcome.err


@pytest.mark.parametrize(
    "option",
    [
        ("--device", "cpu"),
        ("--dtype", "fp32"),
        ("--threads", "1"),
        ("--memory-budget", "1GB"),
        ("--profile", "latency"),
        ("--eager",),
    ],
)
def test_options_of_this_machine_are_refused_beside_a_server(
    url: str, source: FakeSource, option: tuple[str, ...]
) -> None:
    outcome = intone("say", "Hello.", "--server", url, *option)

    assert outcome.code == 3
    assert option[0] in outcome.err
    assert source.frames_made == 0


def test_a_key_without_a_server_is_refused(url: str) -> None:
    outcome = intone("say", "Hello.", "--api-key", "k", "--model", "builtin")

    assert outcome.code == 3
    assert "--api-key belongs to --server" in outcome.err


def test_a_key_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    token = KeyFile(tmp_path / "keys.json").add("alice", NO_LIMITS)
    with serving(own_services(tmp_path)) as address:
        refused = intone("say", "Hello.", "--server", address)
        monkeypatch.setenv("INTONE_API_KEY", token)
        allowed = intone("say", "Hello.", "--server", address)

    assert (refused.code, allowed.code) == (11, 0)
    assert "INTONE_API_KEY" in refused.err
    assert os.environ["INTONE_API_KEY"] not in allowed.out + allowed.err


def test_nobody_there_is_one_line_and_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = intone("say", "Hello.", "--server", "http://127.0.0.1:9")

    assert outcome.code == 11
    assert len(outcome.err.splitlines()) == 1
    assert not Path("speech.wav").exists()


def test_a_sentence_is_spoken_by_a_server_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer: Callable[[], object] = pcm(FRAME, FRAME)
    with other_server(answer) as (address, server):  # type: ignore[arg-type]
        outcome = intone("say", "Hello.", "--server", address, "--voice", "vivian")

    assert outcome.code == 0
    assert server.bodies[0]["voice"] == "vivian"
    assert soundfile.info("speech.wav").frames == 2 * 1_920


def test_what_its_page_shows_runs(url: str) -> None:
    page = (ROOT / "docs" / "remote.md").read_text("utf-8").replace(SERVER, url)
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", page, re.M | re.S)
    save(Path("clip.wav"), speech(3.0))
    Path("play.txt").write_text("[voice:ryan] It was late. [pause:0.5s] Come in!")
    Path("chapter.txt").write_text("A chapter.")
    commands = [line for kind, code in blocks if kind == "sh" for line in code.splitlines()]
    for command in commands:
        words = shlex.split(command.replace("https://voices.example.org", url))
        words = words[words.index("intone") + 1 :]
        assert intone(*words).code == 0, command
    for code in (code for kind, code in blocks if kind == "python"):
        exec(compile(code, "remote.md", "exec"), {})

    assert soundfile.info("hello.wav").frames > 0

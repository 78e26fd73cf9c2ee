"""What README and docs show is run as it stands, on tiny models under the real names."""

from __future__ import annotations

import io
import re
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.train.speech import save, speech

from intone.cli import main
from intone.cli.parser import build_parser
from intone.core.types import ModelKind
from intone.models.hub import ALIASES
from intone.voices.builtin_voice import builtin_directory
from intone.voices.names import BUILTIN_NAMES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MAX_README_LINES = 200
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.M | re.S)
SERVER = "http://localhost:8000"
_SHORT = {"say", "custom", "clone", "design", "script", "book", "batch"}
KEPT_VOICES = {"nora", "nils", "bob", "host"}
"""They are made by one command of a page and spoken with by the next."""


def blocks(language: str) -> list[str]:
    return [
        code for page in PAGES for found, code in _BLOCK.findall(page.read_text("utf-8"))
        if found == language
    ]  # fmt: skip


def commands(program: str) -> list[list[str]]:
    """Returns the arguments of every line that calls `program`, without comments and pipes."""
    lines = [line for code in blocks("sh") for line in code.replace("\\\n", " ").splitlines()]
    parts = [part.strip() for line in lines for part in line.split(" | ")]
    calls = [part for part in parts if part.startswith(f"{program} ")]
    return [shlex.split(call, comments=True)[1:] for call in calls]


@pytest.fixture
def _as_documented(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    """A directory with the files that the pages name, and a cache that holds every model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("INTONE_OFFLINE", "1")
    monkeypatch.setattr(
        "intone.voices.builtin_voice.builtin_directory", lambda: tiny_checkpoint("custom")
    )
    for alias, repo_id in ALIASES.items():
        snapshots = tmp_path / "hf/hub" / f"models--{repo_id.replace('/', '--')}" / "snapshots"
        snapshots.mkdir(parents=True)
        kind = {"custom": "custom", "base": "base", "design": "design"}[alias.split("-")[1]]
        (snapshots / "c1").symlink_to(tiny_checkpoint(kind))  # type: ignore[arg-type]
    save(Path("clip.wav"), speech(3.0))
    save(Path("angry.wav"), speech(3.0, seed=1))
    Path("chapter.txt").write_text("A chapter.")
    Path("lines.jsonl").write_text('{"text": "A line."}\n')
    Path("docs").symlink_to(ROOT / "docs")
    monkeypatch.setattr("sys.stdin", io.StringIO("A line.\n"))


@pytest.mark.usefixtures("_as_documented")
@pytest.mark.parametrize("code", blocks("python"))
def test_the_python_runs(code: str) -> None:
    compiled = compile(code, "README.md", "exec")
    if SERVER not in code:  # clients have a test of their own, beside a server
        exec(compiled, {})


@pytest.mark.usefixtures("_as_documented")
@pytest.mark.parametrize("arguments", commands("intone"), ids=" ".join)
def test_the_commands_run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    is_server = arguments[0] in ("serve", "studio") and "--stdin" not in arguments
    parts = {"bench", "keys", "train", "voices", "someone/their-fine-tune", *KEPT_VOICES}
    if is_server or "--server" in arguments or parts & set(arguments):
        # Minutes, a hub, or an order (which has a test of its own): only understood here.
        build_parser().parse_args(arguments)
        return
    if BUILTIN_NAMES & set(arguments) or any("docs/examples" in word for word in arguments):
        monkeypatch.setattr("intone.voices.builtin_voice.builtin_directory", builtin_directory)
    arguments = [word for word in arguments if word not in ("modelscope", "--source")]
    arguments = [word for word in arguments if word != "--ray"]  # clusters have tests of their own
    if arguments[:2] == ["say", "-"]:
        arguments[-1] = "piped.wav"  # standard output as audio has a test of its own
    short = ["--max-frames", "3"] if arguments[0] in _SHORT else []

    assert main([*arguments, *short]) == 0


def write_clips(folder: Path, count: int) -> None:
    for i in range(count):
        save(folder / f"{i}.wav", speech(1.2 + 0.1 * i, seed=i))
        (folder / f"{i}.txt").write_text(f"Sentence number {i}.")


_SHORTENED = {
    "run": ["--max-steps", "2", "--device", "cpu"],
    "eval": ["--texts", "1", "--takes", "1", "--device", "cpu"],
    "say": ["--max-frames", "3"],
}


@pytest.mark.usefixtures("_as_documented")
def test_a_voice_is_made_by_the_commands_of_the_training_page() -> None:
    page = (ROOT / "docs" / "train.md").read_text("utf-8")
    block = next(code for language, code in _BLOCK.findall(page) if language == "sh")
    write_clips(Path("clips"), count=8)
    for line in block.splitlines():
        arguments = shlex.split(line)[1:]
        stage = arguments[1] if arguments[0] == "train" else arguments[0]
        assert main([*arguments, *_SHORTENED.get(stage, [])]) == 0, line

    assert Path("speech.wav").stat().st_size > 0


@pytest.mark.usefixtures("_as_documented")
@pytest.mark.parametrize("page", ["README.md", "docs/voices.md"])
def test_voices_are_kept_and_moved_by_the_commands_of_a_page(
    page: str, voices_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("intone.audio.reference.MIN_REFERENCE_S", 0.1)  # tiny takes are short
    text = (ROOT / page).read_text("utf-8")
    code = "".join(code for language, code in _BLOCK.findall(text) if language == "sh")
    for line in code.splitlines():
        arguments = shlex.split(line, comments=True)[1:]
        kept = {path.stem for path in voices_directory.glob("*.voice")}
        is_about_voices = arguments[:1] == ["voices"] or kept & set(arguments)
        if not is_about_voices or arguments[1] == "play":  # which needs a loudspeaker
            continue
        assert main([*arguments, *_SHORTENED.get(arguments[0], [])]) == 0, line

    assert kept


@pytest.mark.parametrize("arguments", commands("make"), ids=" ".join)
def test_the_make_targets_exist(arguments: list[str]) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.M)

    assert arguments[0] in targets


def test_the_extras_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {
        extra
        for page in PAGES
        for extras in re.findall(r"(?:intone|\.)\[([\w,]+)\]", page.read_text("utf-8"))
        for extra in extras.split(",")
    }

    assert named <= set(project["optional-dependencies"])


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= MAX_README_LINES


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

"""`intone voices`: from a clip to a voice that speaks, travels and is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pytest
import soundfile
from tests.cli.conftest import RunInProcess
from tests.train.speech import save, silence, speech
from tests.voices.making_voices import make_voice

from intone.core.types import ModelKind, Samples
from intone.voices.cloning import Cloner
from intone.voices.library import VoiceLibrary
from intone.voices.voice_file import content_sha256

Checkpoint = Callable[[ModelKind], Path]
WORDS = "Twelve syllables are said in this clip, one after the other."


def clean(duration_s: float = 4.0, seed: int = 0) -> Samples:
    return np.concatenate([silence(0.1), speech(duration_s, seed=seed), silence(0.2)])


@pytest.fixture
def voices(voices_directory: Path) -> VoiceLibrary:
    return VoiceLibrary(voices_directory)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return save(tmp_path / "clip.wav", clean())


@pytest.fixture
def base(tiny_checkpoint: Checkpoint) -> Path:
    return tiny_checkpoint("base")


def test_a_clip_with_words_is_kept_whole_and_speaks(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path, base: Path
) -> None:
    outcome = intone(
        *("voices", "clone", "nora", "--audio", clip, "--text", WORDS, "--language", "English"),
        *("--licence", "CC0-1.0", "--consent", "she agreed", "--model", base),
    )

    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("reference clip of 4.3 s:")
    assert "speaks from its clip and words (ICL)" in outcome.out
    voice = voices.get("nora")
    assert (voice.language, voice.licence, voice.consent) == ("english", "CC0-1.0", "she agreed")
    assert voice.prompt().ref_text == WORDS
    assert voice.making.model == "tiny-base"
    said = intone("say", "Hi.", "--model", base, "--voice", "NORA", "-o", "a.wav", "--seed", "1")
    assert said.code == 0, said.err


def test_the_second_use_of_a_voice_builds_no_encoders(
    intone: RunInProcess,
    voices: VoiceLibrary,
    clip: Path,
    base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[int] = []
    really_open = Cloner._opened
    monkeypatch.setattr(Cloner, "_opened", lambda one: opened.append(1) or really_open(one))
    intone("voices", "clone", "nora", "--audio", clip, "--text", WORDS, "--model", base)
    assert opened
    opened.clear()
    for _ in range(2):
        said = intone("say", "Hi.", "--model", base, "--voice", "nora", "-o", "a.wav")
        assert said.code == 0, said.err
    intone("voices", "list")
    intone("voices", "show", "nora")
    intone("voices", "check", "nora")
    assert opened == []


@pytest.mark.parametrize(
    ("flags", "is_icl", "told"),
    [
        (["--text", WORDS], True, ""),
        (["--text", WORDS, "--icl"], True, ""),
        (["--text", WORDS, "--xvec-only"], False, ""),
        (["--xvec-only"], False, ""),
        ([], False, "no --text: keeping the x-vector alone"),
    ],
    ids=["words", "icl", "xvec-only", "xvec-only, no words", "no words"],
)
def test_words_make_an_icl_voice_and_a_flag_wins(
    intone: RunInProcess,
    voices: VoiceLibrary,
    clip: Path,
    base: Path,
    flags: list[str],
    is_icl: bool,
    told: str,
) -> None:
    outcome = intone("voices", "clone", "nora", "--audio", clip, "--model", base, *flags)

    assert outcome.code == 0, outcome.err
    assert voices.get("nora").is_icl is is_icl
    assert told in outcome.err
    assert bool(outcome.err) is bool(told)


def test_icl_without_words_is_refused(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path, base: Path
) -> None:
    outcome = intone("voices", "clone", "nora", "--audio", clip, "--model", base, "--icl")

    assert (outcome.code, voices.names()) == (3, ())
    assert "without the clip's words" in outcome.err


def test_a_model_without_codec_encoder_keeps_the_vector_and_says_so(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path
) -> None:
    outcome = intone(
        "voices", "clone", "nora", "--audio", clip, "--text", WORDS, "--model", "builtin"
    )

    assert outcome.code == 0, outcome.err
    assert "no codec encoder: keeping the x-vector alone" in outcome.err
    assert voices.get("nora").references[0].text == WORDS
    assert not voices.get("nora").is_icl
    asked = intone(
        *("voices", "clone", "other", "--audio", clip, "--text", WORDS, "--model", "builtin"),
        "--icl",
    )
    assert (asked.code, "other" in voices) == (3, False)


def test_without_a_base_model_the_way_out_is_named(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path
) -> None:
    outcome = intone("voices", "clone", "nora", "--audio", clip)

    assert outcome.code == 4
    assert "intone models pull 0.6b-base" in outcome.err
    assert "--model builtin" in outcome.err


def test_a_mood_joins_the_bank_with_its_similarity(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path, base: Path, tmp_path: Path
) -> None:
    intone("voices", "clone", "nora", "--audio", clip, "--text", WORDS, "--model", base)
    add = ("voices", "clone", "nora", "--audio", clip, "--text", WORDS, "--model", base)

    first = intone(*add, "--mood", "Angry")
    again = intone(*add, "--mood", "angry")
    forced = intone(*add, "--mood", "angry", "--force")

    assert (first.code, again.code, forced.code) == (0, 3, 0)
    assert "similarity of this clip and nora: 1.00" in first.out
    assert "has the mood 'angry' already" in again.err
    assert voices.get("nora").moods == ("angry",)
    notes = intone(*add, "--mood", "sad", "--consent", "yes")
    assert (notes.code, "--consent belong" in notes.err) == (3, True)


def test_a_mood_of_an_unlike_clip_is_kept_with_a_warning(
    intone: RunInProcess,
    voices: VoiceLibrary,
    clip: Path,
    base: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    intone("voices", "clone", "nora", "--audio", clip, "--model", base)
    monkeypatch.setattr("intone.render.ear.similarity", lambda one, other: 0.2)
    outcome = intone("voices", "clone", "nora", "--audio", clip, "--mood", "sad", "--model", base)

    assert (outcome.code, voices.get("nora").moods) == (0, ("sad",))
    assert "below 0.75: this may be another person" in outcome.err


def test_a_name_is_not_taken_twice_and_nothing_is_read_for_it(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path
) -> None:
    voices.put(make_voice("nora"))

    taken = intone("voices", "clone", "Nora", "--audio", "absent.wav")
    preset = intone("voices", "clone", "ryan", "--audio", "absent.wav")
    path = intone("voices", "clone", "../nora", "--audio", "absent.wav")

    assert (taken.code, preset.code, path.code) == (3, 3, 3)
    assert "kept already; choose another name, replace it (--force), or give --mood" in taken.err
    assert "is a preset's" in preset.err
    assert "cannot be used; allowed" in path.err


def test_a_transcript_of_another_clip_ends_it_unless_told_to_go_on(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path, base: Path
) -> None:
    clone = ("voices", "clone", "nora", "--audio", clip, "--model", base)
    refused = intone(*clone, "--text", WORDS * 9)

    assert (refused.code, voices.names()) == (3, ())
    assert "refused  words" in refused.out
    assert "the transcript is too long" in refused.err
    assert intone(*clone, "--text", WORDS * 9, "--anyway").code == 0
    assert intone(*clone, "--text", WORDS * 9, "--xvec-only", "--force").code == 0


def telephone(path: Path) -> None:
    soundfile.write(path, clean()[::3], 8_000)


def stereo_float(path: Path) -> None:
    soundfile.write(path, np.stack([clean(), clean()], axis=1) * 4, 24_000, "FLOAT")


BAD_CLIPS: list[tuple[str, Callable[[Path], object], int, str]] = [
    ("silence", lambda path: save(path, silence(5, noise=0)), 3, "is silent; give 1 to 60 s"),
    ("a room", lambda path: save(path, silence(5, noise=2e-3)), 3, "not speech"),
    ("0.2 s", lambda path: save(path, speech(0.2)), 3, "too short (0.20 s)"),
    ("10 minutes", lambda path: save(path, silence(600)), 3, "longer than 60 s; cut it down"),
    ("telephone", telephone, 0, "as from a telephone"),
    ("stereo float", stereo_float, 0, "2 channels, averaged to one; its peak of"),
    ("a text file", lambda path: path.write_text("words"), 3, "cannot be decoded; give a wav"),
    ("an empty file", lambda path: path.write_bytes(b""), 3, "is empty; give 1 to 60 s"),
    ("a directory", lambda path: path.mkdir(), 3, "is a directory; give one audio file"),
]


@pytest.mark.parametrize(
    ("make", "code", "told"), [case[1:] for case in BAD_CLIPS], ids=[case[0] for case in BAD_CLIPS]
)
def test_a_clip_that_is_not_what_it_should_be_gets_a_clear_answer(
    intone: RunInProcess,
    voices: VoiceLibrary,
    base: Path,
    make: Callable[[Path], object],
    code: int,
    told: str,
) -> None:
    make(Path("ref.wav"))
    outcome = intone("voices", "clone", "nora", "--audio", "ref.wav", "--model", base)

    assert outcome.code == code, outcome.err
    assert told in outcome.out + outcome.err
    assert ("nora" in voices) is (code == 0)


def test_a_voice_of_another_size_names_what_fits(
    intone: RunInProcess, voices: VoiceLibrary
) -> None:
    voices.put(make_voice("nora"))
    outcome = intone("say", "Hi.", "--model", "builtin", "--voice", "nora")

    assert outcome.code == 3
    assert "voice 'nora' fits models of width 64 and 16 codebooks, but builtin has" in outcome.err


def test_the_list_has_yours_then_presets_and_survives_damage(
    intone: RunInProcess, voices: VoiceLibrary
) -> None:
    empty = intone("voices", "list")
    voices.put(make_voice("nora", moods=("angry", "sad")))
    (voices.directory / "bad.voice").write_bytes(b"junk")
    lines = intone("voices", "list").out.splitlines()
    listed = json.loads(intone("voices", "list", "--json").out)

    assert "no voice of your own" in empty.out
    assert lines[1].split()[:2] == ["bad", "damaged"]
    assert lines[2].split()[:5] == ["nora", "cloned", "english", "angry,", "sad"]
    assert [line.split()[0] for line in lines[3:]] == ["ava", "bella", "michael", "fenrir"]
    assert [one["kind"] for one in listed] == ["damaged", "cloned", *["preset"] * 4]
    assert listed[1]["sha256"] == content_sha256(voices.get("nora"))


def test_show_tells_everything(intone: RunInProcess, voices: VoiceLibrary) -> None:
    voices.put(make_voice("nora", moods=("angry",)))
    shown = intone("voices", "show", "nora").out
    data = json.loads(intone("voices", "show", "Nora", "--json").out)

    for words in (
        "What the clip says.",
        "angry words",
        "CC0-1.0",
        "Nora agreed on paper.",
        "1.6 s",
    ):
        assert words in shown
    assert (data["name"], data["moods"], data["hidden_size"]) == ("nora", ["angry"], 64)
    unknown = intone("voices", "show", "norah")
    assert (unknown.code, "near it: nora" in unknown.err) == (3, True)


def test_check_reads_a_name_or_a_file(
    intone: RunInProcess, voices: VoiceLibrary, tmp_path: Path
) -> None:
    voices.put(make_voice("nora", moods=("angry",)))
    data = json.loads(intone("voices", "check", "nora", "--json").out)
    told = intone("voices", "check", voices.path("nora")).out
    (tmp_path / "x.voice").write_bytes(voices.path("nora").read_bytes()[:-9])
    damaged = intone("voices", "check", tmp_path / "x.voice")

    assert data["models"] == {"builtin": "another size: width 256, 6 codebooks"}
    assert [one["mood"] for one in data["references"]] == ["neutral", "angry"]
    assert -1 <= data["similarities"][0]["similarity"] <= 1
    assert "nora, cloned, whole" in told
    assert (damaged.code, "foreign or truncated" in damaged.err) == (3, True)


def test_a_voice_moves_and_comes_back(intone: RunInProcess, voices: VoiceLibrary) -> None:
    voices.put(make_voice("nora"))
    sha = content_sha256(voices.get("nora"))

    assert intone("voices", "export", "nora").code == 0
    assert intone("voices", "export", "nora").code == 6
    assert intone("voices", "export", "nora", "--force").code == 0
    assert intone("voices", "export", "nora", "x.wav").code == 3
    assert intone("voices", "rename", "nora", "carla").code == 0
    assert intone("voices", "import", "nora.voice").code == 0
    assert intone("voices", "import", "nora.voice").code == 3
    assert intone("voices", "import", "nora.voice", "--as", "../x").code == 3
    assert intone("voices", "import", "nora.voice", "--as", "dora").code == 0
    assert intone("voices", "remove", "carla").code == 0
    assert voices.names() == ("dora", "nora")
    assert content_sha256(voices.get("dora")) == sha


@pytest.mark.parametrize("name", ["speaker.pt", "speaker.safetensors"])
def test_a_speaker_vector_goes_out_and_comes_in(
    intone: RunInProcess, voices: VoiceLibrary, clip: Path, base: Path, name: str
) -> None:
    out = intone("voices", "extract", "--audio", clip, "--out", name, "--model", base)
    assert out.code == 0, out.err
    assert intone("voices", "import", name).code == 0
    assert intone("voices", "extract", "speaker", "--out", f"again-{name}").code == 0
    assert intone("voices", "extract", "speaker", "--out", f"again-{name}").code == 6
    assert intone("voices", "extract", "--out", name).code == 3

    said = intone("say", "Hi.", "--model", base, "--voice", "speaker", "-o", "a.wav")
    assert (said.code, voices.get("speaker").hidden_size) == (0, 64)


def test_a_design_is_drawn_heard_about_and_kept(
    intone: RunInProcess, voices: VoiceLibrary, base: Path, tiny_checkpoint: Checkpoint
) -> None:
    design = (
        *("voices", "design", "A calm, deep male voice.", "--text", "Hello, this is me."),
        *("--candidates", "2", "--seed", "3", "--model", tiny_checkpoint("design")),
    )
    first, second = intone(*design), intone(*design)
    rounds = sorted((voices.directory / "candidates").iterdir())
    takes = [(one / "2.wav").read_bytes() for one in rounds]

    assert first.code == 0, first.err
    assert [line[:8] for line in first.out.splitlines()[:2]] == ["1: seed ", "2: seed "]
    assert "intone voices keep 1 --as NAME" in second.out
    assert len(rounds) == 2, "an older round stays"
    assert takes[0] == takes[1], "the same seed draws the same voices"

    number = longest(rounds[-1])
    kept = intone("voices", "keep", number, "--as", "nora", "--model", base)
    assert kept.code == 0, kept.err
    voice = voices.get("nora")
    assert (voice.kind, voice.is_icl) == ("designed", True)
    assert voice.making.description == "A calm, deep male voice."
    assert voice.prompt().ref_text == "Hello, this is me."
    assert f"{number}: seed {voice.making.seed}," in second.out
    assert intone("voices", "keep", number, "--as", "nora", "--model", base).code == 3
    assert intone("voices", "keep", 9, "--as", "dora", "--model", base).code == 3
    assert intone("voices", "keep", number, "--as", "dora", "--round", "x").code == 3


def longest(folder: Path) -> str:
    return max(folder.glob("*.wav"), key=lambda path: path.stat().st_size).stem


def test_only_a_design_model_designs(
    intone: RunInProcess, voices: VoiceLibrary, base: Path
) -> None:
    outcome = intone("voices", "design", "A voice.", "--text", "Hello.", "--model", base)

    assert (outcome.code, voices.directory.exists()) == (3, False)
    assert "voices are designed by a VoiceDesign model" in outcome.err
    assert intone("voices", "keep", "1", "--as", "nora").code == 3


def test_a_speaker_of_a_model_gets_a_name_of_its_own(
    intone: RunInProcess, voices: VoiceLibrary, tiny_checkpoint: Checkpoint
) -> None:
    custom = tiny_checkpoint("custom")
    added = intone("voices", "add", "host", "--speaker", "Uncle Fu", "--model", custom)
    unknown = intone("voices", "add", "guest", "--speaker", "bob", "--model", custom)

    assert added.code == 0, added.err
    assert (unknown.code, "has: serena" in unknown.err) == (3, True)
    voice = voices.get("host")
    assert (voice.kind, voice.speaker, voice.model) == ("preset", "uncle_fu", str(custom))
    said = intone("say", "Hi.", "--voice", "host", "-o", "a.wav", "--seed", "1")
    same = intone("say", "Hi.", "--voice", "uncle_fu", "--model", custom, "-o", "b.wav", "--seed=1")
    assert (said.code, same.code) == (0, 0), said.err
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    bank = intone("voices", "clone", "host", "--mood", "sad", "--audio", "absent.wav")
    assert (bank.code, "belongs to a cloned or designed voice" in bank.err) == (3, True)
    assert intone("voices", "show", "host").code == 0
    assert intone("voices", "check", "host").code == 0
    assert intone("voices", "extract", "host", "--out", "x.pt").code == 3


def test_models_on_this_machine_are_told_by_what_they_speak(
    intone: RunInProcess,
    voices: VoiceLibrary,
    clip: Path,
    tmp_path: Path,
    tiny_checkpoint: Checkpoint,
) -> None:
    kinds: dict[str, ModelKind] = {
        "0.6B-Base": "base", "0.6B-CustomVoice": "custom", "1.7B-VoiceDesign": "design"
    }  # fmt: skip
    for name, kind in kinds.items():
        snapshots = tmp_path / "hf/hub" / f"models--Qwen--Qwen3-TTS-12Hz-{name}" / "snapshots"
        snapshots.mkdir(parents=True)
        (snapshots / "c1").symlink_to(tiny_checkpoint(kind))

    cloned = intone("voices", "clone", "nora", "--audio", clip, "--text", WORDS)
    rows = {line.split()[0]: line for line in intone("voices", "list").out.splitlines()}
    checked = json.loads(intone("voices", "check", "nora", "--json").out)["models"]

    assert cloned.code == 0, cloned.err
    assert rows["nora"].split() == ["nora", "cloned", "auto", "0.6b-base"]
    assert rows["vivian"].split() == ["vivian", "preset", "0.6b-custom"]
    assert checked == {
        "0.6b-base": "speaks with it",
        "0.6b-custom": "does not clone: no speaker encoder",
        "1.7b-design": "does not clone: no speaker encoder",
        "builtin": "another size: width 256, 6 codebooks",
    }
    assert voices.get("nora").making.model == "0.6b-base"


class Loudspeaker:
    heard: ClassVar[list[Samples]] = []

    def __init__(self, sample_rate_hz: int) -> None:
        assert sample_rate_hz == 24_000

    def write(self, samples: Samples) -> None:
        self.heard.append(samples)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def test_a_candidate_can_be_heard(
    intone: RunInProcess,
    voices: VoiceLibrary,
    tiny_checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intone.audio.playback.Player", Loudspeaker)
    design = ("voices", "design", "A voice.", "--text", "Hello.", "--candidates", "2")
    intone(*design, "--model", tiny_checkpoint("design"))

    assert intone("voices", "play", "2").code == 0
    wav = next(voices.directory.glob("candidates/*/2.wav"))
    assert len(Loudspeaker.heard[-1]) == soundfile.info(wav).frames
    wav.write_text("no sound")
    damaged = intone("voices", "play", "2")
    assert (damaged.code, "cannot be played" in damaged.err) == (6, True)
    assert intone("voices", "play", "3").code == 3

"""Export: the tuned checkpoint is the base plus what was trained, and nothing else changes."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.oracle.ours import Ours
from tests.train.fake_run import (
    ADAPTED,
    ALPHA,
    RANK,
    TRAINED,
    base_tensors,
    noise,
    write_fake_run,
)

from intone.cli import main
from intone.core.errors import (
    CheckpointError,
    OutputError,
    RequestError,
    RunError,
    UnsupportedModeError,
)
from intone.core.types import ModelKind
from intone.models.checkpoint import PREDICTOR, TALKER, Checkpoint
from intone.models.weights import joined_tensor
from intone.prompt.spec import PromptSpec
from intone.train.exporting.export import ExportOptions, ExportReport, export
from intone.train.exporting.overlay import CODEC_EMBEDDING
from intone.train.tuning import checkpoints
from intone.train.tuning.checkpoints import read_weights
from intone.train.tuning.run_files import read_run, write_run
from intone.tts import TTS

TinyCheckpoint = Callable[[ModelKind], Path]

TEXT = "Hello world"
FIRST_ROW = 64 + 952


@pytest.fixture(scope="module")
def custom(tiny_checkpoint: TinyCheckpoint, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CustomVoice export of a run that began with a Base and has one speaker."""
    root = tmp_path_factory.mktemp("custom")
    write_fake_run(root / "run", tiny_checkpoint("base"))
    return export(root / "run", root / "out").directory


@pytest.fixture
def fake_run(tmp_path: Path, tiny_checkpoint: TinyCheckpoint) -> Callable[..., Path]:
    def make(kind: ModelKind = "base", **settings: object) -> Path:
        return write_fake_run(tmp_path / "run", tiny_checkpoint(kind), **settings)  # type: ignore[arg-type]

    return make


def form(name: str, **options: object) -> ExportOptions:
    return ExportOptions(form=name, **options)  # type: ignore[arg-type]


def config_of(directory: Path) -> dict:
    return json.loads((directory / "config.json").read_text(encoding="utf-8"))


def test_a_new_preset_speaks_by_name_in_any_case(custom: Path) -> None:
    with TTS(custom, device="cpu", dtype="fp32", num_slots=1) as tts:
        named = tts.speak(TEXT, voice="Anna", seed=1, max_frames=3)
        first = tts.speak(TEXT, seed=1, max_frames=3)

        assert tts.capabilities().voices == ("anna",)
        np.testing.assert_array_equal(named.samples, first.samples)
        with pytest.raises(RequestError, match="anna"):
            tts.speak(TEXT, voice="ryan")


def test_the_export_computes_what_the_trained_networks_computed(
    custom: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    spec = PromptSpec(text=TEXT, speaker="anna", text_layout="per_frame", language="english")
    codes = np.random.default_rng(0).integers(0, 64, (12, 16))

    base = tiny_checkpoint("base")
    exported, in_memory, untouched = Ours(custom), Ours(base), Ours(base)
    in_memory.builder = untouched.builder = exported.builder
    official = base_tensors(base)
    official |= {
        name: official[name] + noise(f"{name}100", official[name].shape) for name in TRAINED
    }
    official[CODEC_EMBEDDING][FIRST_ROW] = noise("anna100", (64,))
    load(in_memory.talker, TALKER, official)
    load(in_memory.predictor, PREDICTOR, official)

    ours, theirs = exported.teacher_forced(spec, codes), in_memory.teacher_forced(spec, codes)
    for mine, yours, other in zip(ours, theirs, untouched.teacher_forced(spec, codes), strict=True):
        torch.testing.assert_close(mine, yours, rtol=0, atol=1e-6)
        assert (mine - other).abs().max() > 1e-2  # the comparison would see a wrong weight


def load(network: torch.nn.Module, prefix: str, official: dict[str, torch.Tensor]) -> None:
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            tensor = joined_tensor(name, prefix, official)
            assert tensor is not None
            parameter.copy_(tensor)


def test_only_trained_tensors_and_one_row_differ(
    custom: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    old, new = base_tensors(tiny_checkpoint("base")), base_tensors(custom)

    assert list(old) == list(new)
    assert {name for name in old if not torch.equal(old[name], new[name])} == {
        *TRAINED,
        CODEC_EMBEDDING,
    }
    rows = (old[CODEC_EMBEDDING] != new[CODEC_EMBEDDING]).any(dim=1).nonzero()
    assert rows.tolist() == [[FIRST_ROW]]


def test_values_are_rounded_once_to_the_type_of_the_base(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    base = in_bf16(tiny_checkpoint("base"), tmp_path / "bf16")
    run = write_fake_run(tmp_path / "run", base)
    trained = read_weights(run / "checkpoints" / "step-000100")

    report = export(run, tmp_path / "out")
    old, new = base_tensors(base), base_tensors(tmp_path / "out")

    for name in TRAINED:
        assert torch.equal(new[name], trained.tensors[name].to(torch.bfloat16))
    assert torch.equal(new[CODEC_EMBEDDING][FIRST_ROW], trained.speakers["anna"].bfloat16())
    untouched = old.keys() - {*TRAINED, CODEC_EMBEDDING}
    assert all(torch.equal(old[name], new[name]) for name in untouched)
    assert {tensor.dtype for tensor in new.values()} == {torch.bfloat16}
    assert report.changed_share is not None
    assert 0.9 < report.changed_share < 1.0


def in_bf16(base: Path, directory: Path) -> Path:
    shutil.copytree(base, directory)
    tensors = {name: tensor.bfloat16() for name, tensor in base_tensors(base).items()}
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    return directory


def test_a_merged_adapter_is_the_base_plus_the_scaled_product(
    tmp_path: Path, fake_run: Callable[..., Path], tiny_checkpoint: TinyCheckpoint
) -> None:
    report = export(fake_run(is_lora=True), tmp_path / "out")
    old, new = base_tensors(tiny_checkpoint("base")), base_tensors(tmp_path / "out")

    changed = {name for name in old if not torch.equal(old[name], new[name])}
    assert changed == {CODEC_EMBEDDING, *(f"{module}.weight" for module in ADAPTED)}
    assert report.num_changed == len(changed)
    for module in ADAPTED:
        weight = old[f"{module}.weight"]
        down = noise(f"{module}A", (RANK, weight.shape[1]))
        up = noise(f"{module}B", (weight.shape[0], RANK))
        expected = weight + ALPHA / RANK * (up @ down)
        torch.testing.assert_close(new[f"{module}.weight"], expected, rtol=0, atol=1e-6)


def test_an_adapter_alone_is_what_peft_reads(tmp_path: Path, fake_run: Callable[..., Path]) -> None:
    report = export(fake_run(is_lora=True), tmp_path / "out", form("adapter"))

    assert sorted(os.listdir(tmp_path / "out")) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "speakers.safetensors",
        "training.json",
    ]
    tensors = load_file(tmp_path / "out" / "adapter_model.safetensors")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert set(tensors) == {
        f"base_model.model.{module}.lora_{side}.weight" for module in ADAPTED for side in "AB"
    }
    assert (config["r"], config["lora_alpha"], config["peft_type"]) == (RANK, ALPHA, "LORA")
    assert config["base_model_name_or_path"] == "tiny-base"
    assert report.presets == {"anna": FIRST_ROW}


def test_peft_merges_the_adapter_to_the_merged_export(
    tmp_path: Path, fake_run: Callable[..., Path], tiny_checkpoint: TinyCheckpoint
) -> None:
    from peft import PeftModel

    run = fake_run(is_lora=True)
    export(run, tmp_path / "adapter", form("adapter"))
    export(run, tmp_path / "merged")
    root = linear_tree(base_tensors(tiny_checkpoint("base")), ADAPTED)

    merged = PeftModel.from_pretrained(root, tmp_path / "adapter").merge_and_unload()

    expected = base_tensors(tmp_path / "merged")
    for module in ADAPTED:
        weight = merged.get_submodule(module).weight
        torch.testing.assert_close(weight, expected[f"{module}.weight"], rtol=0, atol=1e-6)


def linear_tree(tensors: dict[str, torch.Tensor], names: Sequence[str]) -> torch.nn.Module:
    """Linear layers at their official places, as the public package has them."""
    root = torch.nn.Module()
    for name in names:
        *path, last = name.split(".")
        parent = root
        for part in path:
            if not hasattr(parent, part):
                parent.add_module(part, torch.nn.Module())
            parent = parent.get_submodule(part)
        weight = tensors[f"{name}.weight"]
        layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        layer.weight.data = weight.clone()
        parent.add_module(last, layer)
    return root


def test_a_run_of_whole_tensors_has_no_adapter(
    tmp_path: Path, fake_run: Callable[..., Path]
) -> None:
    with pytest.raises(RunError, match="no adapter; export it with --as custom"):
        export(fake_run(), tmp_path / "out", form("adapter"))
    assert sorted(os.listdir(tmp_path)) == ["run"]


def test_several_speakers_take_the_rows_from_3000_on(
    tmp_path: Path, fake_run: Callable[..., Path]
) -> None:
    report = export(fake_run(speakers=("anna", "bruno", "cleo")), tmp_path / "out")

    rows = {"anna": FIRST_ROW, "bruno": FIRST_ROW + 1, "cleo": FIRST_ROW + 2}
    talker = config_of(tmp_path / "out")["talker_config"]
    assert report.presets == talker["spk_id"] == rows
    assert talker["spk_is_dialect"] == dict.fromkeys(rows, False)
    table = base_tensors(tmp_path / "out")[CODEC_EMBEDDING]
    for name, row in rows.items():
        assert torch.equal(table[row], noise(f"{name}100", (64,)))


def test_presets_of_the_base_stay_with_their_dialects(
    tmp_path: Path, fake_run: Callable[..., Path], tiny_checkpoint: TinyCheckpoint
) -> None:
    export(fake_run("custom"), tmp_path / "out")
    old = Checkpoint(tiny_checkpoint("custom")).config.talker
    new = Checkpoint(tmp_path / "out").config.talker

    assert new.speaker_ids == {**old.speaker_ids, "anna": FIRST_ROW}
    assert new.speaker_dialects == {**old.speaker_dialects, "anna": None}
    assert new.language_ids == old.language_ids
    before, after = (
        base_tensors(path)[CODEC_EMBEDDING]
        for path in (tiny_checkpoint("custom"), tmp_path / "out")
    )
    for row in old.speaker_ids.values():
        assert torch.equal(before[row], after[row])


@pytest.mark.parametrize(
    ("speakers", "reason"),
    [
        ({"ryan": FIRST_ROW}, "'ryan' is a preset of the base already"),
        ({"anna": 64 + 1013}, "row 1077 of 'anna' is a control, language or speaker id"),
        ({"anna": 64 + 102}, "row 166 of 'anna' is a control, language or speaker id"),
        ({"anna": 64 + 2}, "row 66 of 'anna' is a control, language or speaker id"),
        ({"anna": 63}, "row 63 of 'anna' lies outside 64 to 1087"),
        ({"anna": 1088}, "row 1088 of 'anna' lies outside 64 to 1087"),
        ({"Anna": FIRST_ROW}, "'Anna' is not lower case"),
        ({"anna": FIRST_ROW, "bruno": FIRST_ROW}, "two speakers share a row"),
    ],
)
def test_a_speaker_that_collides_is_refused(
    tmp_path: Path, fake_run: Callable[..., Path], speakers: dict[str, int], reason: str
) -> None:
    run = fake_run("custom")
    write_run(run, replace(read_run(run), speakers=speakers))

    with pytest.raises(RunError, match=reason):
        export(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_base_export_clones_as_its_base_does(
    tmp_path: Path, fake_run: Callable[..., Path], tiny_checkpoint: TinyCheckpoint
) -> None:
    report = export(fake_run(), tmp_path / "out", form("base"))

    assert (report.form, report.left_out, report.can_clone) == ("base", ("anna",), True)
    assert config_of(tmp_path / "out") == config_of(tiny_checkpoint("base"))
    clip = (0.1 * np.random.default_rng(0).standard_normal(30_000).astype(np.float32), 24_000)
    with TTS(tmp_path / "out", device="cpu", dtype="fp32", num_slots=1) as tuned:
        voice = tuned.clone(clip, "the voice")
        audio = tuned.speak(TEXT, voice=voice, seed=3, max_frames=2)
    with TTS(tiny_checkpoint("base"), device="cpu", dtype="fp32", num_slots=1) as base:
        theirs = base.clone(clip, "the voice")
    assert audio.duration_s > 0
    np.testing.assert_array_equal(voice.x_vector, theirs.x_vector)
    np.testing.assert_array_equal(voice.ref_codes, theirs.ref_codes)


@pytest.mark.slow
def test_a_custom_export_of_a_base_clones_unless_asked_not_to(
    tmp_path: Path, custom: Path, fake_run: Callable[..., Path]
) -> None:
    clip = (0.1 * np.random.default_rng(0).standard_normal(30_000).astype(np.float32), 24_000)
    report = export(fake_run(), tmp_path / "out", form("custom", keep_cloning=False))

    assert not report.can_clone
    assert "speaker_encoder_config" not in config_of(tmp_path / "out")
    assert not any(name.startswith("speaker_encoder.") for name in base_tensors(tmp_path / "out"))
    with TTS(tmp_path / "out", device="cpu") as tts, pytest.raises(UnsupportedModeError):
        tts.clone(clip)
    with TTS(custom, device="cpu", dtype="fp32", num_slots=1) as tts:
        assert tts.speak(TEXT, voice=tts.clone(clip), seed=1, max_frames=2).duration_s > 0


@pytest.mark.parametrize(
    ("kind", "target", "speakers", "wanted", "reason"),
    [
        ("custom", "custom", ("anna",), "base", "a custom checkpoint cannot be exported as base"),
        ("base", "base", (), "design", "allowed here: base, custom, adapter"),
        ("base", "base", (), "custom", "no preset speakers, and its base has none"),
    ],
)
def test_what_a_base_cannot_become_is_refused(
    tmp_path: Path,
    fake_run: Callable[..., Path],
    kind: ModelKind,
    target: str,
    speakers: tuple[str, ...],
    wanted: str,
    reason: str,
) -> None:
    with pytest.raises(RunError, match=reason):
        export(fake_run(kind, target=target, speakers=speakers), tmp_path / "out", form(wanted))


def test_a_voice_design_run_becomes_a_voice_design_checkpoint(
    tmp_path: Path, fake_run: Callable[..., Path]
) -> None:
    report = export(fake_run("design", target="design", speakers=()), tmp_path / "out")

    assert (report.form, report.can_clone) == ("design", False)
    assert Checkpoint(tmp_path / "out").config.kind == "design"


def test_unchanged_files_are_shared_and_the_base_stays_as_it_was(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    base = tmp_path / "base"
    shutil.copytree(tiny_checkpoint("base"), base)
    shutil.rmtree(base / ".intone", ignore_errors=True)  # built graphs of another test
    before = {path: path.read_bytes() for path in base.rglob("*") if path.is_file()}

    report = export(write_fake_run(tmp_path / "run", base), tmp_path / "out")

    codec = Path("speech_tokenizer", "model.safetensors")
    assert (base / codec).samefile(tmp_path / "out" / codec)
    assert report.files.linked == len(before) - 2  # all but config.json and model.safetensors
    assert {path: path.read_bytes() for path in before} == before
    files = sum(path.stat().st_nlink == 1 for path in (tmp_path / "out").rglob("*.*"))
    assert files == 4  # these two, the card and the manifest


def test_a_base_in_several_files_is_exported_in_several_files(
    tmp_path: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    base = split_in_two(tiny_checkpoint("base"), tmp_path / "base")
    run = write_fake_run(tmp_path / "run", tiny_checkpoint("base"))
    index = hashlib.sha256((base / "model.safetensors.index.json").read_bytes()).hexdigest()
    write_run(run, replace(read_run(run), base=str(base), base_sha256=index))

    export(run, tmp_path / "kept")
    export(run, tmp_path / "dropped", form("custom", keep_cloning=False))

    for name in ("kept", "dropped"):
        found = Ours(tmp_path / name).talker.state_dict()
        assert all(torch.isfinite(tensor).all() for tensor in found.values())
    assert (base / "b.safetensors").samefile(tmp_path / "kept" / "b.safetensors")
    assert not (tmp_path / "dropped" / "b.safetensors").exists()


def split_in_two(base: Path, directory: Path) -> Path:
    """The speaker encoder in b.safetensors, the rest in a.safetensors."""
    shutil.copytree(base, directory)
    (directory / "model.safetensors").unlink()
    homes = {
        name: "b.safetensors" if name.startswith("speaker_encoder.") else "a.safetensors"
        for name in base_tensors(base)
    }
    for file in ("a.safetensors", "b.safetensors"):
        tensors = {name: t for name, t in base_tensors(base).items() if homes[name] == file}
        save_file(tensors, directory / file)
    index = {"metadata": {"total_size": 1}, "weight_map": homes}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))
    return directory


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_export_leaves_nothing(
    tmp_path: Path,
    fake_run: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    error: type[BaseException],
) -> None:
    run = fake_run()

    def stop(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr("intone.train.exporting.export.model_card", stop)
        with pytest.raises(error):
            export(run, tmp_path / "out")
        assert sorted(os.listdir(tmp_path)) == ["run"]
    assert export(run, tmp_path / "out").directory.is_dir()


def test_an_existing_directory_is_never_filled(
    tmp_path: Path, fake_run: Callable[..., Path]
) -> None:
    run = fake_run()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "empty").mkdir()

    with pytest.raises(OutputError, match="not an empty directory"):
        export(run, tmp_path / "full")
    assert os.listdir(tmp_path / "full") == ["notes.txt"]
    assert export(run, tmp_path / "empty").directory == tmp_path / "empty"


def test_the_base_that_was_trained_is_required(
    tmp_path: Path, fake_run: Callable[..., Path], tiny_checkpoint: TinyCheckpoint
) -> None:
    run = fake_run()
    write_run(run, replace(read_run(run), base=str(tmp_path / "gone")))

    with pytest.raises(RunError, match="gone is not there any more; name where it is with --model"):
        export(run, tmp_path / "out")
    with pytest.raises(RunError, match="is not the checkpoint that this run began with"):
        export(run, tmp_path / "out", ExportOptions(base=tiny_checkpoint("design")))
    moved = ExportOptions(base=tiny_checkpoint("base"))
    assert export(run, tmp_path / "out", moved).form == "custom"


def test_values_that_are_no_numbers_are_not_exported(
    tmp_path: Path, fake_run: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fake_run()
    weights = read_weights(run / "checkpoints" / "step-000100")
    weights.tensors[TRAINED[0]][0, 0] = math.nan  # type: ignore[index]
    checkpoints.write_checkpoint(run, 200, weights, {}, None, {})

    with pytest.raises(CheckpointError, match=r"q_proj.weight holds values that are not finite"):
        export(run, tmp_path / "out", ExportOptions(checkpoint="step-000200"))
    assert export(run, tmp_path / "out").checkpoint == "step-000100"


def test_the_best_checkpoint_is_exported_unless_another_is_named(
    tmp_path: Path, fake_run: Callable[..., Path]
) -> None:
    run = fake_run(losses={100: 2.5, 200: 2.1, 300: 2.4})

    def exported(name: str | None = None) -> ExportReport:
        shutil.rmtree(tmp_path / "out", ignore_errors=True)
        return export(run, tmp_path / "out", ExportOptions(checkpoint=name))

    assert exported().checkpoint == "step-000200"
    assert exported("step-000100").checkpoint == "step-000100"
    (run / "best.json").write_text('{"checkpoint": "step-000300"}')
    assert exported().checkpoint == "step-000300"
    with pytest.raises(RunError, match="it has: step-000100, step-000200, step-000300"):
        exported("step-000400")


def test_the_manifest_and_the_card_tell_how_it_was_made(
    custom: Path, tiny_checkpoint: TinyCheckpoint
) -> None:
    facts = json.loads((custom / "training.json").read_text(encoding="utf-8"))
    card = (custom / "README.md").read_text(encoding="utf-8")

    assert facts["data_sha256"] == "d" * 64
    assert (facts["seed"], facts["step"], facts["validation"]) == (7, 100, {"loss": 2.5})
    assert facts["settings"]["preset"] == "voice"
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["base"] == {
        "name": "tiny-base",
        "kind": "base",
        "size": "tiny",
        "sha256": facts["base"]["sha256"],
    }
    assert facts["presets"] == {"anna": FIRST_ROW}
    assert '--voice anna "Hello."' in card
    assert "| validation loss | 2.5 |" in card
    everything = card + json.dumps(facts)
    assert str(tiny_checkpoint("base").parent) not in everything  # no paths of this machine


def test_the_command_prints_what_it_wrote(
    tmp_path: Path, fake_run: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"

    assert main(["train", "export", str(fake_run()), "--out", str(out)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{out}: custom of step-000100",
        f"voices: anna (row {FIRST_ROW})",
        "changed: 5 tensors, 100.0 % of their values after rounding to the base's type",
        "clones: yes",
        "shared with the base: 8 files",
    ]
    assert main(["train", "export", str(tmp_path), "--out", str(out / "x")]) != 0
    assert "has no run.json" in capsys.readouterr().err

"""Loading: every problem of a checkpoint in one error, and no more of it in memory than needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from intone.core.errors import CheckpointError, UnsupportedModeError
from intone.core.types import ModelKind
from intone.models.checkpoint import Checkpoint, Placement
from intone.models.random_checkpoint import write_random_checkpoint
from intone.models.weights import official_state
from intone.tts import TTS

CPU = torch.device("cpu")


@pytest.fixture
def copy(tiny_checkpoint: Callable[[ModelKind], Path], tmp_path: Path) -> Path:
    """A checkpoint that may be damaged."""
    return Path(shutil.copytree(tiny_checkpoint("custom"), tmp_path / "copy"))


def edit_weights(directory: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(directory / "model.safetensors")
    change(tensors)
    save_file(tensors, directory / "model.safetensors")


def edit_json(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_networks_come_in_the_precision_asked_for(
    tiny_checkpoint: Callable[[ModelKind], Path], dtype: torch.dtype
) -> None:
    checkpoint = Checkpoint(tiny_checkpoint("custom"))
    talker = checkpoint.load_talker(Placement(CPU, dtype))
    assert talker.codec_head.weight.dtype == dtype
    assert checkpoint.load_codec_decoder(CPU).pre_conv.conv.weight.dtype == torch.float32
    assert not talker.codec_head.weight.requires_grad


def test_what_is_read_is_what_was_written(tiny_checkpoint: Callable[[ModelKind], Path]) -> None:
    directory = tiny_checkpoint("base")
    checkpoint = Checkpoint(directory)
    place = Placement(CPU, torch.float32)
    state = {
        **official_state(checkpoint.load_talker(place), "talker."),
        **official_state(checkpoint.load_code_predictor(place), "talker.code_predictor."),
        **official_state(checkpoint.load_speaker_encoder(CPU), "speaker_encoder."),
    }
    written = load_file(directory / "model.safetensors")
    assert state.keys() == written.keys()
    for name, tensor in written.items():
        torch.testing.assert_close(state[name], tensor, rtol=0, atol=0)


def test_shards_load_like_one_file(copy: Path) -> None:
    tensors = load_file(copy / "model.safetensors")
    names = sorted(tensors)
    shards = {"a.safetensors": names[::2], "b.safetensors": names[1::2]}
    for file, part in shards.items():
        save_file({name: tensors[name] for name in part}, copy / file)
    (copy / "model.safetensors").unlink()
    weight_map = {name: file for file, part in shards.items() for name in part}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    with TTS(copy, device="cpu") as tts:
        assert tts.speak("Hello.", seed=1, max_frames=2).finish_reason in ("stop", "length")


def test_the_text_embedding_stays_in_the_file(
    tiny_checkpoint: Callable[[ModelKind], Path],
) -> None:
    talker = Checkpoint(tiny_checkpoint("custom")).load_talker(Placement(CPU, torch.bfloat16))
    assert talker.model.text_embedding.weight.dtype == torch.float32, "not converted: not copied"
    assert talker.embed_text(torch.tensor([1, -1])).dtype == torch.bfloat16


def test_a_preset_take_loads_no_encoder(
    tiny_checkpoint: Callable[[ModelKind], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("an encoder was loaded")

    monkeypatch.setattr(Checkpoint, "load_codec_encoder", refuse)
    monkeypatch.setattr(Checkpoint, "load_speaker_encoder", refuse)
    with TTS(tiny_checkpoint("custom"), device="cpu") as tts:
        tts.speak("Hello.", voice="ryan", seed=1, max_frames=2)


def test_missing_unknown_and_misshaped_tensors_are_named_in_one_error(copy: Path) -> None:
    def damage(tensors: dict[str, torch.Tensor]) -> None:
        del tensors["talker.model.layers.0.self_attn.k_proj.weight"]
        tensors["talker.surprise"] = torch.zeros(1)
        tensors["talker.codec_head.weight"] = torch.zeros(2, 2)

    edit_weights(copy, damage)
    with pytest.raises(CheckpointError) as caught:
        Checkpoint(copy)
    message = str(caught.value)
    assert "1 missing (talker.model.layers.0.self_attn.k_proj.weight)" in message
    assert "1 unknown (talker.surprise)" in message
    assert "talker.codec_head.weight is [2, 2], expected" in message


def test_a_truncated_file_is_named(copy: Path) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=r"model.safetensors is truncated"):
        Checkpoint(copy)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "speech_tokenizer/model.safetensors"]
)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=name.split("/")[-1]):
        Checkpoint(copy)


def test_another_models_directory_is_refused(copy: Path) -> None:
    edit_json(copy / "config.json", model_type="llama")
    with pytest.raises(CheckpointError, match="model_type is 'llama'"):
        Checkpoint(copy)


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a directory"):
        Checkpoint(tmp_path / "nowhere")


def test_a_codec_of_another_checkpoint_is_refused(copy: Path) -> None:
    config = json.loads((copy / "config.json").read_text())
    config["talker_config"]["num_code_groups"] = 8
    edit_json(copy / "config.json", **config)
    with pytest.raises(CheckpointError, match="8 codebooks"):
        Checkpoint(copy)


def test_a_custom_checkpoint_cannot_clone(tiny_checkpoint: Callable[[ModelKind], Path]) -> None:
    with pytest.raises(UnsupportedModeError, match="Base checkpoint"):
        Checkpoint(tiny_checkpoint("custom")).load_speaker_encoder(CPU)


def test_random_checkpoints_are_the_same_everywhere(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_random_checkpoint(tmp_path / name, kind="design", size="tiny", seed=3)
    one, two = (tmp_path / name / "model.safetensors" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


def test_a_custom_checkpoint_with_a_speaker_encoder_clones(tmp_path: Path) -> None:
    base = write_random_checkpoint(tmp_path / "base", kind="base", size="tiny")
    _as_custom(base)

    checkpoint = Checkpoint(base)

    assert checkpoint.config.kind == "custom"
    mel = torch.zeros(1, 40, checkpoint.config.speaker_encoder.mel_dim)
    encoder = checkpoint.load_speaker_encoder(torch.device("cpu"))
    assert encoder(mel).shape == (1, checkpoint.config.talker.hidden_size)


def test_a_custom_checkpoint_may_describe_a_speaker_encoder_it_lacks(tmp_path: Path) -> None:
    """Public fine-tuning scripts write such ones."""
    base = write_random_checkpoint(tmp_path / "base", kind="base", size="tiny")
    _as_custom(base)
    path = base / "model.safetensors"
    tensors = {k: v for k, v in load_file(path).items() if not k.startswith("speaker_encoder.")}
    save_file(tensors, path)

    checkpoint = Checkpoint(base)

    with pytest.raises(UnsupportedModeError, match="has no speaker encoder"):
        checkpoint.load_speaker_encoder(torch.device("cpu"))


def _as_custom(directory: Path) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text())
    config["tts_model_type"] = "custom_voice"
    config["talker_config"] |= {"spk_id": {"nora": 1016}, "spk_is_dialect": {"nora": False}}
    path.write_text(json.dumps(config))

"""Writes the trained parts as one checkpoint in the official layout, 16 bits a weight."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from intone.models.checkpoint import DECODER, PREDICTOR, SPEAKER, TALKER
from intone.models.config import ModelConfig
from intone.models.official_layout import preprocessor_config
from intone.models.weights import official_state
from intone.train.from_scratch.codec_stage import load_front
from intone.train.from_scratch.recipe import codec_json, generation_json
from intone.train.from_scratch.speaker_stage import load_encoder, speaker_json
from intone.train.from_scratch.voice import Voice

_TOKENIZER_FILES = ("vocab.json", "merges.txt", "tokenizer_config.json")


def export(codec: Path, work: Path, out: Path, speakers: Path | None = None) -> int:
    """Writes a checkpoint directory; returns its size in bytes.

    Args:
        codec: state of the codec's stage 2.
        work: the talker stage's directory (config.json, tokenizer, talker.pt).
        out: directory to write; files of the same names are replaced.
        speakers: state of the speaker encoder; without one the checkpoint cannot clone.
    """
    (out / "speech_tokenizer").mkdir(parents=True, exist_ok=True)
    for name in _TOKENIZER_FILES:
        shutil.copyfile(work / name, out / name)
    config = json.loads((work / "config.json").read_text(encoding="utf-8"))
    tensors = _talker_tensors(work)
    if speakers is not None:
        config["speaker_encoder_config"] = speaker_json()
        encoder = official_state(load_encoder(speakers), SPEAKER)
        tensors |= {name: tensor.to(torch.bfloat16) for name, tensor in encoder.items()}
    _write_json(out / "config.json", config)
    _write_json(out / "generation_config.json", generation_json())
    _write_json(out / "preprocessor_config.json", preprocessor_config())
    _write_json(out / "speech_tokenizer" / "config.json", codec_json())
    _write_json(out / "speech_tokenizer" / "preprocessor_config.json", preprocessor_config())
    _save(tensors, out / "model.safetensors")
    _save(_codec_tensors(codec), out / "speech_tokenizer" / "model.safetensors")
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def _talker_tensors(work: Path) -> dict[str, Tensor]:
    config = ModelConfig.from_dict(json.loads((work / "config.json").read_text(encoding="utf-8")))
    voice = Voice(config, dropout=0.0)
    weights = torch.load(work / "talker.pt", weights_only=True)["average"]
    voice.load_state_dict(weights)
    tensors = official_state(voice.talker, TALKER) | official_state(voice.predictor, PREDICTOR)
    return {name: tensor.to(torch.bfloat16) for name, tensor in tensors.items()}


def _codec_tensors(codec: Path) -> dict[str, Tensor]:
    tensors = official_state(load_front(codec).decoder, DECODER)
    return {name: tensor.to(torch.float16) for name, tensor in tensors.items()}


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    kept = {name: tensor.detach().contiguous() for name, tensor in tensors.items()}
    save_file(kept, path, metadata={"format": "pt"})
    path.chmod(0o644)


def _write_json(path: Path, data: object) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """python -m intone.train.from_scratch.export CODEC WORK OUT"""
    parser = argparse.ArgumentParser(description="Write the built-in voice's checkpoint.")
    parser.add_argument("codec", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--speakers", type=Path, default=None, help="the speaker encoder's state")
    args = parser.parse_args()
    size = export(args.codec, args.work, args.out, args.speakers)
    print(f"{args.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

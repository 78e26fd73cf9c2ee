"""Floors of a device: the work of the released sizes, over rates that are told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from intone.bench.gpu.floors import DeviceFloors, DeviceWork
from intone.bench.gpu.rates import DeviceRates
from intone.models.official_layout import RandomSize, codec_config, model_config

TOKEN_IDS = dict.fromkeys(
    ("<|im_start|>", "<|im_end|>", "assistant", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>"), 1
)
RATES = DeviceRates(copy_gb_s=4300.0, multiply_tflop_s=400.0, codec_tflop_s=100.0, dtype="bfloat16")


def work_of(root: Path, size: RandomSize) -> DeviceWork:
    (root / "speech_tokenizer").mkdir()
    config = json.dumps(model_config("custom", size, TOKEN_IDS, 151_936))
    (root / "config.json").write_text(config, encoding="utf-8")
    codec = json.dumps(codec_config(size))
    (root / "speech_tokenizer/config.json").write_text(codec, encoding="utf-8")
    return DeviceWork.of(root, "bfloat16")


@pytest.mark.parametrize(("size", "gigabytes", "ms"), [("0.6b", 3.31, 0.77), ("1.7b", 5.25, 1.22)])
def test_a_frame_of_one_stream_reads_the_known_bytes(
    size: RandomSize, gigabytes: float, ms: float, tmp_path: Path
) -> None:
    work = work_of(tmp_path, size)
    assert work.weight_bytes / 1e9 == pytest.approx(gigabytes, abs=0.008)
    floors = DeviceFloors.of(work, RATES, num_streams=1, positions=0)
    assert floors.code_predictor_ms + floors.talker_ms == pytest.approx(ms, abs=0.005)


def test_a_row_of_the_talkers_cache_is_112_kib(tmp_path: Path) -> None:
    assert work_of(tmp_path, "1.7b").kv_bytes_per_position == 112 * 1024


def test_many_streams_share_the_weights_and_add_their_caches(tmp_path: Path) -> None:
    work = work_of(tmp_path, "1.7b")
    slow = DeviceRates(copy_gb_s=4300.0, multiply_tflop_s=1e9, codec_tflop_s=1e9, dtype="bfloat16")
    floors = DeviceFloors.of(work, slow, num_streams=64, positions=200)
    assert floors.frame_ms == pytest.approx(1.56, abs=0.01)


def test_arithmetic_bounds_what_memory_does_not(tmp_path: Path) -> None:
    work = work_of(tmp_path, "1.7b")
    wide = DeviceRates(copy_gb_s=1e9, multiply_tflop_s=400.0, codec_tflop_s=1e9, dtype="bfloat16")
    floors = DeviceFloors.of(work, wide, num_streams=64, positions=200)
    flop = floors.frame_ms * 400e9  # ms at 400 TFLOP/s
    attention = 64 * 200 * work.attention_flop_per_position
    assert (flop - attention) / 1e9 == pytest.approx(336, abs=1)  # 2 x 2.63 G weights x 64
    assert floors.codec_ms == pytest.approx(0, abs=1e-3)


def test_a_codec_that_takes_longer_bounds_the_frame(tmp_path: Path) -> None:
    work = work_of(tmp_path, "1.7b")
    floors = DeviceFloors.of(work, RATES, num_streams=64, positions=200)
    assert floors.codec_ms == pytest.approx(64 * 4.96 / 100, abs=0.01)
    assert floors.frame_ms == floors.codec_ms


def test_rates_are_measured_on_the_device() -> None:
    rates = DeviceRates.measured(torch.device("cpu"), torch.float32)
    assert rates.dtype == "float32"
    assert min(rates.copy_gb_s, rates.multiply_tflop_s, rates.codec_tflop_s) > 0

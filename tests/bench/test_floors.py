"""What a frame asks of a machine, counted by hand for small networks, and what that takes."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from intone.bench.floors import (
    Floors,
    FrameWork,
    code_predictor_weights,
    codec_flop,
    talker_weights,
)
from intone.bench.rates import Rates
from intone.core.errors import BenchError, InvalidSettingError
from intone.models.codec.config import CodecDecoderConfig, CodecTransformerConfig
from intone.models.config import CodePredictorConfig, ModelConfig, TransformerConfig
from intone.models.official_layout import codec_config, model_config

TOKEN_IDS = dict.fromkeys(
    (
        "<|im_start|>",
        "<|im_end|>",
        "assistant",
        "<tts_pad>",
        "<tts_text_bos>",
        "<tts_text_eod>",
    ),
    1,
)
BLOCK = TransformerConfig(
    hidden_size=4,
    intermediate_size=8,
    num_layers=2,
    num_heads=2,
    num_kv_heads=1,
    head_dim=2,
    rms_norm_eps=1e-6,
    rope_theta=1e4,
)
CODEC = CodecDecoderConfig(
    transformer=CodecTransformerConfig(
        hidden_size=2,
        intermediate_size=4,
        num_layers=1,
        num_heads=1,
        num_kv_heads=1,
        head_dim=2,
        has_attention_bias=False,
        norm_eps=1e-5,
        rope_theta=1e4,
        layer_scale_init=0.01,
    ),
    window_frames=5,
    num_codebooks=4,
    codebook_size=8,
    codebook_dim=4,
    latent_dim=4,
    decoder_dim=8,
    frame_upsampling=(2,),
    wave_upsampling=(3,),
)
RATES = Rates(
    num_threads=2,
    read_1_gb_s=20.0,
    read_all_gb_s=40.0,
    read_small_pages_all_gb_s=30.0,
    multiply_1_gflop_s=100.0,
    multiply_all_gflop_s=200.0,
)
WORK = FrameWork(
    talker_weights=400_000_000, code_predictor_weights=1_200_000_000, codec_flop=5_000_000_000
)


@pytest.fixture
def small_model() -> ModelConfig:
    model = ModelConfig.from_dict(model_config("custom", "tiny", TOKEN_IDS, 64))
    return replace(
        model,
        talker=replace(model.talker, block=BLOCK, vocab_size=10),
        code_predictor=CodePredictorConfig(
            block=BLOCK, vocab_size=6, num_codebooks=4, input_size=4
        ),
    )


def test_the_talker_reads_its_blocks_and_one_head_once(small_model: ModelConfig) -> None:
    queries_keys_values, output, gate_up_down = (2 + 1 + 1) * 2 * 4, 2 * 2 * 4, 3 * 4 * 8
    per_block = queries_keys_values + output + gate_up_down
    assert talker_weights(small_model) == 2 * per_block + 4 * 10


def test_the_code_predictor_reads_its_blocks_once_a_codebook(small_model: ModelConfig) -> None:
    assert code_predictor_weights(small_model) == 3 * (288 + 4 * 6)
    wider = replace(small_model.code_predictor, input_size=8)  # then it has a projection
    assert code_predictor_weights(replace(small_model, code_predictor=wider)) == 3 * (312 + 32)


def test_codec_products_are_those_counted_by_hand() -> None:
    quantizer_and_first = 2 * 2 * 4 + 3 * 4 * 4
    transformer = 4 * 2 * 2 + 3 * 2 * 4 + 2 * 5 * 2 + 2 * 4 * 2
    upsampling = 4 * 4 * 2 + 2 * (7 * 4 + 8 * 4 * 4)
    waveform = 2 * 7 * 4 * 8 + 2 * 8 * 4 * 6 + 3 * 6 * 8 * 4 * 4 + 6 * 7 * 4
    total = quantizer_and_first + transformer + upsampling + waveform
    assert codec_flop(CODEC) == 2 * total


def test_the_released_sizes_have_the_known_work(tmp_path: Path) -> None:
    (tmp_path / "speech_tokenizer").mkdir()
    official = json.dumps(model_config("custom", "0.6b", TOKEN_IDS, 151_936))
    (tmp_path / "config.json").write_text(official)
    (tmp_path / "speech_tokenizer/config.json").write_text(json.dumps(codec_config("0.6b")))
    work = FrameWork.of(tmp_path)
    assert work.talker_weights == pytest.approx(443.5e6, rel=1e-3)
    assert work.code_predictor_weights == pytest.approx(1.211e9, rel=1e-3)
    assert work.codec_flop == pytest.approx(4.96e9, rel=1e-3)


def test_floors_are_bytes_over_bandwidth_and_work_over_rate() -> None:
    floors = Floors.of(WORK, RATES, "int8")
    assert floors.talker_ms == pytest.approx(10.0)
    assert floors.code_predictor_ms == pytest.approx(30.0)
    assert floors.codec_ms == pytest.approx(25.0)
    assert floors.rtf == pytest.approx(80 / 40)
    assert Floors.of(WORK, RATES, "fp32").talker_ms == pytest.approx(40.0)


def test_the_slower_of_memory_and_arithmetic_bounds_a_frame() -> None:
    assert Floors.of(WORK, RATES, "int4").frame_ms == pytest.approx(25.0)


def test_streams_share_one_pass_over_the_weights() -> None:
    floors = Floors.of(WORK, RATES, "int8", num_streams=4)
    assert floors.talker_ms == pytest.approx(2.5)
    assert floors.codec_ms == pytest.approx(25.0)


def test_an_unknown_precision_has_no_floor() -> None:
    with pytest.raises(InvalidSettingError, match="'int2'; known: fp32"):
        Floors.of(WORK, RATES, "int2")


def test_the_best_of_two_measurements_counts() -> None:
    other = replace(RATES, read_1_gb_s=25.0, multiply_all_gflop_s=150.0)
    best = RATES.best(other)
    assert (best.read_1_gb_s, best.multiply_all_gflop_s) == (25.0, 200.0)


def test_rates_are_measured_in_a_process_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = json.dumps({name: 1.0 for name in Rates.__dataclass_fields__})
    code, printed = 0, fields

    def run(command: list[str], **settings: Any) -> subprocess.CompletedProcess[str]:
        assert settings["env"]["OPENBLAS_NUM_THREADS"] == "1"
        assert command[-1] == "2"
        return subprocess.CompletedProcess(command, code, printed, "no memory")

    monkeypatch.setattr(subprocess, "run", run)
    assert Rates.measured(2).read_1_gb_s == 1.0
    code = 1
    with pytest.raises(BenchError, match="no memory; measure without floors"):
        Rates.measured(2)


@pytest.mark.slow
def test_this_machine_reads_and_multiplies() -> None:
    rates = Rates.measured(1)
    assert rates.read_all_gb_s > 1.0
    assert rates.multiply_1_gflop_s > 1.0

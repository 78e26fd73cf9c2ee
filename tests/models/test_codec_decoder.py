"""A stream is the whole take, however it is cut; streams do not know of each other."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models.codec_golden import read_golden
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from intone.models.codec.config import CodecConfig, CodecDecoderConfig
from intone.models.codec.decoder import CodecDecoder
from intone.models.codec.snake import SnakeBeta
from intone.models.codec.state import CodecState

TOLERANCE = 1e-5
WINDOW = 5
NUM_FRAMES = 24
"""Nearly five windows: what is kept of the oldest frames is overwritten several times."""


def _config(**changes: int) -> CodecDecoderConfig:
    config = CodecConfig.from_dict(read_golden("codec_decoder").config).decoder
    return replace(config, window_frames=WINDOW, **changes)


def _decoder() -> CodecDecoder:
    decoder = CodecDecoder(_config())
    read_golden("codec_decoder").load_into(decoder)
    return decoder


DECODER = _decoder()
CODES = read_golden("codec_decoder").data["codes"].long()[..., :NUM_FRAMES]
with torch.no_grad():
    WHOLE = DECODER(CODES)


def _stream(codes: Tensor, cuts: list[int], state: CodecState | None = None) -> Tensor:
    state = state or DECODER.new_state(batch=len(codes))
    chunks = codes.split(cuts, dim=-1)
    return torch.cat([DECODER.step(chunk, state) for chunk in chunks], dim=-1)


def _assert_same(a: Tensor, b: Tensor) -> None:
    assert a.shape == b.shape
    assert (a - b).abs().max() < TOLERANCE


def test_a_take_has_1920_samples_a_frame() -> None:
    assert WHOLE.shape == (2, NUM_FRAMES * 1920)


@pytest.mark.parametrize("chunk_frames", [1, 2, 3, WINDOW - 1, WINDOW, WINDOW + 1, NUM_FRAMES])
def test_streaming_in_even_chunks_gives_the_whole_take(chunk_frames: int) -> None:
    cuts = [len(part) for part in torch.arange(NUM_FRAMES).split(chunk_frames)]
    _assert_same(_stream(CODES, cuts), WHOLE)


@settings(max_examples=8, deadline=None)
@given(st.sets(st.integers(1, NUM_FRAMES - 1)))
def test_streaming_in_any_chunks_gives_the_whole_take(edges: set[int]) -> None:
    bounds = [0, *sorted(edges), NUM_FRAMES]
    cuts = [end - start for start, end in zip(bounds, bounds[1:], strict=False)]
    _assert_same(_stream(CODES[:1], cuts), WHOLE[:1])


def test_a_long_stream_stays_exact() -> None:
    codes = CODES[:1].repeat(1, 1, 14)
    with torch.no_grad():
        whole = DECODER(codes)
    assert codes.shape[-1] > 300
    _assert_same(_stream(codes, [codes.shape[-1] - 320, *[20] * 16]), whole)


def test_what_is_to_come_changes_nothing_before() -> None:
    changed = CODES.clone()
    changed[..., 10:] = 0
    with torch.no_grad():
        _assert_same(DECODER(changed)[:, : 10 * 1920], WHOLE[:, : 10 * 1920])


def test_the_state_keeps_its_size_and_its_place() -> None:
    state = DECODER.new_state(batch=2)
    before = [(tensor.data_ptr(), tensor.shape) for tensor in state.tensors()]
    _stream(CODES, [1, 7, NUM_FRAMES - 8], state)
    assert [(tensor.data_ptr(), tensor.shape) for tensor in state.tensors()] == before
    assert state.position.tolist() == [NUM_FRAMES, NUM_FRAMES]


def test_two_streams_do_not_know_of_each_other() -> None:
    first, second = DECODER.new_state(), DECODER.new_state()
    outputs: list[list[Tensor]] = [[], []]
    for f in range(0, NUM_FRAMES, 4):
        outputs[0].append(DECODER.step(CODES[:1, :, f : f + 4], first))
        outputs[1].append(DECODER.step(CODES[1:, :, f : f + 4], second))
    _assert_same(torch.cat([torch.cat(parts, dim=-1) for parts in outputs]), WHOLE)


def test_a_reset_state_starts_afresh() -> None:
    with torch.inference_mode():
        state = DECODER.new_state(batch=2)
    _stream(CODES, [NUM_FRAMES], state)
    state.reset()
    _assert_same(_stream(CODES, [3, NUM_FRAMES - 3], state), WHOLE)


def test_rows_of_one_batch_may_stand_at_different_frames() -> None:
    state = DECODER.new_state(batch=2)
    DECODER.step(CODES[:, :, :7], state)
    state.reset(row=1)
    both = torch.stack((CODES[0, :, 7:], CODES[1, :, : NUM_FRAMES - 7]))
    rest = DECODER.step(both, state)
    _assert_same(rest[0], WHOLE[0, 7 * 1920 :])
    _assert_same(rest[1], WHOLE[1, : -7 * 1920])


def test_a_stream_can_move_into_a_batch() -> None:
    single, batch = DECODER.new_state(), DECODER.new_state(batch=2)
    DECODER.step(CODES[1:, :, :9], single)
    DECODER.step(CODES[:, :, :4], batch)
    batch.copy_row(0, single)
    _assert_same(DECODER.step(CODES[[1, 0], :, 9:], batch)[0], WHOLE[1, 9 * 1920 :])


def test_packing_changes_nothing_but_the_layout() -> None:
    packed = copy.deepcopy(DECODER)
    packed.pack()
    weight = packed.pre_conv.conv.weight
    assert weight.stride() != DECODER.pre_conv.conv.weight.stride()
    torch.testing.assert_close(packed.state_dict(), DECODER.state_dict(), rtol=0.0, atol=0.0)
    state = packed.new_state(batch=2)
    parts = [packed.step(part, state) for part in CODES.split(7, dim=-1)]
    _assert_same(torch.cat(parts, dim=-1), WHOLE)
    with torch.no_grad():
        _assert_same(packed(CODES), WHOLE)


def test_folding_changes_no_bit() -> None:
    folded = copy.deepcopy(DECODER)
    with torch.no_grad():
        for name, weight in folded.named_parameters():
            if name.endswith(("alpha", "beta", "cluster_usage")):
                weight.uniform_(0.5, 1.5)
    plain = copy.deepcopy(folded)
    folded.fold()
    assert folded.state_dict().keys() == plain.state_dict().keys()
    with torch.no_grad():
        torch.testing.assert_close(folded(CODES), plain(CODES), rtol=0.0, atol=0.0)


class _CountExp(TorchDispatchMode):
    """Counts exponentials, of which Snake computes two each time unless folded, and lookups."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func.overloadpacket in (torch.ops.aten.exp, torch.ops.aten.embedding)
        return func(*args, **(kwargs or {}))


def test_folding_leaves_a_step_only_what_depends_on_its_codes() -> None:
    folded = copy.deepcopy(DECODER)
    folded.fold()
    with _CountExp() as counted:
        folded.step(CODES[:, :, :2], folded.new_state(batch=2))
    assert counted.count == 2, "one lookup for the first codebook, one for the rest"


def test_a_packed_decoder_still_learns() -> None:
    plain, packed = copy.deepcopy(DECODER), copy.deepcopy(DECODER)
    packed.pack()
    for decoder in (plain, packed):
        decoder(CODES[:1, :, :4]).square().sum().backward()
    for (name, a), b in zip(plain.named_parameters(), packed.parameters(), strict=True):
        if a.grad is not None:
            torch.testing.assert_close(b.grad, a.grad, rtol=1e-3, atol=1e-4, msg=name)


def test_codes_of_another_number_of_codebooks_are_refused() -> None:
    with pytest.raises(ValueError, match="codes have 7 codebooks; this codec has 8"):
        DECODER(CODES[:, :7])


def test_sixteen_bit_weights_take_sixteen_bit_state() -> None:
    decoder = copy.deepcopy(DECODER).to(torch.bfloat16)
    state = decoder.new_state()
    samples = decoder.step(CODES[:1, :, :3], state)
    assert samples.dtype == state.histories[0].dtype == torch.bfloat16
    assert samples.isfinite().all()


def test_every_weight_that_decoding_uses_gets_a_gradient() -> None:
    decoder = copy.deepcopy(DECODER).train()
    decoder(CODES[:1, :, :8]).square().sum().backward()
    without = {name for name, p in decoder.named_parameters() if p.grad is None}
    assert without == {
        "quantizer.rvq_first.input_proj.weight",
        "quantizer.rvq_rest.input_proj.weight",
    }
    assert all(p.grad.isfinite().all() for p in decoder.parameters() if p.grad is not None)


def test_gradients_of_a_whole_take_follow_the_loss() -> None:
    decoder = copy.deepcopy(DECODER).train().double()
    weight = decoder.pre_conv.conv.weight
    loss = decoder(CODES[:1, :, :6]).square().sum()
    (gradient,) = torch.autograd.grad(loss, weight)
    direction = torch.randn_like(weight)
    with torch.no_grad():
        weight += 1e-6 * direction
        above = decoder(CODES[:1, :, :6]).square().sum()
        weight -= 2e-6 * direction
        below = decoder(CODES[:1, :, :6]).square().sum()
    slope = (above - below) / 2e-6
    torch.testing.assert_close((gradient * direction).sum(), slope, rtol=1e-4, atol=1e-4)


def test_snakes_gradients_are_those_of_its_formula() -> None:
    snake = SnakeBeta(3).double()
    torch.nn.init.normal_(snake.alpha, 0.0, 0.5)
    torch.nn.init.normal_(snake.beta, 0.0, 0.5)
    x = torch.randn(2, 3, 5, dtype=torch.float64, requires_grad=True)
    inputs = (x, snake.alpha, snake.beta)

    def formula(x: Tensor, alpha: Tensor, beta: Tensor) -> Tensor:
        sine = torch.sin(x * alpha.exp()[:, None])
        return x + sine**2 / (beta.exp()[:, None] + 1e-9)

    upstream = torch.randn(2, 3, 5, dtype=torch.float64)
    torch.testing.assert_close(snake(x), formula(*inputs))
    ours = torch.autograd.grad(snake(x), inputs, upstream)
    torch.testing.assert_close(ours, torch.autograd.grad(formula(*inputs), inputs, upstream))


def test_equal_heads_need_no_sharing() -> None:
    config = _config()
    heads = replace(config.transformer, num_kv_heads=config.transformer.num_heads)
    decoder = CodecDecoder(replace(config, transformer=heads)).eval()
    codes = CODES[:1, :, :9]
    state = decoder.new_state()
    with torch.no_grad():
        _assert_same(
            torch.cat([decoder.step(part, state) for part in codes.split(4, -1)], -1),
            decoder(codes),
        )

"""Which attention a device gets, and what is said where it is not the fast one."""

from __future__ import annotations

import logging
import sys

import pytest
import torch
from tests.runtime.paged.scenes import Case

from intone.runtime.job import PageLayout
from intone.runtime.paged.cache import PagedCache
from intone.runtime.paged.decoding import RowAttention, kernel_or_reference, row_attention
from intone.runtime.paged.reference import GatheredRows

CPU = torch.device("cpu")


def _cache(head_dim: int = 16) -> PagedCache:
    block = Case(positions=(), head_dim=head_dim).block
    return PagedCache(block, PageLayout(2, 16), CPU, torch.float32)


def _chosen_as_on_cuda(cache: PagedCache) -> RowAttention:
    return kernel_or_reference(cache, num_heads=4, max_rows=1, max_pages=2)


def test_a_cpu_takes_the_reference_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    chosen = row_attention(_cache(), num_heads=4, max_rows=1, max_pages=2)
    assert isinstance(chosen, GatheredRows)
    assert caplog.records == []


def test_without_triton_the_reference_is_taken_and_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, "intone.runtime.paged.kernel", raising=False)
    monkeypatch.setitem(sys.modules, "triton", None)
    with caplog.at_level(logging.WARNING, "intone"):
        assert isinstance(_chosen_as_on_cuda(_cache()), GatheredRows)
    (record,) = caplog.records
    assert "without Triton" in record.getMessage()


def test_a_device_that_cannot_run_the_kernel_gets_the_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("triton")
    if torch.cuda.is_available():
        pytest.skip("this machine can run it")
    with caplog.at_level(logging.WARNING, "intone"):
        assert isinstance(_chosen_as_on_cuda(_cache()), GatheredRows)
    (record,) = caplog.records
    assert "without its kernel" in record.getMessage()


def test_heads_that_the_kernel_does_not_know_get_the_reference(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pytest.importorskip("triton")
    with caplog.at_level(logging.WARNING, "intone"):
        assert isinstance(_chosen_as_on_cuda(_cache(head_dim=24)), GatheredRows)
    (record,) = caplog.records
    assert "heads of 24; it knows 16, 32, 64, 128, 256" in record.getMessage()


def test_a_batch_that_the_kernel_has_no_room_for_is_refused() -> None:
    pytest.importorskip("triton")
    from intone.runtime.paged.kernel import KernelRows

    cache = _cache()
    kernel = KernelRows(cache, num_heads=4, max_rows=1, max_pages=2)
    q, tables = torch.zeros(2, 4, 16), torch.zeros(2, 2, dtype=torch.int32)
    positions = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(ValueError, match="2 rows of 1 splits; there is room for 1 rows"):
        kernel(q, q[:, :2], q[:, :2], cache.keys[0], cache.values[0], tables, positions)

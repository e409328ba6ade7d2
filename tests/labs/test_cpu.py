"""The set-up for CPUs: products stay products of float32."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from labs import cpu


@pytest.fixture(autouse=True)
def precision_as_before() -> Iterator[None]:
    before = torch.get_float32_matmul_precision()
    yield
    torch.set_float32_matmul_precision(before)
    cpu._onednn_is_exact.cache_clear()


def test_products_are_exact_after_the_set_up_whatever_the_processor() -> None:
    cpu.prepare_for("cpu")
    assert all(cpu._exact(*shape) for shape in cpu.SHAPES)


def test_another_device_gets_full_precision_after_a_cpu() -> None:
    cpu.prepare_for("cpu")
    cpu.prepare_for("cuda")
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_processor_that_would_round_keeps_full_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu._onednn_is_exact.cache_clear()
    multiply = torch.bmm

    def rounded(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        if a.dtype == torch.float32 and torch.get_float32_matmul_precision() == "medium":
            return multiply(a.bfloat16().float(), b.bfloat16().float())
        return multiply(a, b)

    monkeypatch.setattr(torch, "bmm", rounded)
    cpu.prepare_for("cpu")
    assert torch.get_float32_matmul_precision() == "highest"

"""What a process that trains on a CPU sets up once: memory that stays, and the faster of two matrix products."""

from __future__ import annotations

import ctypes
import functools

import torch

EXACT = 1e-6  # relative error of a product in float32; bfloat16 would err by 4e-3
SHAPES = (
    (2, 128, 64, 64),
    (2, 64, 128, 10),
    (3, 10, 128, 64),
    (2, 33, 65, 17),
)  # batch, rows, inner, columns


def prepare_for(device: torch.device | str) -> None:
    """Sets the process up for work on this device; cheap after the first time.

    On another device than a CPU, products are what torch's own default makes them: there "medium" would mean
    TF32, whose rounding is seen in curves.
    """
    on_cpu = (device.split(":")[0] if isinstance(device, str) else device.type) == "cpu"
    if on_cpu:
        _keep_freed_memory()
    torch.set_float32_matmul_precision("medium" if on_cpu and _onednn_is_exact() else "highest")


@functools.cache
def _keep_freed_memory() -> None:
    """Asks glibc to reuse freed blocks instead of returning them: batched activations are megabytes each, and
    fresh pages for every one of them cost up to nine tenths of an evaluation. Elsewhere nothing happens.
    """
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
    mallopt(-1, 2**30)  # M_TRIM_THRESHOLD


@functools.cache
def _onednn_is_exact() -> bool:
    """Whether batched products may go through oneDNN with nothing changed but their speed.

    torch multiplies float32 by MKL unless lower precision is allowed, and MKL is slower on AMD (by 1.2 to 2.4
    times where it was measured). Allowed to use bfloat16, oneDNN still computes in float32 on a processor
    without matrix units for bfloat16; with them it would round. So it is tried.
    """
    torch.set_float32_matmul_precision("medium")
    return all(_exact(*shape) for shape in SHAPES)


def _exact(batch: int, rows: int, inner: int, columns: int) -> bool:
    """Whether torch.bmm and torch.mm err by no more than float32 does."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(batch, rows, inner, generator=generator)
    b = torch.randn(batch, inner, columns, generator=generator)
    truth = torch.bmm(a.double(), b.double())
    scale = truth.abs().max()
    one = (a[0] @ b[0]).double() - truth[0]
    return bool(
        ((torch.bmm(a, b).double() - truth).abs().max() / scale) < EXACT and one.abs().max() / scale < EXACT
    )

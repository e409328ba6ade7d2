"""A load for benchmarks: a convolution keeps every thread busy, and four series move twenty times a second.

Data     random images; nothing is learned
Arms     one for each of two noise levels
Metric   four smooth series, so that every redraw has something new to show
Cost     as many threads as TORCHPROOF_THREADS allows, for `seconds`
"""

import math
import time
from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional as F

from labs.report import Outcome, Point

ARMS = ("calm", "rough")


def experiment(
    seeds: Sequence[int], device: torch.device, *, seconds: float = 60.0
) -> Iterator[Point | Outcome]:
    images = torch.randn(64, 16, 16, 16, device=device)  # (B, C, H, W)
    kernels = torch.randn(16, 16, 3, 3, device=device)
    draw = torch.Generator().manual_seed(seeds[0])
    ticks, began = int(seconds * 20), time.monotonic()
    for tick in range(ticks):
        while time.monotonic() < began + tick / 20:
            F.conv2d(images, kernels, padding=1)
        noise = torch.randn(len(seeds), 8, generator=draw)
        wave = [math.sin(tick / 40 + phase) for phase in range(4)]
        yield Point(
            tick,
            ticks,
            {
                f"stream_{n}": {
                    arm: wave[n] + (0.02, 0.3)[a] * noise[:, 2 * n + a] for a, arm in enumerate(ARMS)
                }
                for n in range(4)
            },
        )
    yield Outcome({"height": {arm: torch.full((len(seeds),), float(a)) for a, arm in enumerate(ARMS)}})

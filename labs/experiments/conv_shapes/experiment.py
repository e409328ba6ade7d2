"""Which shape goes into a Conv2d, and which comes out?

Data     legal settings of a Conv2d drawn by the seed (size, kernel, stride, padding, dilation, groups);
         images of noise with the channels in the second place (N, C, H, W) or in the last (N, H, W, C)
Arms     three formulas for the output size; a layer with and without the defaults written out;
         padding="same" with stride 1 and 2; images with the channels last, 3 of them or as many as rows;
         channels_last memory
Metric   settings whose output has the size that the formula says; layers that agree bit by bit; inputs
         refused; relative error of the output
Cost     settings x seeds convolutions of a small image; nothing is trained
"""

import random
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.report import Outcome, Point

FORMULAS: dict[
    str, Callable[[int, int, int, int, int], int]
] = {  # of size, kernel, stride, padding, dilation
    "formula": lambda h, k, s, p, d: (h + 2 * p - d * (k - 1) - 1) // s + 1,
    "no_dilation": lambda h, k, s, p, d: (h + 2 * p - k) // s + 1,
    "rounded_up": lambda h, k, s, p, d: -((h + 2 * p - d * (k - 1) - 1) // -s) + 1,
}


def setting(draw: random.Random) -> tuple[int, int, int, int, int, int]:
    """size, kernel, stride, padding, dilation, groups; the kernel fits into the padded image."""
    while True:
        size, kernel, stride = draw.randint(4, 40), draw.randint(1, 7), draw.randint(1, 4)
        padding, dilation, groups = draw.randint(0, 4), draw.randint(1, 3), draw.choice((1, 2, 4))
        if size + 2 * padding > dilation * (kernel - 1):
            return size, kernel, stride, padding, dilation, groups


def refuses(layer: Callable[[Tensor], Tensor], x: Tensor) -> float:
    """1 when building or calling raises an error, else 0."""
    try:
        layer(x)
    except (RuntimeError, ValueError):
        return 1.0
    return 0.0


@torch.no_grad()
def experiment(
    seeds: Sequence[int], device: torch.device, *, settings: int = 400
) -> Iterator[Point | Outcome]:
    draws = [random.Random(seed) for seed in seeds]
    right = {arm: [0] * len(seeds) for arm in FORMULAS}
    for done in range(1, settings + 1):
        for member, draw in enumerate(draws):
            size, kernel, stride, padding, dilation, groups = setting(draw)
            conv = nn.Conv2d(4, 4, kernel, stride, padding, dilation, groups, device=device)
            true = conv(torch.zeros(1, 4, size, size, device=device)).shape[2]
            for arm, formula in FORMULAS.items():
                right[arm][member] += formula(size, kernel, stride, padding, dilation) == true
        if done % max(1, settings // 80) == 0 or done == settings:
            yield Point(
                done,
                settings,
                {"right": {arm: [100 * n / done for n in counts] for arm, counts in right.items()}},
            )

    values: dict[str, dict[str, list[float]]] = {}

    def note(outcome: str, arm: str, value: float) -> None:
        values.setdefault(outcome, {}).setdefault(arm, []).append(float(value))

    for seed in seeds:
        torch.manual_seed(seed)
        plain = nn.Conv2d(8, 4, 3).to(device)
        torch.manual_seed(seed)
        written = nn.Conv2d(8, 4, 3, stride=1, padding=0, dilation=1, groups=1, bias=True).to(device)
        x = torch.randn(16, 8, 8, 8).to(device)  # N, C, H, W with C = H = W
        y = plain(x)
        note("agrees", "defaults", torch.equal(y, written(x)))
        note("refused", "same_stride_1", refuses(lambda x: nn.Conv2d(8, 4, 3, 1, "same").to(x)(x), x))
        note("refused", "same_stride_2", refuses(lambda x: nn.Conv2d(8, 4, 3, 2, "same").to(x)(x), x))

        rgb = torch.randn(16, 3, 32, 32).to(device)
        first = nn.Conv2d(3, 8, 3).to(device)
        note("refused", "last_of_3", refuses(first, rgb.permute(0, 2, 3, 1)))
        last = x.permute(0, 2, 3, 1)  # the same images, N, H, W, C
        note("refused", "last_of_8", refuses(plain, last))
        note("relative_error", "last_of_8", (plain(last) - y).norm() / y.norm())
        stored = rgb.to(memory_format=torch.channels_last)
        note("channels_axis", "memory_format", list(stored.shape).index(3))
        note("relative_error", "memory_format", (first(stored) - first(rgb)).norm() / first(rgb).norm())
    yield Outcome(
        {"right": {arm: [100 * n / settings for n in counts] for arm, counts in right.items()}, **values}
    )

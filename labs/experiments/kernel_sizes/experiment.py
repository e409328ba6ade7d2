"""Why are kernels usually odd? What padding="same" does to a picture, layer by layer.

Data     one digit drawn by the seed, in the middle of an empty canvas
Arms     stacks of convolutions with padding="same" and kernels of side 2, 3, 4 or 5; the kernels are blurs
         that favour no direction (symmetric, positive, drawn by the seed, sum 1)
Metric   how far the picture's centre of mass has moved along each axis, in pixels
Cost     per seed 4 x layers convolutions of one image; nothing is trained
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows
from labs.report import Outcome, Point

SIDES = {"k2": 2, "k3": 3, "k4": 4, "k5": 5}


def blur(side: int, generator: torch.Generator) -> nn.Conv2d:
    layer = nn.Conv2d(1, 1, side, padding="same", bias=False, dtype=torch.float64)
    kernel = torch.rand(side, side, generator=generator, dtype=torch.float64)
    kernel = kernel + kernel.flip(0)
    kernel = kernel + kernel.flip(1)
    layer.weight.data = (kernel / kernel.sum()).expand(1, 1, side, side)
    return layer


def centre(picture: Tensor) -> Tensor:
    """Of mass: (row, column). picture: (1, height, width), no negative entries."""
    mass = picture[0] / picture.sum()
    rows, columns = (torch.arange(size, dtype=mass.dtype) for size in mass.shape)
    return torch.stack([mass.sum(1) @ rows, mass.sum(0) @ columns])


@torch.no_grad()
def experiment(seeds: Sequence[int], device: torch.device, *, layers: int = 8) -> Iterator[Point | Outcome]:
    del device  # single images of a few kilobytes: a GPU would only wait
    data = digits(dtype=torch.float64)
    rows = held_out_rows()
    around = 2 * layers + 2  # even 5x5 kernels spread nothing over the border
    start, now, generators = {}, {}, {}
    for seed in seeds:
        picture = nn.functional.pad(data.images[rows[seed % len(rows)]], [around] * 4)
        for arm in SIDES:
            start[arm, seed], now[arm, seed] = centre(picture), picture
            generators[arm, seed] = torch.Generator().manual_seed(seed)

    for layer in range(layers + 1):
        if layer:
            for (arm, seed), picture in now.items():
                now[arm, seed] = blur(SIDES[arm], generators[arm, seed])(picture)
        moved = {
            arm: [(centre(now[arm, seed]) - start[arm, seed]).abs().tolist() for seed in seeds]
            for arm in SIDES
        }
        yield Point(layer, layers, {"drift": {arm: [max(axes) for axes in moved[arm]] for arm in SIDES}})

    yield Outcome(
        {
            "drift": {arm: [max(axes) for axes in moved[arm]] for arm in SIDES},
            "drift_a_layer": {arm: [max(axes) / layers for axes in moved[arm]] for arm in SIDES},
            "uneven": {arm: [max(axes) - min(axes) for axes in moved[arm]] for arm in SIDES},
        }
    )

"""What do nn.Linear and nn.Conv2d draw before anyone asks? Fresh layers are measured, none is trained.

Data     none: fresh layers of growing fan-in (inputs of a unit), drawn under the seed; and, through the last
         of them, 256 unit-normal inputs
Arms     nn.Linear and nn.Conv2d (3x3) as PyTorch makes them; nn.Linear re-drawn by
         kaiming_uniform_(nonlinearity="relu") with zero bias, which is He's rule
Metric   standard deviation of the weights, and the largest of them, times sqrt(fan_in); mean size of a bias;
         mean square behind one ReLU layer, as a share of the mean square before it (no bias, Linear only)
Cost     seeds x 3 arms x 30 layers to draw; nothing to train
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import nn

from labs.report import Outcome, Point

UNITS = 512  # outputs of every layer
WIDTHS = 30
BATCH = 256


def linear(fan_in: int) -> nn.Linear:
    return nn.Linear(fan_in, UNITS)


def conv(fan_in: int) -> nn.Conv2d:
    return nn.Conv2d(max(1, round(fan_in / 9)), UNITS, 3)  # a unit of a 3x3 convolution sees 9 x channels


def kaiming(fan_in: int) -> nn.Linear:
    layer = nn.Linear(fan_in, UNITS)
    nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
    nn.init.zeros_(layer.bias)
    return layer


ARMS: dict[str, Callable[[int], nn.Linear | nn.Conv2d]] = {"linear": linear, "conv": conv, "kaiming": kaiming}


def drawn(arm: str, fan_in: int, seed: int) -> nn.Linear | nn.Conv2d:
    torch.manual_seed(seed)
    return ARMS[arm](fan_in)


def measured(layer: nn.Linear | nn.Conv2d) -> dict[str, float]:
    weight = layer.weight.detach().flatten(1).double()  # (UNITS, fan_in)
    assert layer.bias is not None
    root = weight.shape[1] ** 0.5
    return {
        "scale": float(weight.std()) * root,
        "largest": float(weight.abs().max()) * root,
        "bias": float(layer.bias.detach().abs().mean()),
    }


def kept(layer: nn.Linear | nn.Conv2d, seed: int) -> float:
    """Mean square behind a ReLU that follows the layer, over the mean square of the unit-normal input."""
    weight = layer.weight.detach().flatten(1)
    x = torch.randn(weight.shape[1], BATCH, generator=torch.Generator().manual_seed(seed))
    return float((weight @ x).relu().square().mean() / x.square().mean())


def experiment(seeds: Sequence[int], device: torch.device, *, fan_in: int = 512) -> Iterator[Point | Outcome]:
    # tables of 512 columns: drawing on another device would give other numbers and save nothing
    widths = sorted({round(fan_in ** (i / WIDTHS) * 9 ** (1 - i / WIDTHS)) for i in range(1, WIDTHS + 1)})
    for width in widths:
        found = {arm: [measured(drawn(arm, width, seed)) for seed in seeds] for arm in ARMS}
        yield Point(
            width,
            widths[-1],
            {
                name: {arm: [layer[name] for layer in layers] for arm, layers in found.items()}
                for name in ("scale", "largest")
            },
        )

    values: dict[str, dict[str, list[float]]] = {
        name: {arm: [layer[name] for layer in layers] for arm, layers in found.items()}
        for name in ("scale", "largest", "bias")
    }
    values["kept"] = {arm: [kept(drawn(arm, fan_in, seed), seed) for seed in seeds] for arm in ARMS}
    yield Outcome(values)

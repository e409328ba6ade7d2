"""How far does a stack of convolutions see, and how much of what it sees counts?

Data     none: the gradient of one output in the middle with respect to every input pixel
Arms     3x3 convolutions with stride 1, stride 2, or dilations 1, 2, 4, 8, their positive weights drawn by
         the seed; and single layers that see one pixel (1x1) or all of them (linear)
Metric   side of the square around all pixels with a gradient (the receptive field); side of the centred
         square that holds 95 % of it (the effective field); pixels that a unit of one layer sees on a 16x16
         image
Cost     per seed about 50 backward passes through one-channel convolutions on 99x99 pixels
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.report import Outcome, Point

SIZE = 99  # no field reaches the border
FORMULAS = {  # side of the field after L layers
    "stride_1": lambda depth: 2 * depth + 1,
    "stride_2": lambda depth: 2 ** (depth + 1) - 1,
    "dilated": lambda depth: 2 ** (depth + 1) - 1,
}
DEEPEST = {"stride_1": 40, "stride_2": 5, "dilated": 4}
DEPTHS = (5, 10, 20, 40)


def gradients(arm: str, seed: int, uneven: float) -> Iterator[Tensor]:
    """After each layer: of the middle output, with respect to the input (SIZE, SIZE)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.zeros(1, 1, SIZE, SIZE, requires_grad=True)
    y: Tensor = x
    for layer in range(DEEPEST[arm]):
        kernel = 1 + uneven * (2 * torch.rand(1, 1, 3, 3, generator=generator) - 1)
        kernel = kernel / kernel.sum()  # keeps the numbers in range
        dilation = 2**layer if arm == "dilated" else 1
        y = F.conv2d(y, kernel, stride=2 if arm == "stride_2" else 1, padding=dilation, dilation=dilation)
        middle = y.shape[2] // 2
        yield torch.autograd.grad(y[0, 0, middle, middle], x, retain_graph=True)[0][0, 0]


def side(gradient: Tensor) -> float:
    rows, columns = torch.nonzero(gradient, as_tuple=True)
    return float(max(rows.max() - rows.min(), columns.max() - columns.min())) + 1


def effective_side(gradient: Tensor) -> float:
    """Of the square around the centre of mass that holds 95 %; between two whole squares, in proportion."""
    mass = gradient.double() / gradient.double().sum()
    place = torch.arange(SIZE, dtype=torch.float64)
    row, column = round(float(mass.sum(1) @ place)), round(float(mass.sum(0) @ place))
    before = 0.0
    for half in range(SIZE):
        square = mass[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1]
        held = float(square.sum())
        if held >= 0.95:
            return 2 * half + 1 - 2 * (held - 0.95) / (held - before)
        before = held
    return SIZE


def pixels_seen(layer: nn.Module) -> int:
    """How many pixels of a 16x16 image reach the output at row 8, column 8."""
    x = torch.ones(1, 1, 16, 16, requires_grad=True)
    y = layer(x).flatten()[8 * 16 + 8]
    return int((torch.autograd.grad(y, x)[0] != 0).sum())


def slope(sides: dict[int, float]) -> float:
    """Of log side against log depth, by least squares."""
    x, y = (torch.tensor(list(values)).double().log() for values in (sides.keys(), sides.values()))
    return float((x - x.mean()) @ y / (x - x.mean()).square().sum())


def experiment(
    seeds: Sequence[int], device: torch.device, *, uneven: float = 0.5
) -> Iterator[Point | Outcome]:
    del device  # a GPU may take routes that turn a zero outside the field into a rounding error
    stacks = {arm: [gradients(arm, seed, uneven) for seed in seeds] for arm in FORMULAS}
    off = {arm: [0] * len(seeds) for arm in FORMULAS}  # depths where the field is not what its formula says
    effective: list[dict[int, float]] = [{} for _ in seeds]
    for depth in range(1, DEEPEST["stride_1"] + 1):
        series: dict[str, dict[str, list[float]]] = {"field": {}, "effective": {}}
        for arm, formula in FORMULAS.items():
            if depth > DEEPEST[arm]:
                continue
            now = [next(stack) for stack in stacks[arm]]
            series["field"][arm] = [side(gradient) for gradient in now]
            for member, measured in enumerate(series["field"][arm]):
                off[arm][member] += measured != formula(depth)
            if arm == "stride_1":
                series["effective"][arm] = [effective_side(gradient) for gradient in now]
                for member, measured in enumerate(series["effective"][arm]):
                    effective[member][depth] = measured
        yield Point(depth, DEEPEST["stride_1"], series)

    shares = [[sides[depth] / (2 * depth + 1) for depth in DEPTHS] for sides in effective]
    seen: dict[str, list[int]] = {"stride_1": [], "pointwise": [], "linear": []}
    for seed in seeds:
        torch.manual_seed(seed)
        seen["stride_1"].append(pixels_seen(nn.Conv2d(1, 1, 3, padding=1)))
        seen["pointwise"].append(pixels_seen(nn.Conv2d(1, 1, 1)))
        seen["linear"].append(pixels_seen(nn.Sequential(nn.Flatten(), nn.Linear(256, 256))))
    yield Outcome(
        {
            "off_formula": off,
            "effective_20": {"stride_1": [sides[20] for sides in effective]},
            "slope": {"stride_1": [slope({d: sides[d] for d in DEPTHS}) for sides in effective]},
            "share_rises": {"stride_1": [sum(b >= a for a, b in pairwise(s)) for s in shares]},
            "pixels_seen": seen,
        }
    )

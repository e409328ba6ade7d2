"""Surely wrong: which loss pulls a sigmoid unit back that is certain of the wrong answer?

Data     one unit, label 1, and its logit z: at `start` for the gradient; for the way back each seed begins
         up to half a unit beside it
Arms     binary cross-entropy on the logit; squared error of sigmoid(z)
Metric   size of the gradient at the start; steps of gradient descent until the unit says more than 50 %
Cost     up to 30,000 steps of one number for each arm and seed
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("bce", "mse")
LONGEST, SPACING = 30_000, 300


def gradient(z: Tensor) -> Tensor:
    """Derivatives by the logits of -log p and of (p - 1)^2, where p = sigmoid(z). z: (arms, seeds)."""
    p = z.sigmoid()
    bce = p[0] - 1
    mse = 2 * (p[1] - 1) * p[1] * (1 - p[1])  # the chain rule adds sigmoid's own slope, p (1 - p)
    return torch.stack([bce, mse])


def experiment(
    seeds: Sequence[int], device: torch.device, *, start: float = -10.0, lr: float = 1.0
) -> Iterator[Point | Outcome]:
    offsets = [torch.rand((), generator=torch.Generator().manual_seed(seed)) - 0.5 for seed in seeds]
    z = (start + torch.stack(offsets)).to(device).repeat(len(ARMS), 1)
    initial = gradient(torch.full_like(z, start)).abs()
    needed = torch.zeros_like(z)

    for step in range(LONGEST + 1):
        if step % SPACING == 0:
            yield Point(step, LONGEST, {"probability": dict(zip(ARMS, z.sigmoid() * 100, strict=True))})
            if bool((z > 0).all()):
                break
        needed = needed + (z <= 0)
        z = z - lr * gradient(z)

    outcomes = {"gradient": initial, "times_weaker": initial[0] / initial, "steps": needed}
    yield Outcome({name: dict(zip(ARMS, found, strict=True)) for name, found in outcomes.items()})

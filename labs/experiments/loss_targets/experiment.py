"""Which number does each loss look for? The best constant for a skewed sample, found by gradient descent.

Data     20,000 lognormal numbers drawn by the seed; skew is the sd of their logarithm
Arms     a single number fitted with MSE, with L1 and with the pinball loss of the chosen quantile
Metric   where it ends; its distance in per cent from the sample's own mean, median and quantile
Cost     steps gradients of three numbers a seed
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("mse", "l1", "pinball")
SAMPLE = 20_000


def slope(arm: str, constant: Tensor, targets: Tensor, quantile: float) -> Tensor:
    """Derivative of the mean loss by the constant. constant: (S,); targets: (S, n)."""
    if arm == "mse":
        return 2 * (constant - targets.mean(1))
    below = (targets < constant[:, None]).to(targets.dtype).mean(1)  # share of targets under the constant
    return 2 * below - 1 if arm == "l1" else below - quantile


def sought(arm: str, targets: Tensor, quantile: float) -> Tensor:
    """The sample's statistic that the arm's loss is said to find (S,)."""
    if arm == "mse":
        return targets.mean(1)
    return torch.quantile(targets, 0.5 if arm == "l1" else quantile, dim=1)


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    skew: float = 1.0,
    quantile: float = 0.9,
    steps: int = 400,
) -> Iterator[Point | Outcome]:
    sample = [
        torch.randn(SAMPLE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        for seed in seeds
    ]
    targets = torch.stack(sample).mul(skew).exp().to(device, torch.float32)
    at = {arm: torch.zeros(len(seeds), device=device) for arm in ARMS}
    # Rprop (Riedmiller and Braun 1993): a stride that grows while the slope keeps its sign and is halved when
    # it turns, so that one schedule serves slopes of any size
    stride = {arm: torch.full_like(constant, 0.02) for arm, constant in at.items()}
    before = {arm: torch.zeros_like(constant) for arm, constant in at.items()}

    for step in range(steps + 1):
        if step % 5 == 0 or step == steps:
            yield Point(step, steps, {"constant": dict(at)})
        if step == steps:
            break
        for arm in ARMS:
            sign = slope(arm, at[arm], targets, quantile).sign()
            turned = sign * before[arm]
            factor = torch.where(turned < 0, 0.5, torch.where(turned > 0, 1.05, 1.0))
            stride[arm] = (stride[arm] * factor).clamp(1e-6, 0.2)
            at[arm] = at[arm] - sign * stride[arm]
            before[arm] = sign

    off = {}
    for arm in ARMS:
        statistic = sought(arm, targets, quantile)
        off[arm] = (at[arm] / statistic - 1).abs() * 100
    yield Outcome({"constant": at, "off": off})

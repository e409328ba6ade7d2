"""One regression line, three losses, with and without gross errors in the targets.

Data     100 points of a linear function of 5 inputs, drawn by the seed; the noise on the targets is normal
         (sd 0.5), and in the second condition every tenth target is also off by +20
Arms     the same linear model fitted with MSE, Huber (delta 1) and L1, by Adam on all points at once with a
         rate that sinks to zero
Metric   mean squared distance between the fitted and the true function on 1,000 fresh inputs
Cost     steps Adam steps of 6 numbers for each arm, condition and seed, all in one tensor
"""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("mse", "huber", "l1")
CONDITIONS = ("clean", "outliers")
INPUTS, TRAINING, TEST = 5, 100, 1000
NOISE, RATE = 0.5, 0.2


def loss_of(arm: str, residuals: Tensor) -> Tensor:
    """What the arm pays for each residual."""
    target = torch.zeros_like(residuals)
    if arm == "mse":
        return F.mse_loss(residuals, target, reduction="none")
    if arm == "huber":
        return F.huber_loss(residuals, target, reduction="none", delta=1.0)
    return F.l1_loss(residuals, target, reduction="none")


def drawn(seed: int, share: float, shift: float) -> tuple[Tensor, ...]:
    """Training inputs (n, 6) with a column of ones, targets (conditions, n), test inputs and true values."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(TRAINING + TEST, INPUTS, generator=generator, dtype=torch.float64)
    x = torch.cat([inputs, torch.ones(len(inputs), 1, dtype=torch.float64)], dim=1)
    truth = torch.randn(INPUTS + 1, generator=generator, dtype=torch.float64)
    y = x[:TRAINING] @ truth + NOISE * torch.randn(TRAINING, generator=generator, dtype=torch.float64)
    wrong = torch.randperm(TRAINING, generator=generator)[: round(share / 100 * TRAINING)]
    spoilt = y.index_add(0, wrong, torch.full((len(wrong),), shift, dtype=torch.float64))
    return x[:TRAINING], torch.stack([y, spoilt]), x[TRAINING:], x[TRAINING:] @ truth


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    share: float = 10.0,
    shift: float = 20.0,
    steps: int = 600,
) -> Iterator[Point | Outcome]:
    parts = zip(*(drawn(seed, share, shift) for seed in seeds), strict=True)
    x, y, fresh, truth = (torch.stack(part).to(device, torch.float32) for part in parts)
    # weights, one row of 6 numbers for each seed, arm and condition: (S, 3, 2, 6)
    w = torch.zeros(len(seeds), len(ARMS), len(CONDITIONS), INPUTS + 1, device=device, requires_grad=True)
    adam = torch.optim.Adam([w], lr=RATE)

    @torch.no_grad()
    def errors() -> dict[str, dict[str, Tensor]]:
        fitted = torch.einsum("sacd,snd->sacn", w, fresh)
        error = (fitted - truth[:, None, None]).square().mean(-1)
        return {c: {arm: error[:, a, k] for a, arm in enumerate(ARMS)} for k, c in enumerate(CONDITIONS)}

    for step in range(steps + 1):
        if step % 10 == 0 or step == steps:
            yield Point(step, steps, {f"error_{name}": by_arm for name, by_arm in errors().items()})
        if step == steps:
            break
        residuals = torch.einsum("sacd,snd->sacn", w, x) - y[:, None]
        paid = [loss_of(arm, residuals[:, a]).mean(-1).sum() for a, arm in enumerate(ARMS)]
        (w.grad,) = torch.autograd.grad(torch.stack(paid).sum(), [w])
        adam.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        adam.step()

    clean, spoilt = errors().values()
    times = {arm: spoilt[arm] / spoilt["huber"] for arm in ARMS}
    yield Outcome({"error_clean": clean, "error_outliers": spoilt, "times_huber": times})

"""Two priors, two truths: ridge and lasso where few or all of 100 coefficients matter.

Data     60 noisy observations (sd 1) of a linear function of 100 inputs, 60 more to choose the penalty by;
         the truth has `active` coefficients of size 3, or 100 normal ones (sd 0.7); drawn by the seed
Arms     least squares of the smallest norm; ridge (L2 penalty); lasso (L1 penalty), found by FISTA (Beck and
         Teboulle 2009), each penalty going on from the one before
Metric   squared error of the coefficients, relative to their own squared length, at the penalty that
         predicts the 60 further observations best
Cost     30 penalties of each kind, 80 FISTA steps each, all truths and seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("ols", "ridge", "lasso")
TRUTHS = ("sparse", "dense")
FEATURES, GRID, ITERATIONS = 100, 30, 80


def drawn(seed: int, rows: int, active: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs (2 * rows, 100), the coefficients of both truths (2, 100) and targets (2, 2 * rows)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2 * rows, FEATURES, generator=generator, dtype=torch.float64)
    where = torch.randperm(FEATURES, generator=generator)[:active]
    signs = 2.0 * torch.randint(0, 2, (active,), generator=generator).double() - 1
    sparse = torch.zeros(FEATURES, dtype=torch.float64).index_add(0, where, 3 * signs)
    dense = 0.7 * torch.randn(FEATURES, generator=generator, dtype=torch.float64)
    truth = torch.stack([sparse, dense])
    noise = torch.randn(2, 2 * rows, generator=generator, dtype=torch.float64)
    return x, truth, truth @ x.T + noise


def soft(w: Tensor, threshold: Tensor) -> Tensor:
    """Moves each number towards zero by the threshold, and sets it to zero where that would pass it."""
    return w.sign() * (w.abs() - threshold).clamp(min=0)


def experiment(
    seeds: Sequence[int], device: torch.device, *, rows: int = 60, active: int = 5
) -> Iterator[Point | Outcome]:
    parts = zip(*(drawn(seed, rows, active) for seed in seeds), strict=True)
    # MPS has no float64
    x, truth, y = (torch.stack(part).float().to(device) for part in parts)
    x, fresh, y, asked = x[:, :rows], x[:, rows:], y[..., :rows], y[..., rows:]
    gram, pull = x.mT @ x / rows, y @ x / rows  # (S, 100, 100) and (S, 2, 100)
    values, vectors = torch.linalg.eigh(gram)
    values = values.clamp(min=0)
    turned = pull @ vectors
    largest = values[:, -1].view(-1, 1, 1)
    kept = values > 1e-4 * values[:, -1:]
    ols = (turned * torch.where(kept, 1 / values.clamp(min=1e-9), 0)[:, None]) @ vectors.mT
    top = pull.abs().amax(2, keepdim=True)  # from this L1 penalty on all coefficients are zero
    lasso = torch.zeros_like(truth)
    best = {arm: torch.full(truth.shape[:2], torch.inf, device=device) for arm in ARMS}
    error: dict[str, Tensor] = {arm: torch.ones(truth.shape[:2], device=device) for arm in ARMS}

    for number in range(GRID):
        weak = number / (GRID - 1)  # from the strongest penalty, 0, to the weakest, 1
        l1, l2 = top * 10 ** (-3 * weak), 10 ** (2 - 5 * weak)
        ahead, momentum = lasso, 1.0
        for _ in range(ITERATIONS):
            stepped = soft(ahead - (ahead @ gram - pull) / largest, l1 / largest)
            following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
            ahead = stepped + (momentum - 1) / following * (stepped - lasso)
            lasso, momentum = stepped, following
        ridge = (turned / (values + l2)[:, None]) @ vectors.mT
        now = {"ols": ols, "ridge": ridge, "lasso": lasso}
        off = {arm: (w - truth).square().sum(2) / truth.square().sum(2) for arm, w in now.items()}
        for arm, w in now.items():
            missed = (w @ fresh.mT - asked).square().mean(2)
            error[arm] = torch.where(missed < best[arm], off[arm], error[arm])
            best[arm] = torch.minimum(missed, best[arm])
        curves = {
            f"error_{t}": {arm: found[:, k] for arm, found in off.items()} for k, t in enumerate(TRUTHS)
        }
        yield Point(number + 1, GRID, curves)

    yield Outcome({f"error_{t}": {arm: error[arm][:, k] for arm in ARMS} for k, t in enumerate(TRUTHS)})

"""An L1 term in the loss: which ways of minimising it give weights that are exactly zero?

Data     60 noisy observations (sd 1) of a linear function of 100 inputs, 5 of which matter (size 3)
Arms     one loss, half the mean squared error + penalty * sum |w|, minimised by Adam; by SGD; by gradient
         steps on the first term with soft thresholding for the second (a proximal step)
Metric   weights that are exactly 0.0, of 100; weights smaller than 0.02
Cost     steps steps of 100 numbers for each arm and seed
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("adam", "sgd", "proximal")
ROWS, FEATURES, ACTIVE = 60, 100, 5
ADAM_RATE, RATE = 0.01, 0.05


def drawn(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs (60, 100) and targets (60,)."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(ROWS, FEATURES, generator=generator)
    truth = torch.zeros(FEATURES)
    truth[torch.randperm(FEATURES, generator=generator)[:ACTIVE]] = 3.0
    return x, x @ truth + torch.randn(ROWS, generator=generator)


def thresholded(w: Tensor, by: float) -> Tensor:
    """The proximal step of by * |w|: towards zero, and zero where that would pass it."""
    return w.sign() * (w.abs() - by).clamp(min=0)


def experiment(
    seeds: Sequence[int], device: torch.device, *, penalty: float = 0.2, steps: int = 1000
) -> Iterator[Point | Outcome]:
    x, y = (torch.stack(part).to(device) for part in zip(*map(drawn, seeds), strict=True))
    # small random weights, as a layer starts: from exact zeros the first gradient would tell nothing
    starts = [0.1 * torch.randn(FEATURES, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    w = {arm: torch.stack(starts).to(device).requires_grad_() for arm in ARMS}
    optimizers = {
        "adam": torch.optim.Adam([w["adam"]], lr=ADAM_RATE),
        "sgd": torch.optim.SGD([w["sgd"]], lr=RATE),
        "proximal": torch.optim.SGD([w["proximal"]], lr=RATE),
    }

    def zeros() -> dict[str, dict[str, Tensor]]:
        exact = {arm: (weights == 0).sum(1) for arm, weights in w.items()}
        return {"zeros": exact, "small": {arm: (found.abs() < 0.02).sum(1) for arm, found in w.items()}}

    for step in range(steps + 1):
        if step % 20 == 0 or step == steps:
            yield Point(step, steps, zeros())
        if step == steps:
            break
        for arm, weights in w.items():
            residuals = (x @ weights.unsqueeze(2)).squeeze(2) - y
            loss = residuals.square().mean(1) / 2
            if arm != "proximal":
                loss = loss + penalty * weights.abs().sum(1)
            (weights.grad,) = torch.autograd.grad(loss.sum(), [weights])
            optimizers[arm].step()
            if arm == "proximal":
                weights.data = thresholded(weights.data, RATE * penalty)

    yield Outcome(zeros())

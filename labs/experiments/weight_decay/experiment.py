"""weight_decay in SGD, Adam and AdamW: the same word, the same prior?

Data     weights that start at 1 and get gradients of pure noise, of sd 1 or of sd `scale`; and 50 noisy
         observations of a linear function of 5 inputs; both drawn by the seed
Arms     torch.optim.SGD, Adam and AdamW with one learning rate and one weight_decay
Metric   what the decay does to a weight: its value minus its value under the same noise without decay, mean
         over 100 weights; largest distance of the fitted linear function from ridge regression
Cost     steps steps of 200 numbers for each arm and seed, with and without decay; 1,000 steps of 5 numbers
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from labs.report import Outcome, Point

OPTIMIZERS: dict[str, Any] = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
WEIGHTS, RATE = 100, 0.01
ROWS, INPUTS, RIDGE_STEPS, RIDGE_RATE = 50, 5, 1000, 0.05


def fitted(arm: str, seeds: Sequence[int], device: torch.device, decay: float) -> Tensor:
    """Largest |w - ridge solution| (S,) after minimising half the mean squared error with weight_decay."""
    drawn = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(ROWS, INPUTS + 1, generator=generator)
        drawn.append((x[:, :INPUTS], x[:, :INPUTS].sum(1) + x[:, INPUTS]))  # all true coefficients are 1
    x, y = (torch.stack(part).to(device) for part in zip(*drawn, strict=True))
    gram, pull = x.mT @ x / ROWS, (x.mT @ y.unsqueeze(2)) / ROWS
    ridge = torch.linalg.solve(gram + decay * torch.eye(INPUTS, device=device), pull)
    w = torch.zeros_like(pull, requires_grad=True)
    optimizer = OPTIMIZERS[arm]([w], lr=RIDGE_RATE, weight_decay=decay)
    for _ in range(RIDGE_STEPS):
        w.grad = (gram @ w - pull).detach()  # of mean (x w - y)^2 / 2
        optimizer.step()
    return (w.detach() - ridge).abs().amax((1, 2))


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    decay: float = 0.1,
    scale: float = 100.0,
    steps: int = 1000,
) -> Iterator[Point | Outcome]:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    sizes = torch.tensor([1.0, scale]).view(1, 2, 1).to(device)
    runs = {}
    for arm, optimizer in OPTIMIZERS.items():
        for used in (decay, 0.0):
            w = torch.ones(len(seeds), 2, WEIGHTS, device=device, requires_grad=True)
            runs[arm, used > 0] = (w, optimizer([w], lr=RATE, weight_decay=used))

    def change() -> dict[str, dict[str, Tensor]]:
        values: dict[str, dict[str, Tensor]] = {"calm": {}, "noisy": {}}
        for arm in OPTIMIZERS:
            with_decay, without = (runs[arm, used][0].detach() for used in (True, False))
            values["calm"][arm], values["noisy"][arm] = ((with_decay - without).mean(2) * 100).unbind(1)
        return values

    for step in range(steps + 1):
        if step % 20 == 0 or step == steps:
            yield Point(step, steps, change())
        if step == steps:
            break
        noise = torch.stack([torch.randn(2, WEIGHTS, generator=g) for g in generators]).to(device) * sizes
        for w, optimizer in runs.values():
            w.grad = noise.clone()  # Adam adds its decay to the gradient in place
            optimizer.step()

    ridge_gap = {arm: fitted(arm, seeds, device, decay) for arm in OPTIMIZERS}
    yield Outcome({**change(), "ridge_gap": ridge_gap})

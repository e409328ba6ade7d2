"""Five labels that may hold together: softmax cross-entropy against one sigmoid for each label.

Data     points in 20 dimensions; label k says on which side of the k-th hyperplane a point lies; planes,
         1,000 training and 2,000 test points are drawn by the seed
Arms     a linear model whose outputs go through a softmax and its cross-entropy with the labels as shares,
         a label counting as present above 1/labels; or through BCEWithLogits, present above 1/2
Metric   share of single labels that are right; share of points with all labels right
Cost     steps Adam steps of 105 numbers for each arm and seed, on all training points
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labs.report import Outcome, Point

ARMS = ("ce", "bce")
INPUTS, TEST = 20, 2000


def loss_of(arm: str, logits: Tensor, labels: Tensor) -> Tensor:
    """The arm's loss, summed over seeds. Both arguments are (S, n, labels)."""
    if arm == "bce":
        return F.binary_cross_entropy_with_logits(logits, labels, reduction="none").mean((1, 2)).sum()
    shares = labels / labels.sum(-1, keepdim=True).clamp(min=1)  # a point without labels asks for nothing
    return F.cross_entropy(logits.flatten(0, 1), shares.flatten(0, 1)) * len(logits)


def present(arm: str, logits: Tensor) -> Tensor:
    """The labels that the arm says are there, as booleans (S, n, labels)."""
    return logits > 0 if arm == "bce" else logits.softmax(-1) > 1 / logits.shape[-1]


def experiment(
    seeds: Sequence[int], device: torch.device, *, labels: int = 5, training: int = 1000, steps: int = 200
) -> Iterator[Point | Outcome]:
    drawn = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        planes = torch.randn(INPUTS, labels, generator=generator)
        x = torch.randn(TEST + training, INPUTS, generator=generator)
        drawn.append((x, (x @ planes > 0).float()))
    x, y = (torch.stack(part).to(device) for part in zip(*drawn, strict=True))
    x = torch.cat([x, torch.ones_like(x[..., :1])], dim=-1)  # a column for the bias
    weights = {
        arm: torch.zeros(len(seeds), INPUTS + 1, labels, device=device, requires_grad=True) for arm in ARMS
    }
    adam = torch.optim.Adam(weights.values(), lr=0.05)

    @torch.no_grad()
    def score() -> dict[str, dict[str, Tensor]]:
        single, whole = {}, {}
        for arm, w in weights.items():
            right = present(arm, x[:, :TEST] @ w) == y[:, :TEST].bool()
            single[arm] = right.to(torch.float64).mean((1, 2)) * 100
            whole[arm] = right.all(-1).to(torch.float64).mean(1) * 100
        return {"per_label": single, "exact_match": whole}

    for step in range(steps + 1):
        if step % 5 == 0 or step == steps:
            yield Point(step, steps, score())
        if step == steps:
            break
        for arm, w in weights.items():
            (w.grad,) = torch.autograd.grad(loss_of(arm, x[:, TEST:] @ w, y[:, TEST:]), [w])
        adam.step()

    yield Outcome(score())

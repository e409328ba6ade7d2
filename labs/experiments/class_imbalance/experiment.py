"""Two per cent positives: weighting the loss against moving the threshold of the plain model.

Data     two normal clouds in the plane, `distance` apart, 3,000 training and 20,000 test points with the
         same small share of positives, drawn by the seed
Arms     logistic regression with the plain loss; with pos_weight = negatives per positive; the plain one
         again, saying "positive" from a probability equal to the share of positives on
Metric   recall, accuracy and balanced accuracy on the test points; area under the ROC curve
Cost     steps Adam steps, the rate sinking to zero, of three numbers for each model and seed, on all training points
"""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labs.report import Outcome, Point

TRAINING, TEST = 3000, 20_000
RATE = 0.5  # of Adam at the start; it sinks to zero along a cosine
MODELS = ("plain", "weighted")
# arm -> the model behind it
ARMS = {"plain": "plain", "weighted": "weighted", "threshold": "plain"}


def drawn(seed: int, positives: float, distance: float) -> tuple[Tensor, Tensor]:
    """Inputs (n, 3), the last column ones, and labels (n,): training points first, positives shuffled in."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.zeros(TRAINING + TEST)
    labels[: round(positives * TRAINING)] = 1
    labels[TRAINING : TRAINING + round(positives * TEST)] = 1
    x = torch.randn(len(labels), 2, generator=generator)
    x[:, 0] += distance * labels
    return torch.cat([x, torch.ones(len(x), 1)], dim=1), labels


def ranked(scores: Tensor, labels: Tensor) -> Tensor:
    """Area under the ROC curve (S,): how often a positive scores above a negative (Mann and Whitney)."""
    ranks = scores.argsort(1).argsort(1).to(torch.float64) + 1
    positive = labels.sum(1, dtype=torch.float64)
    negative = labels.shape[1] - positive
    return ((ranks * labels).sum(1) - positive * (positive + 1) / 2) / (positive * negative)


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    positives: float = 2.0,
    distance: float = 2.0,
    steps: int = 150,
) -> Iterator[Point | Outcome]:
    share = positives / 100
    parts = zip(*(drawn(seed, share, distance) for seed in seeds), strict=True)
    x, labels = (torch.stack(part).to(device) for part in parts)  # (S, n, 3) and (S, n)
    x, y, fresh, truth = x[:, :TRAINING], labels[:, :TRAINING], x[:, TRAINING:], labels[:, TRAINING:]
    weights = {"plain": torch.ones((), device=device), "weighted": torch.tensor((1 - share) / share)}
    w = torch.zeros(len(MODELS), len(seeds), 3, 1, device=device, requires_grad=True)
    adam = torch.optim.Adam([w], lr=RATE)
    # a model says "positive" where its logit exceeds this
    cut = {"plain": 0.0, "weighted": 0.0, "threshold": float(torch.logit(torch.tensor(share)))}

    positive = truth.bool()
    there = positive.sum(1)

    @torch.no_grad()
    def score() -> dict[str, dict[str, Tensor]]:
        values: dict[str, dict[str, Tensor]] = {"recall": {}, "accuracy": {}, "balanced": {}}
        for arm, model in ARMS.items():
            said = (fresh @ w[MODELS.index(model)]).squeeze(-1) > cut[arm]
            found, false = (said & positive).sum(1), (said & ~positive).sum(1)
            recall, alarms = found / there, false / (TEST - there)
            values["recall"][arm] = recall * 100
            values["accuracy"][arm] = (found + TEST - there - false) / TEST * 100
            values["balanced"][arm] = (recall + 1 - alarms) / 2 * 100
        return values

    for step in range(steps + 1):
        if step % 4 == 0 or step == steps:
            now = score()
            yield Point(step, steps, {name: now[name] for name in ("recall", "accuracy")})
        if step == steps:
            break
        logits = torch.matmul(x, w).squeeze(-1)  # (models, S, n)
        paid = [
            F.binary_cross_entropy_with_logits(logits[m], y, pos_weight=weights[model].to(device)) * len(y)
            for m, model in enumerate(MODELS)
        ]
        (w.grad,) = torch.autograd.grad(torch.stack(paid).sum(), [w])
        adam.param_groups[0]["lr"] = RATE * (1 + math.cos(math.pi * step / steps)) / 2
        adam.step()

    values = score()
    with torch.no_grad():
        curve = [ranked((fresh @ w[m]).squeeze(-1), truth) * 100 for m in range(len(MODELS))]
    values["auc"] = {arm: curve[MODELS.index(model)] for arm, model in ARMS.items()}
    yield Outcome(values)

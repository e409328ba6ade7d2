"""Cross-entropy against mean squared error for ten classes, each loss at the rate that suits it.

Data     digits, 20 training images of each drawn by the seed; the rest of the training pool chooses the
         learning rate; 898 held-out images are the test
Arms     an MLP 64-64-10 trained by Adam with cross-entropy, with MSE between raw outputs and one-hot
         targets, with MSE between softmax and one-hot; every loss at four rates
Metric   test accuracy at the rate with the best accuracy on the rest of the pool, chosen for each seed and
         loss on its own (the curves: on 200 test images, with 200 of the pool to choose by)
Cost     steps Adam steps of twelve MLPs a seed, all at once
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, pool_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("ce", "mse", "mse_softmax")
RATES = (3e-4, 1e-3, 3e-3, 1e-2)
CUT = 1.0  # points below cross-entropy that count as a loss


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def loss_of(arm: str, outputs: Tensor, labels: Tensor) -> Tensor:
    """Each member's mean loss (M,). outputs: (M, classes, B); labels: (M, B)."""
    if arm == "ce":
        return cross_entropy(outputs, labels)
    hot = F.one_hot(labels, 10).to(outputs.dtype).transpose(1, 2)
    return (outputs.softmax(1) if arm == "mse_softmax" else outputs).sub(hot).square().mean((1, 2))


def experiment(
    seeds: Sequence[int], device: torch.device, *, per_class: int = 20, steps: int = 400
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    own_rows = training_rows(seeds, per_class)
    pool = pool_rows()
    unused = torch.stack([~torch.isin(pool, rows) for rows in own_rows]).to(device)  # (S, pool)
    checked = data[pool.to(device)]
    members = [seed for seed in seeds for _ in RATES]  # a seed's four rates side by side
    nets = {arm: Ensemble(network, members, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=RATES * len(seeds)) for arm, net in nets.items()}

    @torch.no_grad()
    def score(images: int | None = None) -> dict[str, Tensor]:
        """Test accuracy (S,) at the rate that is best on the images left in the pool."""
        seen, asked, left = checked[:images], test[:images], unused[:, None, :images]
        scores = {}
        for arm, net in nets.items():
            right = (net.same(seen.flat).argmax(1) == seen.labels).view(len(seeds), len(RATES), -1)
            best = (right & left).sum(2).argmax(1, keepdim=True)  # the smallest of equal rates
            found = accuracy(net.same(asked.flat), asked.labels).view(len(seeds), len(RATES)) * 100
            scores[arm] = found.gather(1, best).squeeze(1)
        return scores

    for step, rows in enumerate(batches(seeds, own_rows, min(32, own_rows.shape[1]), device)):
        if step % 10 == 0 or step == steps:
            yield Point(step, steps, {"accuracy": score(images=200)})
        if step == steps:
            break
        rows = rows.repeat_interleave(len(RATES), 0)
        x, labels = gather(data.flat, rows), data.labels[rows]
        for arm, net in nets.items():
            adams[arm].step(loss_of(arm, net(x), labels))

    found = score()
    above = {arm: reached - (found["ce"] - CUT) for arm, reached in found.items()}
    yield Outcome({"accuracy": found, "above": above})

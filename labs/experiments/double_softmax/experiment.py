"""A softmax too many: what nn.Softmax in front of nn.CrossEntropyLoss does to loss and accuracy.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     an MLP 64-64-10 whose logits go into the cross-entropy, or first through a softmax; each trained by
         Adam (rate 1e-3) and by SGD (rate 0.1,
         momentum 0.9)
Metric   lowest mean loss on the whole training set, seen every ten steps; accuracy on the held-out images
Cost     steps steps of the four networks, all seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import SGD, Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("logits_adam", "softmax_adam", "logits_sgd", "softmax_sgd")
TWICE = ("softmax_adam", "softmax_sgd")


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def loss_input(arm: str, logits: Tensor) -> Tensor:
    """What the arm hands to the cross-entropy, which takes a log-softmax of it. logits: (M, classes, B)."""
    return logits.softmax(1) if arm in TWICE else logits


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    steps: int = 300,
    adam_lr: float = 1e-3,
    sgd_lr: float = 0.1,
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    own_rows = training_rows(seeds)
    images, labels = gather(data.flat, own_rows.to(device)), data.labels[own_rows.to(device)]
    nets = {arm: Ensemble(network, seeds, device) for arm in ARMS}
    optimizers = {
        arm: Adam(net, lr=adam_lr) if arm.endswith("adam") else SGD(net, lr=sgd_lr, momentum=0.9)
        for arm, net in nets.items()
    }
    lowest = {arm: torch.full((len(seeds),), torch.inf, device=device) for arm in ARMS}

    @torch.no_grad()
    def whole_loss() -> dict[str, Tensor]:
        return {arm: cross_entropy(loss_input(arm, net(images)), labels) for arm, net in nets.items()}

    @torch.no_grad()
    def score(images: int | None = None) -> dict[str, Tensor]:
        asked = test[:images]
        return {arm: accuracy(net.same(asked.flat), asked.labels) * 100 for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, own_rows, 64, device)):
        if step % 10 == 0 or step == steps:
            losses = whole_loss()
            lowest = {arm: torch.minimum(lowest[arm], loss) for arm, loss in losses.items()}
            yield Point(step, steps, {"loss": losses, "accuracy": score(images=200)})
        if step == steps:
            break
        x, y = gather(data.flat, rows), data.labels[rows]
        for arm, net in nets.items():
            optimizers[arm].step(cross_entropy(loss_input(arm, net(x)), y))

    yield Outcome({"lowest_loss": lowest, "accuracy": score()})

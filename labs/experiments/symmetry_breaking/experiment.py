"""Why are no two kernels alike? What training makes of kernels that start equal.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     one CNN with 16 kernels in its first layer, started as PyTorch draws the weights; with every weight
         the same number; or with equal weights in the convolutions and a drawn last layer
Metric   different kernels among the 16 at the end (two count as one when all their weights agree to
         0.00001), accuracy on the held-out images
Cost     steps Adam steps of the three networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

KERNELS = 16
SAME = 1e-5


def network(arm: str, value: float) -> nn.Module:
    net = nn.Sequential(
        *(nn.Conv2d(1, KERNELS, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(KERNELS, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )
    for layer in net:
        if arm == "equal" or (arm == "equal_but_last" and isinstance(layer, nn.Conv2d)):
            for name, parameter in layer.named_parameters():
                nn.init.constant_(parameter, value if name == "weight" else 0.0)
    return net


def different(kernels: Tensor) -> Tensor:
    """How many kernels of each member are unlike all before them. kernels: (M, 16, 1, 3, 3)."""
    flat = kernels.detach().flatten(2)
    alike = (flat.unsqueeze(1) - flat.unsqueeze(2)).abs().amax(3) < SAME  # (M, 16, 16)
    return (~alike.tril(-1).any(2)).sum(1)


def experiment(
    seeds: Sequence[int], device: torch.device, *, value: float = 0.05, steps: int = 200
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:200]
    arms = ("drawn", "equal", "equal_but_last")
    nets = {arm: Ensemble(partial(network, arm, value), seeds, device) for arm in arms}
    adams = {arm: Adam(net, lr=3e-3) for arm, net in nets.items()}

    @torch.no_grad()
    def score(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {arm: accuracy(net.same(images), labels) * 100 for arm, net in nets.items()}

    def kernels() -> dict[str, Tensor]:
        return {arm: different(net.net.get_parameter("0.weight")) for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step % 5 == 0:
            yield Point(
                step, steps, {"different": kernels(), "accuracy": score(watched.images, watched.labels)}
            )
        if step == steps:
            break
        x = gather(data.images, rows)
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(x), data.labels[rows]))

    yield Outcome({"different": kernels(), "accuracy": score(test.images, test.labels)})

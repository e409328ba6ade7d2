"""From what depth on does the initial scale of the weights decide whether a network trains at all?

Data     digits, 75 training images of each drawn by the seed; 898 held-out images
Arms     plain ReLU MLPs of 2, 5, 10 and 20 linear layers, started as nn.Linear draws its weights, or by
         Kaiming's rule for ReLU: the same draw, sqrt(6) times as large, and biases at zero
Metric   accuracy on the held-out images at each depth
Cost     steps steps of eight networks, 37 layers for each arm, all seeds at once
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import SGD, Adam, Ensemble, Optimizer, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("default", "kaiming")
DEPTHS = (2, 5, 10, 20)
OPTIMIZERS: dict[str, Callable[[Ensemble], Optimizer]] = {
    "adam": partial(Adam, lr=1e-3),
    "sgd-0.05": partial(SGD, lr=0.05, momentum=0.9),
    "sgd-0.01": partial(SGD, lr=0.01, momentum=0.9),
}


def network(arm: str, depth: int, width: int) -> nn.Module:
    sizes = [64, *[width] * (depth - 1), 10]
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        if arm == "kaiming":
            # kaiming_uniform_(nonlinearity="relu") is U(-b, b) with b = sqrt(6 / fan_in): the default draw,
            # sqrt(6) times as large. So the two arms of a seed differ in scale alone.
            linear.weight.data *= 6**0.5
            nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # no ReLU after the last


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    optimizer: str = "adam",
    steps: int = 250,
    width: int = 64,
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:128]
    nets = {
        (arm, depth): Ensemble(partial(network, arm, depth, width), seeds, device)
        for depth in DEPTHS
        for arm in ARMS
    }
    optimizers = {key: OPTIMIZERS[optimizer](net) for key, net in nets.items()}

    @torch.no_grad()
    def score(images: Tensor, labels: Tensor) -> dict[str, dict[str, Tensor]]:
        found: dict[str, dict[str, Tensor]] = {}
        for (arm, depth), net in nets.items():
            found.setdefault(f"depth_{depth}", {})[arm] = accuracy(net.same(images), labels) * 100
        return found

    for step, rows in enumerate(batches(seeds, training_rows(seeds, 75), 64, device)):
        if step % 8 == 0 or step == steps:
            yield Point(step, steps, score(watched.flat, watched.labels))
        if step == steps:
            break
        x, labels = gather(data.flat, rows), data.labels[rows]
        for key, net in nets.items():
            optimizers[key].step(cross_entropy(net(x), labels))

    yield Outcome(score(test.flat, test.labels))

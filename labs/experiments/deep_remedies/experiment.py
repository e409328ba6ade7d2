"""Thirty plain layers that will not train: is it the step size, the optimizer or the signal itself?

Data     digits, 75 training images of each drawn by the seed; 898 held-out images
Arms     one ReLU MLP of 30 linear layers. Default weights with SGD at two learning rates, with Adam, with
         Adam whose eps is 1e-18 in place of 1e-8, and with batch norm and SGD; Kaiming weights (the default
         draw, sqrt(6) times as large, biases zero) with SGD and with Adam. Momentum is 0.9
Metric   accuracy on the held-out images; log10 of how far the first layer's weights have moved, as a share
         of their size at the start
Cost     steps steps of 7 networks of 30 layers, all seeds at once
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import SGD, Adam, Ensemble, Optimizer, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

BATCH = 64

Optimize = Callable[[Ensemble], Optimizer]
sgd = partial(SGD, momentum=0.9)
# arm -> (initial weights, batch norm, optimizer)
ARMS: dict[str, tuple[str, bool, Optimize]] = {
    "default_high": ("default", False, partial(sgd, lr=0.05)),
    "default_low": ("default", False, partial(sgd, lr=0.003)),
    "default_adam": ("default", False, partial(Adam, lr=1e-3)),
    "default_adam_eps": ("default", False, partial(Adam, lr=1e-3, eps=1e-18)),
    "default_norm": ("default", True, partial(sgd, lr=0.05)),
    "kaiming_low": ("kaiming", False, partial(sgd, lr=0.003)),
    "kaiming_adam": ("kaiming", False, partial(Adam, lr=1e-3)),
}


def network(weights: str, norm: bool, depth: int) -> nn.Module:
    sizes = [64] * depth + [10]
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        linear = nn.Linear(inputs, outputs)
        if weights == "kaiming":  # kaiming_uniform_ for ReLU, on the draw that "default" keeps
            linear.weight.data *= 6**0.5
            nn.init.zeros_(linear.bias)
        layers += [linear, *([nn.BatchNorm1d(outputs)] if norm else []), nn.ReLU()]
    return nn.Sequential(*layers[: -2 if norm else -1])  # the last layer gives the logits


def experiment(
    seeds: Sequence[int], device: torch.device, *, depth: int = 30, steps: int = 250
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:128]
    nets = {
        arm: Ensemble(partial(network, weights, norm, depth), seeds, device)
        for arm, (weights, norm, _) in ARMS.items()
    }
    optimizers = {arm: optimize(nets[arm]) for arm, (_, _, optimize) in ARMS.items()}
    first = {arm: net.net.get_parameter("0.weight").detach() for arm, net in nets.items()}  # (M, 64, 64)
    start = {arm: weight.clone() for arm, weight in first.items()}

    @torch.no_grad()
    def score(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        found = {}
        for arm, net in nets.items():
            found[arm] = accuracy(net.eval().same(images), labels) * 100
            net.train()
        return found

    def moved() -> dict[str, Tensor]:
        share = {
            arm: (first[arm] - start[arm]).flatten(1).double().norm(dim=1) / start[arm].flatten(1).norm(dim=1)
            for arm in nets
        }
        return {arm: far.log10().clamp(min=-45) for arm, far in share.items()}  # -45: not one bit

    for step, rows in enumerate(batches(seeds, training_rows(seeds, 75), BATCH, device)):
        if step % 8 == 0 or step == steps:
            series = {"accuracy": score(watched.flat, watched.labels)}
            if step:
                series["moved"] = moved()
            yield Point(step, steps, series)
        if step == steps:
            break
        x, labels = gather(data.flat, rows), data.labels[rows]
        for arm, net in nets.items():
            optimizers[arm].step(cross_entropy(net(x), labels))

    yield Outcome({"accuracy": score(test.flat, test.labels), "moved": moved()})

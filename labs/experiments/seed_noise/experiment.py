"""Seed noise: the same code on the same data, run again with another seed. How often does it look better?

Data     one fixed training set of 20 digits of each class, the same for every run; 898 held-out images
Arms     a group of identical runs a seed, which differ in initialisation and order alone: its best, its worst
         and all of them
Metric   accuracy on the held-out images; the share of ordered pairs of runs in which the second one is better
         by at least half a point, or a whole one; the standard deviation between runs
Cost     steps Adam steps of eight small CNNs a seed, all at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

EVERY = 10


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(128, 10)),
    )


def spread(right: Tensor) -> dict[str, Tensor]:
    """The group's best and worst run and its mean. right: (seeds, runs), per cent."""
    return {"best": right.amax(1), "worst": right.amin(1), "all": right.mean(1)}


def better(right: Tensor, points: float) -> Tensor:
    """Per cent of ordered pairs of a group's runs whose second is better by at least so many points."""
    runs = right.shape[1]
    gained = right[:, None, :] - right[:, :, None]  # (seeds, first, second)
    return (gained >= points - 1e-9).flatten(1).sum(1) * 100 / (runs * (runs - 1))


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 300, per_class: int = 20, runs: int = 8
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:256]  # enough for a curve; the outcomes are measured on all 898
    members = [1000 * seed + number for seed in seeds for number in range(runs)]
    net = Ensemble(cnn, members, device)
    adam = Adam(net, lr=3e-3)
    fixed = training_rows([0], per_class)[0]  # whatever the seed: the data is no part of the noise here

    for step, rows in enumerate(batches(members, fixed, min(64, len(fixed)), device)):
        if step % EVERY == 0:
            with torch.no_grad():
                now = accuracy(net.same(watched.images), watched.labels).view(len(seeds), runs) * 100
            yield Point(step, steps, {"accuracy": spread(now)})
        if step == steps:
            break
        adam.step(cross_entropy(net(gather(data.images, rows)), data.labels[rows]))

    with torch.no_grad():
        right = accuracy(net.same(test.images), test.labels).view(len(seeds), runs) * 100
    yield Outcome(
        {
            "accuracy": spread(right),
            "half_point": {"all": better(right, 0.5)},
            "whole_point": {"all": better(right, 1.0)},
            "deviation": {"all": right.std(1)},
        }
    )

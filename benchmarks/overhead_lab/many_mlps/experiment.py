"""Eighty small networks in one loop, with and without telling: what do journal and streaming cost?

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     an MLP at five learning rates
Metric   accuracy on the held-out images
Cost     `steps` SGD steps of a small MLP; at 16 seeds, 80 members
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import Digits, digits, held_out_rows, training_rows
from labs.ensemble import SGD, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

RATES = {"lr_1": 0.01, "lr_2": 0.02, "lr_3": 0.05, "lr_4": 0.1, "lr_5": 0.2}
LOSS_EVERY, ACCURACY_EVERY = 5, 22


def started(seeds: Sequence[int], device: torch.device) -> tuple[Digits, Ensemble, SGD, Iterator[Tensor]]:
    members = [seed for _ in RATES for seed in seeds]  # arm by arm
    rates = [rate for rate in RATES.values() for _ in seeds]
    net = Ensemble(lambda: nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)), members, device)
    rows = training_rows(seeds).repeat(len(RATES), 1)
    return digits(device), net, SGD(net, rates, momentum=0.9), batches(members, rows, 64, device)


@torch.no_grad()
def score(net: Ensemble, on: Digits) -> Tensor:
    right = accuracy(net.eval().same(on.flat), on.labels) * 100
    net.train()
    return right


def by_arm(values: Tensor) -> dict[str, Tensor]:
    return dict(zip(RATES, values.view(len(RATES), -1), strict=True))


def experiment(seeds: Sequence[int], device: torch.device, *, steps: int = 440) -> Iterator[Point | Outcome]:
    data, net, sgd, walk = started(seeds, device)
    test = data[held_out_rows().to(device)]
    for step, rows in zip(range(steps), walk, strict=False):
        loss = cross_entropy(net(gather(data.flat, rows)), data.labels[rows])
        sgd.step(loss)
        if step % LOSS_EVERY == 0:
            yield Point(step, steps, {"loss": by_arm(loss.detach())})
        if step % ACCURACY_EVERY == 0:
            yield Point(step, steps, {"accuracy": by_arm(score(net, test))})
    yield Outcome({"accuracy": by_arm(score(net, test))})


def untold(seeds: Sequence[int], device: torch.device, *, steps: int = 440) -> Tensor:
    """The same training and the same measurements, with nobody to hear of them before the end."""
    data, net, sgd, walk = started(seeds, device)
    test = data[held_out_rows().to(device)]
    for step, rows in zip(range(steps), walk, strict=False):
        sgd.step(cross_entropy(net(gather(data.flat, rows)), data.labels[rows]))
        if step % ACCURACY_EVERY == 0:
            score(net, test)
    return score(net, test)

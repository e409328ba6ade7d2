"""Blank frames through a frozen network: no weight moves, and yet the accuracy can collapse.

Data     digits, 50 training images of each drawn by the seed; blank images of one shade; 898 held-out images
Arms     one trained CNN with 4 BatchNorm layers a seed, all weights frozen, no_grad on; blank batches of 64
         pass through it in train() mode, and through a copy of it in eval() mode
Metric   accuracy of eval() on the held-out images before, between and after the blank batches; parameter
         tensors that changed
Cost     200 Adam steps and 2 x 100 forward passes of a small CNN, all seeds at once
"""

import copy
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import Digits, digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

STEPS = 200  # of training, before the frames


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )


@torch.no_grad()
def score(net: Ensemble, on: Digits) -> Tensor:
    """Per cent right in eval(), whatever mode the network is in before and after."""
    mode = net.training
    right = accuracy(net.eval().same(on.images), on.labels) * 100
    net.train(mode)
    return right


def experiment(
    seeds: Sequence[int], device: torch.device, *, frames: int = 100, shade: float = 0.0
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:256]  # enough for a curve; the outcomes are measured on all 898
    end = STEPS + frames

    net = Ensemble(cnn, seeds, device)
    adam = Adam(net, lr=3e-3)
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step % 5 == 0 and step < STEPS:
            now = score(net, watched)
            yield Point(step, end, {"accuracy": {"train": now, "eval": now}})  # still one network
        if step == STEPS:
            break
        adam.step(cross_entropy(net(gather(data.images, rows)), data.labels[rows]))

    arms = {"train": net.requires_grad_(False).train(), "eval": copy.deepcopy(net).eval()}
    trained = copy.deepcopy(list(net.parameters()))
    before = score(net, test)
    blank = torch.full((64, 1, 8, 8), shade, device=device)
    for frame in range(frames + 1):
        if frame % 2 == 0 or frame == frames:
            yield Point(
                STEPS + frame, end, {"accuracy": {arm: score(net, watched) for arm, net in arms.items()}}
            )
        if frame < frames:
            with torch.no_grad():
                for net in arms.values():
                    net.same(blank)

    after = {arm: score(net, test) for arm, net in arms.items()}
    changed = {}
    for arm, net in arms.items():
        pairs = zip(net.parameters(), trained, strict=True)
        changed[arm] = torch.stack([(now != then).flatten(1).any(1) for now, then in pairs]).sum(0)
    yield Outcome(
        {
            "accuracy": after,
            "accuracy_change": {arm: after[arm] - before for arm in arms},
            "parameters_changed": changed,
        }
    )

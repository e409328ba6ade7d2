"""Batches of 8 or of all 500 images: is it the batch size that counts, or the number of updates?

Data     digits, 50 training images of each drawn by the seed: 500 images
Arms     one CNN trained with batches of 8, 32, 128 or 500; the same learning rate, SGD with momentum
Metric   accuracy on the held-out images after `epochs` epochs (few updates with large batches) and after
         `updates` updates (many epochs with large batches)
Cost     each arm trains until it has both: for batch 8 the epochs decide, for 500 the updates
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import SGD, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = {"b8": 8, "b32": 32, "b128": 128, "b500": 500}
IMAGES, POINTS = 500, 40


def network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )


def experiment(
    seeds: Sequence[int], device: torch.device, *, epochs: int = 6, updates: int = 100, lr: float = 0.05
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:200]
    rows = training_rows(seeds, IMAGES // 10)
    after_epochs = {arm: epochs * (IMAGES // size) for arm, size in ARMS.items()}  # in updates
    last = {arm: max(after_epochs[arm], updates) for arm in ARMS}
    nets = {arm: Ensemble(network, seeds, device) for arm in ARMS}
    sgds = {arm: SGD(net, lr, momentum=0.9) for arm, net in nets.items()}
    feeds = {arm: batches(seeds, rows, size, device) for arm, size in ARMS.items()}
    values: dict[str, dict[str, Tensor]] = {"equal_epochs": {}, "equal_updates": {}}

    @torch.no_grad()
    def score(arm: str, images: Tensor, labels: Tensor) -> Tensor:
        return accuracy(nets[arm].same(images), labels) * 100

    for part in range(POINTS + 1):
        for arm, net in nets.items():
            while sgds[arm].steps < last[arm] * part // POINTS:
                batch = next(feeds[arm])
                sgds[arm].step(cross_entropy(net(gather(data.images, batch)), data.labels[batch]))
                if sgds[arm].steps == after_epochs[arm]:
                    values["equal_epochs"][arm] = score(arm, test.images, test.labels)
                if sgds[arm].steps == updates:
                    values["equal_updates"][arm] = score(arm, test.images, test.labels)
            now = score(arm, watched.images, watched.labels)
            yield Point(sgds[arm].steps, last[arm], {"accuracy": {arm: now}})
    yield Outcome(values)

"""The training file is sorted by class. What does DataLoader's default order make of it?

Data     digits, 75 training images of each drawn by the seed, sorted by class as in many a folder of images
Arms     the same CNN fed by a real DataLoader: with shuffle=True, and with nothing said about shuffle
Metric   accuracy on the 898 held-out images; of the guesses, the share that goes to the most frequent class
Cost     `epochs` epochs of SGD with momentum for the two arms, all seeds at once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import SGD, Ensemble, accuracy, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("shuffled", "default")
BATCH, PER_CLASS = 32, 75


def network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )


def epoch(arm: str, rows: Tensor, generator: torch.Generator) -> Tensor:
    """The rows of one epoch as this arm's DataLoader deals them out: (batches, BATCH)."""
    shuffle = {"shuffle": True} if arm == "shuffled" else {}
    loader = DataLoader(rows.tolist(), BATCH, drop_last=True, generator=generator, **shuffle)
    return torch.stack(list(loader))


def experiment(
    seeds: Sequence[int], device: torch.device, *, epochs: int = 3, lr: float = 0.1
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    sets = training_rows(seeds, PER_CLASS)  # stands in the order of the classes already
    generators = {arm: [torch.Generator().manual_seed(seed) for seed in seeds] for arm in ARMS}
    nets = {arm: Ensemble(network, seeds, device) for arm in ARMS}
    sgds = {arm: SGD(net, lr, momentum=0.9) for arm, net in nets.items()}
    steps, step = epochs * (10 * PER_CLASS // BATCH), 0

    @torch.no_grad()
    def guesses() -> dict[str, Tensor]:
        return {arm: net.same(test.images) for arm, net in nets.items()}

    def right(now: dict[str, Tensor]) -> dict[str, Tensor]:
        return {arm: accuracy(logits, test.labels) * 100 for arm, logits in now.items()}

    for _ in range(epochs):
        orders = {
            arm: torch.stack([epoch(arm, rows, g) for rows, g in zip(sets, generators[arm], strict=True)], 1)
            for arm in ARMS
        }
        for number in range(orders["default"].shape[0]):
            if step % 2 == 0:
                yield Point(step, steps, {"accuracy": right(guesses())})
            for arm, net in nets.items():
                rows = orders[arm][number].to(device)
                sgds[arm].step(cross_entropy(net(gather(data.images, rows)), data.labels[rows]))
            step += 1

    last = guesses()
    yield Point(steps, steps, {"accuracy": right(last)})
    counts = {
        arm: torch.stack([(x.argmax(1) == k).double().mean(1) for k in range(10)]) for arm, x in last.items()
    }
    yield Outcome({"accuracy": right(last), "one_class": {arm: 100 * counts[arm].amax(0) for arm in ARMS}})

"""One fixed shuffle of the pixels, the same for all images. Which network loses what it relied on?

Data     digits at random positions of a 16x16 canvas, 75 training images of each drawn by the seed and
         put at a new place whenever they are shown; each seed has its own shuffle of the 256 pixels. By name:
         FashionMNIST or CIFAR-10 scaled down to 16x16, 500 training images of each class, 2,000 test images
Arms     a CNN (two 3x3 convolutions, global max pooling) and an MLP, on the images as they are and shuffled
Metric   accuracy on the 898 held-out images, each at 6 random positions; for the MLP the mean of 4 networks
Cost     `steps` Adam steps of the four networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, named, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy
from labs.report import Outcome, Point

ARMS = {"cnn": False, "cnn_shuffled": True, "mlp": False, "mlp_shuffled": True}  # arm -> shuffled
SIDE, RATE, PHOTO_RATE = 16, 1e-2, 3e-3  # the rates fall to 0 over the steps
PLACES = (SIDE - 8 + 1) ** 2
TESTS = 6  # positions of each held-out image
PHOTOS = 500  # training images of each class, where photos are asked for by name
COPIES = {"cnn": 1, "mlp": 4}  # networks a seed; a single MLP varies by more than the rule allows


def network(arm: str, channels: int) -> nn.Module:
    if arm.startswith("mlp"):
        return nn.Sequential(nn.Flatten(), nn.Linear(channels * SIDE**2, 96), nn.ReLU(), nn.Linear(96, 10))
    return nn.Sequential(
        *(nn.Conv2d(channels, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 10)),
    )


def pixels_at(places: Tensor) -> Tensor:
    """For each place (0 to PLACES - 1) and canvas pixel: the digit's pixel seen there, or 64 for none."""
    y, x = torch.arange(SIDE)[:, None], torch.arange(SIDE)[None]
    top, left = (places // (SIDE - 7))[:, None, None], (places % (SIDE - 7))[:, None, None]
    inside = (y >= top) & (y < top + 8) & (x >= left) & (x < left + 8)
    return torch.where(inside, 8 * (y - top) + x - left, 64).flatten(1)


class Digits:
    """Each digit at a new place of the empty canvas whenever it is shown."""

    channels, tests, rate = 1, TESTS, RATE

    def __init__(
        self, seeds: Sequence[int], device: torch.device, draws: list[torch.Generator], positions: str
    ) -> None:
        data = digits(device)
        self.labels = data.labels
        self.ink = nn.functional.pad(data.flat, (0, 1))  # pixel 64 is empty
        self.canvas = pixels_at(torch.arange(PLACES)).to(device)
        self.train, self.test = training_rows(seeds, 75), held_out_rows().to(device)
        self.draws, self.positions = draws, positions

    def places(self, count: int) -> Tensor:
        """Where so many images of each seed are shown: (seeds, count)."""
        device = self.labels.device
        if self.positions == "centred":
            return torch.full((len(self.draws), count), PLACES // 2, device=device)
        return torch.stack([torch.randint(PLACES, (count,), generator=draw) for draw in self.draws]).to(
            device
        )

    def shown(self, rows: Tensor, where: Tensor, order: Tensor) -> Tensor:
        """For rows and places (seeds, B) and an order of the pixels (seeds, 256): (seeds, B, 1, SIDE, SIDE)."""
        pixels = self.canvas[where].gather(2, order[:, None].expand(-1, rows.shape[1], -1))
        return self.ink[rows].gather(2, pixels).unflatten(2, (1, SIDE, SIDE))


class Photos:
    """Photos scaled down to the canvas, which they fill: places mean nothing to them."""

    tests, rate = 1, PHOTO_RATE

    def __init__(self, seeds: Sequence[int], device: torch.device, name: str) -> None:
        read = named.photos(name, device, SIDE)
        self.labels = torch.cat([read.labels, read.test_labels])
        self.pixels = torch.cat([read.images, read.test_images]).flatten(2)
        self.channels = self.pixels.shape[1]
        self.train = named.training_rows(read.labels, seeds, PHOTOS)
        self.test = torch.arange(len(read.labels), len(self.labels), device=device)
        self.seeds = len(seeds)

    def places(self, count: int) -> Tensor:
        return torch.zeros((self.seeds, count), dtype=torch.long, device=self.labels.device)

    def shown(self, rows: Tensor, where: Tensor, order: Tensor) -> Tensor:
        x = self.pixels[rows]  # (seeds, B, channels, 256)
        return x.gather(3, order[:, None, None].expand(x.shape)).unflatten(3, (SIDE, SIDE))


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    steps: int = 250,
    positions: str = "random",
    data: str = "digits",
) -> Iterator[Point | Outcome]:
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    straight = torch.arange(SIDE**2).expand(len(seeds), -1)
    shuffled = torch.stack([torch.randperm(SIDE**2, generator=draw) for draw in draws])
    order = {False: straight.to(device), True: shuffled.to(device)}
    source: Digits | Photos
    if data == "digits":
        source = Digits(seeds, device, draws, positions)
    else:
        source = Photos(seeds, device, data)

    def shown(arm: str, rows: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
        """Images (M, B, channels, SIDE, SIDE) and labels (M, B), M with all copies."""
        x = source.shown(rows, where, order[ARMS[arm]])
        return x.repeat_interleave(copies[arm], 0), source.labels[rows].repeat_interleave(copies[arm], 0)

    copies = {arm: COPIES[arm[:3]] for arm in ARMS}
    nets = {
        arm: Ensemble(
            partial(network, arm, source.channels),
            [seed + 10**6 * copy for seed in seeds for copy in range(copies[arm])],
            device,
        )
        for arm in ARMS
    }
    adams = {arm: Adam(net, lr=source.rate) for arm, net in nets.items()}
    test_rows = source.test.expand(len(seeds), -1)
    test_places = [source.places(len(source.test)) for _ in range(source.tests)]

    @torch.no_grad()
    def score(number: int, count: int) -> dict[str, Tensor]:
        rows, where = test_rows[:, :count], test_places[number][:, :count]
        found = {}
        for arm, net in nets.items():
            x, labels = shown(arm, rows, where)
            found[arm] = accuracy(net(x), labels).view(len(seeds), -1).mean(1) * 100
        return found

    for step, rows in enumerate(batches(seeds, source.train, 32, device)):
        if step % 5 == 0:
            yield Point(step, steps, {"accuracy": score(0, 100)})
        if step == steps:
            break
        where = source.places(rows.shape[1])
        for arm, net in nets.items():
            adams[arm].lr = source.rate * (1 - step / steps)
            x, labels = shown(arm, rows, where)
            adams[arm].step(cross_entropy(net(x), labels))
    tests = [score(number, len(source.test)) for number in range(source.tests)]
    yield Outcome({"accuracy": {arm: torch.stack([test[arm] for test in tests]).mean(0) for arm in ARMS}})

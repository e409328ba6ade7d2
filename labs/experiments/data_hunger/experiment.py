"""Can a network without the convolutional prior learn images at all? With enough of them?

Data     digits at random positions of a 16x16 canvas: 20, 100 or 800 canvases of each digit, made from at most
         75 images of it drawn by the seed
Arms     a CNN (two 3x3 convolutions, global max pooling) on 200 canvases in all; an MLP 256-256-128-10 on 200,
         1,000 and 8,000
Metric   accuracy on the 898 held-out images, each at two random positions
Cost     `steps` Adam steps of the four networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy
from labs.report import Outcome, Point

ARMS = {"cnn_200": 200, "mlp_200": 200, "mlp_1000": 1000, "mlp_8000": 8000}  # arm -> canvases
SIDE, TESTS, BATCH, RATES = 16, 2, 32, {"cnn": 1e-2, "mlp": 2e-3}  # rates fall to 0 over the steps
PLACES = (SIDE - 8 + 1) ** 2


def network(arm: str) -> nn.Module:
    if arm.startswith("cnn"):
        return nn.Sequential(
            *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU()),
            *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(16, 10)),
        )
    return nn.Sequential(
        *(nn.Flatten(), nn.Linear(SIDE**2, 256), nn.ReLU()),
        *(nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)),
    )


def pixels_at(places: Tensor) -> Tensor:
    """For each place (0 to PLACES - 1) and canvas pixel: the digit's pixel seen there, or 64 for none."""
    y, x = torch.arange(SIDE)[:, None], torch.arange(SIDE)[None]
    top, left = (places // (SIDE - 7))[:, None, None], (places % (SIDE - 7))[:, None, None]
    inside = (y >= top) & (y < top + 8) & (x >= left) & (x < left + 8)
    return torch.where(inside, 8 * (y - top) + x - left, 64).flatten(1)


def experiment(seeds: Sequence[int], device: torch.device, *, steps: int = 600) -> Iterator[Point | Outcome]:
    data = digits(device)
    ink = nn.functional.pad(data.flat, (0, 1))  # pixel 64 is empty
    canvas = pixels_at(torch.arange(PLACES)).to(device)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    members = torch.arange(len(seeds), device=device)[:, None]

    def places(count: int) -> Tensor:
        return torch.stack([torch.randint(PLACES, (count,), generator=draw) for draw in draws]).to(device)

    def images(rows: Tensor, where: Tensor) -> Tensor:
        """(M, B, 1, SIDE, SIDE) for rows and places (M, B)."""
        return ink[rows].gather(2, canvas[where]).unflatten(2, (1, SIDE, SIDE))

    sets = {}  # arm -> rows and places, (M, canvases) each
    for arm, size in ARMS.items():
        originals = training_rows(seeds, min(75, size // 10)).to(device)
        rows = originals.repeat(1, -(-size // originals.shape[1]))[:, :size]
        sets[arm] = rows, places(size)
    test = held_out_rows().to(device).expand(len(seeds), -1)
    tests = [places(test.shape[1]) for _ in range(TESTS)]

    nets = {arm: Ensemble(partial(network, arm), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=RATES[arm[:3]]) for arm, net in nets.items()}
    feeds = {arm: batches(seeds, torch.arange(size), BATCH, device) for arm, size in ARMS.items()}

    @torch.no_grad()
    def score(number: int, count: int) -> dict[str, Tensor]:
        shown = images(test[:, :count], tests[number][:, :count])
        return {arm: accuracy(net(shown), data.labels[test[:, :count]]) * 100 for arm, net in nets.items()}

    for step in range(steps):
        if step % 10 == 0:
            yield Point(step, steps, {"accuracy": score(0, 100)})
        for arm, net in nets.items():
            chosen = next(feeds[arm])
            rows, where = (both[members, chosen] for both in sets[arm])
            adams[arm].lr = RATES[arm[:3]] * (1 - step / steps)
            adams[arm].step(cross_entropy(net(images(rows, where)), data.labels[rows]))
    parts = [score(number, test.shape[1]) for number in range(TESTS)]
    last = {arm: torch.stack([part[arm] for part in parts]).mean(0) for arm in ARMS}
    yield Point(steps, steps, {"accuracy": last})
    yield Outcome({"accuracy": last})

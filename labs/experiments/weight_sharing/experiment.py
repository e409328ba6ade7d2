"""The same wiring with and without shared weights: what does the right know of a feature learnt on the left?

Data     digits on a 16x16 canvas, 60 training images of each drawn by the seed; trained with the digit 0 to
         3 columns from the left edge, tested there and 5 to 8 columns from it, where none was ever seen
Arms     two 3x3 layers, global max pooling and a linear layer: as convolutions, or with own weights at each
         position (locally connected); and a plain MLP
Metric   accuracy on the held-out digits at columns seen and not seen in training
Cost     steps Adam steps of the three networks, all seeds at once; the unshared weights take most of it
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("shared", "unshared", "mlp")
SIZE, TOP = 16, 4  # of the canvas; rows above the digit
SEEN, UNSEEN = (0, 1, 2, 3), (5, 6, 7, 8)  # columns left of the digit


class LocallyConnected(nn.Module):
    """A 3x3 convolution with padding 1 that has its own kernels at each of side x side positions."""

    def __init__(self, channels: int, out: int, side: int) -> None:
        super().__init__()
        self.channels, self.out, self.side = channels, out, side
        # one group a position: holds the weights, drawn as those of a 3x3 convolution would be
        self.at = nn.Conv2d(side**2 * channels * 9, side**2 * out, 1, groups=side**2)

    def forward(self, x: Tensor) -> Tensor:  # (B, M * channels, side, side); M = 1 for a plain network
        batch, side = x.shape[0], self.side
        x = x.unflatten(1, (-1, self.channels)).permute(1, 3, 4, 2, 0)  # (M, side, side, channels, B)
        x = F.pad(x, (0, 0, 0, 0, 1, 1, 1, 1))
        patches = torch.stack([x[:, i : i + side, j : j + side] for i in range(3) for j in range(3)], 3)
        patches = patches.view(-1, 9 * self.channels, batch)  # one a position, all members below each other
        weight = self.at.weight.view(-1, self.out, 9 * self.channels)
        bias = self.at.get_parameter("bias").view(-1, self.out, 1)
        y = torch.baddbmm(bias, weight, patches)
        y = y.view(-1, side, side, self.out, batch).permute(4, 0, 3, 1, 2)
        return y.flatten(1, 2).contiguous(memory_format=torch.channels_last)


def network(arm: str, width: int) -> nn.Module:
    if arm == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(SIZE**2, 64), nn.ReLU(), nn.Linear(64, 10))
    first: nn.Module = nn.Conv2d(1, width, 3, padding=1)
    second: nn.Module = nn.Conv2d(width, 2 * width, 3, padding=1)
    if arm == "unshared":
        first = LocallyConnected(1, width, SIZE)
        second = LocallyConnected(width, 2 * width, SIZE // 2)
    return nn.Sequential(
        *(first, nn.ReLU(), nn.MaxPool2d(2), second, nn.ReLU()),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10)),
    )


def placed(images: Tensor, column: int) -> Tensor:
    """The 8x8 digits on empty canvases, `column` pixels from the left edge."""
    return F.pad(images, (column, SIZE - 8 - column, TOP, SIZE - 8 - TOP))


def spread(images: Tensor, columns: Sequence[int]) -> Tensor:
    """Each digit at one of the columns, in turn."""
    everywhere = torch.stack([placed(images, column) for column in columns])
    number = torch.arange(len(images), device=images.device)
    return everywhere[number % len(columns), number]


@torch.no_grad()
def score(net: Ensemble, images: Tensor, labels: Tensor) -> Tensor:
    """Per cent right."""
    return accuracy(net.same(images), labels) * 100


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 100, width: int = 8
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    at = {"seen": spread(test.images, SEEN), "unseen": spread(test.images, UNSEEN)}
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=1e-2) for arm, net in nets.items()}
    canvases = torch.cat(
        [placed(data.images, column) for column in SEEN]
    )  # all at SEEN[0], all at SEEN[1]...
    offsets = [torch.Generator().manual_seed(seed) for seed in seeds]

    for step, rows in enumerate(batches(seeds, training_rows(seeds, 60), 64, device)):
        if step % 3 == 0 or step == steps:
            seen = {arm: score(net, at["seen"][:64], test.labels[:64]) for arm, net in nets.items()}
            unseen = {arm: score(net, at["unseen"][:64], test.labels[:64]) for arm, net in nets.items()}
            yield Point(step, steps, {"seen": seen, "unseen": unseen})
        if step == steps:
            break
        columns = torch.stack([torch.randint(len(SEEN), (64,), generator=g) for g in offsets]).to(device)
        x = gather(canvases, rows + len(data.images) * columns)
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(x), data.labels[rows]))

    yield Outcome(
        {where: {arm: score(net, x, test.labels) for arm, net in nets.items()} for where, x in at.items()}
    )

"""Do deeper layers hold more abstract features? A linear probe reads every layer, trained and untrained.

Data     digits at random positions of a 16x16 canvas; 75 training images of each drawn by the seed
Arms     a network of four 3x3 convolutions and global max pooling, trained; and the same network as it was drawn
Metric   accuracy of a ridge classifier that sees a layer's map, max-pooled to 2x2, of 200 labelled canvases;
         tested on the 898 held-out images; what is gained from layer 1 to layer 4
Cost     `steps` Adam steps of one network a seed; some 20 rounds of probes
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, batches, cross_entropy
from labs.report import Outcome, Point

ARMS, LAYERS = ("trained", "random"), (1, 2, 3, 4)
SIDE, LABELLED, BATCH, RATE = 16, 200, 32, 4e-3  # the rate falls to 0 over the steps
PLACES = (SIDE - 8 + 1) ** 2


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        sizes = [1, 8, 16, 24, 24]
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sizes)])
        self.out = nn.Sequential(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(sizes[-1], 10))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.maps(x)[-1])

    def maps(self, x: Tensor) -> list[Tensor]:
        """After each convolution; the first and the third are followed by pooling."""
        found = []
        for layer, conv in enumerate(self.convs.children(), 1):
            x = conv(x).relu()
            x = F.max_pool2d(x, 2) if layer in (1, 3) else x
            found.append(x)
        return found


def pixels_at(places: Tensor) -> Tensor:
    """For each place (0 to PLACES - 1) and canvas pixel: the digit's pixel seen there, or 64 for none."""
    y, x = torch.arange(SIDE)[:, None], torch.arange(SIDE)[None]
    top, left = (places // (SIDE - 7))[:, None, None], (places % (SIDE - 7))[:, None, None]
    inside = (y >= top) & (y < top + 8) & (x >= left) & (x < left + 8)
    return torch.where(inside, 8 * (y - top) + x - left, 64).flatten(1)


def probed(features: Tensor, labels: Tensor, shown: Tensor, wanted: Tensor, ridge: float) -> Tensor:
    """Per cent right of ridge regression on one-hot labels (M,). features, shown: (M, B, F); labels (M, B)."""
    mean, spread = features.mean(1, keepdim=True), features.std(1, keepdim=True) + 1e-6
    x, x_test = (features - mean) / spread, (shown - mean) / spread
    y = F.one_hot(labels, 10).to(x.dtype) - 0.1
    gram = x.transpose(1, 2) @ x + ridge * torch.eye(x.shape[2], dtype=x.dtype)
    weights = torch.linalg.solve(gram, x.transpose(1, 2) @ y)
    return ((x_test @ weights).argmax(2) == wanted).double().mean(1) * 100


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 400, ridge: float = 10.0
) -> Iterator[Point | Outcome]:
    data = digits(device)
    ink = F.pad(data.flat, (0, 1))  # pixel 64 is empty
    canvas = pixels_at(torch.arange(PLACES)).to(device)
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    rows_of = training_rows(seeds, 75).to(device)
    labelled = rows_of.unflatten(1, (10, 75))[:, :, : LABELLED // 10].flatten(1)
    test = held_out_rows().to(device).expand(len(seeds), -1)

    def images(rows: Tensor) -> Tensor:
        """(M, B, 1, SIDE, SIDE): each digit at a place drawn now."""
        where = torch.stack([torch.randint(PLACES, (rows.shape[1],), generator=draw) for draw in draws])
        return ink[rows].gather(2, canvas[where.to(device)]).unflatten(2, (1, SIDE, SIDE))

    net = Ensemble(Net, seeds, device)
    adam = Adam(net, lr=RATE)
    seen, asked = images(labelled), images(test)

    @torch.no_grad()
    def features(x: Tensor) -> list[Tensor]:
        """(M, B, channels * 4) of each layer, on the CPU."""
        maps = cast(Net, net.net).maps(x.transpose(0, 1).flatten(1, 2))
        pooled = [F.adaptive_max_pool2d(one, 2).unflatten(1, (len(seeds), -1)) for one in maps]
        return [one.flatten(2).transpose(0, 1).cpu() for one in pooled]

    def probes(count: int) -> list[Tensor]:
        known, shown = features(seen), features(asked[:, :count])
        given, wanted = data.labels[labelled].cpu(), data.labels[test[:, :count]].cpu()
        return [probed(a, given, b, wanted, ridge) for a, b in zip(known, shown, strict=True)]

    at_start, watched = probes(test.shape[1]), probes(150)
    for step, rows in enumerate(batches(seeds, rows_of.cpu(), BATCH, device)):
        if step % 15 == 0:
            now = probes(150)
            yield Point(
                step,
                steps,
                {f"layer_{n}": {"trained": now[n - 1], "random": watched[n - 1]} for n in (1, 4)},
            )
        if step >= steps:
            break
        adam.lr = RATE * (1 - step / steps)
        adam.step(cross_entropy(net(images(rows)), data.labels[rows]))

    found = {"trained": probes(test.shape[1]), "random": at_start}
    values = {f"layer_{n}": {arm: found[arm][n - 1] for arm in ARMS} for n in LAYERS}
    values["gain"] = {arm: found[arm][3] - found[arm][0] for arm in ARMS}
    yield Outcome(values)

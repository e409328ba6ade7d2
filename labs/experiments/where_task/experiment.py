"""Is the blob in the left half or in the right? A question that pooling over the whole map cannot answer.

Data     16x16 noise with one bright 3x3 blob; the label says in which half it lies; half of each
Arms     two 3x3 convolutions and ReLU, then a linear layer over the flattened map, or over the map's
         average; the average with circular padding (no border to go by) or with zeros around the map
Metric   accuracy on 1,000 new images of each half; chance is 50 %
Cost     steps Adam steps of the three networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = {"average": "circular", "average_zeros": "constant", "flatten": "circular"}  # arm -> padding
SIZE, TRAINING, TEST = 16, 512, 2000


class Net(nn.Module):
    def __init__(self, arm: str, width: int) -> None:
        super().__init__()
        self.padding = ARMS[arm]
        self.first, self.second = nn.Conv2d(1, width, 3), nn.Conv2d(width, 2 * width, 3)
        self.pool = nn.Identity() if arm == "flatten" else nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.out = nn.Linear(2 * width * (SIZE**2 if arm == "flatten" else 1), 2)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second):
            x = F.pad(x, (1, 1, 1, 1), self.padding)
            x = layer(x).relu()
        return self.out(self.flatten(self.pool(x)))


def images(seed: int) -> tuple[Tensor, Tensor]:
    """Every second image has its blob on the left (label 0), the others on the right (label 1)."""
    generator = torch.Generator().manual_seed(seed)
    count = TRAINING + TEST
    x = 0.3 * torch.randn(count, 1, SIZE, SIZE, generator=generator)
    labels = torch.arange(count) % 2
    half = SIZE // 2
    left = torch.randint(half - 2, (count,), generator=generator) + half * labels  # the blob is 3 wide
    top = torch.randint(SIZE - 2, (count,), generator=generator)
    for number in range(count):
        x[number, 0, top[number] : top[number] + 3, left[number] : left[number] + 3] += 1.0
    return x, labels


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 60, width: int = 8
) -> Iterator[Point | Outcome]:
    drawn = [images(seed) for seed in seeds]
    x = torch.cat([x for x, _ in drawn]).to(device)  # the images of all seeds, one seed after the other
    y = torch.cat([y for _, y in drawn]).to(device)
    start = (TRAINING + TEST) * torch.arange(len(seeds)).unsqueeze(1)
    test = (start + torch.arange(TRAINING, TRAINING + TEST)).to(device)
    watched = test[:, :60]
    nets = {arm: Ensemble(partial(Net, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=5e-3) for arm, net in nets.items()}

    @torch.no_grad()
    def score(rows: Tensor) -> dict[str, Tensor]:
        return {arm: accuracy(net(gather(x, rows)), y[rows]) * 100 for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, start + torch.arange(TRAINING), 32, device)):
        if step % 2 == 0:
            yield Point(step, steps, {"accuracy": score(watched)})
        if step == steps:
            break
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(gather(x, rows)), y[rows]))

    parts = [score(rows) for rows in test.split(250, dim=1)]
    yield Outcome({"accuracy": {arm: torch.stack([part[arm] for part in parts]).mean(0) for arm in ARMS}})

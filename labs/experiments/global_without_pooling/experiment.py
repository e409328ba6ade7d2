"""Are more than half of the pixels on? Every pixel counts. Which networks without pooling can tell?

Data     16x16 images, each pixel on with a probability drawn for the image around a half; the label says
         whether more than half of the 256 pixels are on
Arms     a convolution and the average over the map; without pooling: a convolution, flattened; four
         convolutions of stride 2; four dilated convolutions, read at the centre; and, to compare with, a
         single 3x3 convolution read at the centre, which sees 9 pixels
Metric   accuracy on 1,000 new images; chance is 50 %
Cost     steps Adam steps of the five networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("average", "flatten", "stride", "dilated", "patch")
RATE = 1e-2  # falls to 0 over the steps
SIZE, TRAINING, TEST = 16, 4000, 1000


class Centre(nn.Module):
    """Keeps the pixel in the middle of the map."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        middle = x.shape[2] // 2
        return self.flatten(x[:, :, middle : middle + 1, middle : middle + 1])


def network(arm: str, width: int) -> nn.Module:
    def conv(channels: int, stride: int = 1, dilation: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(channels, width, 3, stride, dilation, dilation), nn.ReLU()]

    if arm == "average":
        layers = [*conv(1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    elif arm == "flatten":
        layers = [*conv(1), nn.Flatten()]
    elif arm == "stride":
        layers = [*conv(1, 2), *conv(width, 2), *conv(width, 2), *conv(width, 2), nn.Flatten()]
    elif arm == "dilated":  # sees 31 x 31 pixels
        layers = [*conv(1), *conv(width, 1, 2), *conv(width, 1, 4), *conv(width, 1, 8), Centre()]
    else:
        layers = [*conv(1), Centre()]
    return nn.Sequential(*layers, nn.Linear(width * SIZE**2 if arm == "flatten" else width, 2))


def images(seed: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    chance = 0.5 + 0.1 * (2 * torch.rand(TRAINING + TEST, 1, 1, 1, generator=generator) - 1)
    x = (torch.rand(TRAINING + TEST, 1, SIZE, SIZE, generator=generator) < chance).float()
    return x - 0.5, (x.sum((1, 2, 3)) > SIZE**2 / 2).long()


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 150, width: int = 8
) -> Iterator[Point | Outcome]:
    drawn = [images(seed) for seed in seeds]
    x = torch.cat([x for x, _ in drawn]).to(device)  # the images of all seeds, one seed after the other
    y = torch.cat([y for _, y in drawn]).to(device)
    start = (TRAINING + TEST) * torch.arange(len(seeds)).unsqueeze(1)
    test = (start + torch.arange(TRAINING, TRAINING + TEST)).to(device)
    watched = test[:, :100]
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=RATE) for arm, net in nets.items()}

    @torch.no_grad()
    def score(rows: Tensor) -> dict[str, Tensor]:
        return {arm: accuracy(net(gather(x, rows)), y[rows]) * 100 for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, start + torch.arange(TRAINING), 32, device)):
        if step % 5 == 0:
            yield Point(step, steps, {"accuracy": score(watched)})
        if step == steps:
            break
        for arm, net in nets.items():
            adams[arm].lr = RATE * (1 - step / steps)
            adams[arm].step(cross_entropy(net(gather(x, rows)), y[rows]))

    parts = [score(rows) for rows in test.split(250, dim=1)]
    yield Outcome({"accuracy": {arm: torch.stack([part[arm] for part in parts]).mean(0) for arm in ARMS}})

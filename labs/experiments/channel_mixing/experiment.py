"""A rule that shows only in two channels together: who can learn it when channels are kept apart?

Data     8x8 images of noise in two channels; the second repeats the first (label 1) or its negative (label
         0), with noise on top, so that each channel alone tells nothing
Arms     two 3x3 layers, the average over the map and a linear layer; the layers are standard convolutions,
         depthwise ones (groups = channels), or depthwise ones each followed by a 1x1 convolution
Metric   accuracy on 1,000 new images; chance is 50 %
Cost     steps Adam steps of the three networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("standard", "depthwise", "separable")
TRAINING, TEST = 512, 1000


def network(arm: str, width: int) -> nn.Module:
    layers: list[nn.Module] = []
    for channels, out in ((2, width), (width, width)):
        if arm == "separable":
            layers += [
                nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
                nn.Conv2d(channels, out, 1),
            ]
        else:
            groups = channels if arm == "depthwise" else 1
            layers.append(nn.Conv2d(channels, out, 3, padding=1, groups=groups))
        layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2))


def images(seed: int, noise: float) -> tuple[Tensor, Tensor]:
    """Every second image has label 1."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(TRAINING + TEST) % 2
    first = torch.randn(len(labels), 8, 8, generator=generator)
    second = first * (2 * labels - 1).view(-1, 1, 1)
    second = second + noise * torch.randn(second.shape, generator=generator)
    return torch.stack([first, second], dim=1), labels


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 100, width: int = 8, noise: float = 0.3
) -> Iterator[Point | Outcome]:
    drawn = [images(seed, noise) for seed in seeds]
    x = torch.cat([x for x, _ in drawn]).to(device)  # the images of all seeds, one seed after the other
    y = torch.cat([y for _, y in drawn]).to(device)
    start = (TRAINING + TEST) * torch.arange(len(seeds)).unsqueeze(1)
    test = (start + torch.arange(TRAINING, TRAINING + TEST)).to(device)
    watched = test[:, :200]
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=1e-2) for arm, net in nets.items()}

    @torch.no_grad()
    def score(rows: Tensor) -> dict[str, Tensor]:
        return {arm: accuracy(net(gather(x, rows)), y[rows]) * 100 for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, start + torch.arange(TRAINING), 64, device)):
        if step % 3 == 0 or step == steps:
            yield Point(step, steps, {"accuracy": score(watched)})
        if step == steps:
            break
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(gather(x, rows)), y[rows]))

    yield Outcome({"accuracy": score(test)})

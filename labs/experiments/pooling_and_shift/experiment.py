"""Trained on centred digits, tested off-centre: which way of shrinking the map survives the shift?

Data     digits on a 12x12 canvas, 50 training images of each drawn by the seed, always centred; 898
         held-out images, centred or moved down and to the right
Arms     two 3x3 convolutions and a linear layer; the map shrinks by max pooling 2, average pooling 2 or
         stride 2 at each of them, or not at all, and is flattened; or it is pooled as a whole
Metric   accuracy on the held-out images at each shift
Cost     steps Adam steps of the five networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("max", "average", "stride", "none", "global_max")
MARGIN = 2  # empty pixels around a centred digit


def network(arm: str, width: int) -> nn.Module:
    stride = 2 if arm == "stride" else 1
    layers = []
    for channels, out in ((1, width), (width, 2 * width)):
        layers += [nn.Conv2d(channels, out, 3, stride, padding=1), nn.ReLU()]
        if arm == "max":
            layers.append(nn.MaxPool2d(2))
        if arm == "average":
            layers.append(nn.AvgPool2d(2))
    if arm == "global_max":
        layers.append(nn.AdaptiveMaxPool2d(1))
    side = {"none": 12, "global_max": 1}.get(arm, 3)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * width * side**2, 10))


def placed(images: Tensor, shift: int) -> Tensor:
    """The 8x8 digits on 12x12 canvases, `shift` pixels below and right of the centre."""
    before, after = MARGIN + shift, MARGIN - shift
    return F.pad(images, (before, after, before, after))


@torch.no_grad()
def score(net: Ensemble, images: Tensor, labels: Tensor) -> Tensor:
    return accuracy(net.same(images), labels) * 100


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 160, width: int = 8
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:128]
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=5e-3) for arm, net in nets.items()}
    centred = placed(data.images, 0)

    for step, rows in enumerate(batches(seeds, training_rows(seeds), 32, device)):
        if step % 5 == 0:
            series = {}
            for name, shift in (("centred", 0), ("shifted", 2)):
                x = placed(watched.images, shift)
                series[name] = {arm: score(net, x, watched.labels) for arm, net in nets.items()}
            yield Point(step, steps, series)
        if step == steps:
            break
        x = gather(centred, rows)
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(x), data.labels[rows]))

    values = {}
    for shift in (0, 1, 2):
        x = placed(test.images, shift)
        values[f"accuracy_{shift}"] = {arm: score(net, x, test.labels) for arm, net in nets.items()}
    values["lost"] = {arm: values["accuracy_0"][arm] - values["accuracy_2"][arm] for arm in nets}
    yield Outcome(values)

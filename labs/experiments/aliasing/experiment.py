"""Global pooling makes a network blind to position. Why then does a shift of one pixel hurt, and of two not?

Data     digits on a canvas of 12 rows and 16 columns, 60 training images of each drawn by the seed, always
         centred; 898 held-out images, centred or moved to the right by 1 or 2 pixels
Arms     conv, max pooling 2, conv, global max pooling, linear; the same without the pooling in the middle;
         or with max pooling of stride 1, a 3x3 blur and only then every second pixel (anti-aliased)
Metric   accuracy on the held-out images at each shift
Cost     steps Adam steps of the three networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("pooled", "unpooled", "blurred")
SHIFTS = (0, 1, 2)


class BlurPool(nn.Module):
    """Max pooling in three moves: the maximum at every pixel, a blur, every second pixel (Zhang 2019)."""

    def __init__(self) -> None:
        super().__init__()
        self.highest = nn.MaxPool2d(2, stride=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.highest(F.pad(x, (0, 1, 0, 1)))
        tent = x.new_tensor([0.25, 0.5, 0.25])
        kernel = torch.outer(tent, tent).expand(x.shape[1], 1, 3, 3)
        return F.conv2d(x, kernel, stride=2, padding=1, groups=x.shape[1])


def network(arm: str, width: int) -> nn.Module:
    middle = {"pooled": nn.MaxPool2d(2), "unpooled": nn.Identity(), "blurred": BlurPool()}[arm]
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), middle),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(2 * width, 10)),
    )


def placed(images: Tensor, shift: int) -> Tensor:
    """The 8x8 digits on 12x16 canvases, `shift` pixels right of the centre."""
    return F.pad(images, (4 + shift, 4 - shift, 2, 2))


@torch.no_grad()
def score(net: Ensemble, images: Tensor, labels: Tensor) -> Tensor:
    return accuracy(net.same(images), labels) * 100


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 160, width: int = 8
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:64]
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=1e-2) for arm, net in nets.items()}
    centred = placed(data.images, 0)

    for step, rows in enumerate(batches(seeds, training_rows(seeds, 60), 32, device)):
        if step % 5 == 0:
            at = {f"at_{shift}": placed(watched.images, shift) for shift in (1, 2)}
            yield Point(
                step,
                steps,
                {
                    where: {arm: score(net, x, watched.labels) for arm, net in nets.items()}
                    for where, x in at.items()
                },
            )
        if step == steps:
            break
        x = gather(centred, rows)
        for arm, net in nets.items():
            adams[arm].lr = 1e-2 * (1 - step / steps)
            adams[arm].step(cross_entropy(net(x), data.labels[rows]))

    values = {}
    for shift in SHIFTS:
        x = placed(test.images, shift)
        values[f"accuracy_{shift}"] = {arm: score(net, x, test.labels) for arm, net in nets.items()}
    values["gain"] = {arm: values["accuracy_2"][arm] - values["accuracy_1"][arm] for arm in ARMS}
    yield Outcome(values)

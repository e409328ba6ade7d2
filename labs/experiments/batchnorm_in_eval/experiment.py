"""Does eval() switch BatchNorm off? If so, taking it out must change nothing.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     one trained CNN with 2 BatchNorm layers a seed, in eval(): as it is; with BatchNorm faded out until
         it is the identity; with BatchNorm folded into the convolution before it
Metric   accuracy on the held-out images; largest difference of a logit from the network as it is
Cost     200 Adam steps of a small CNN, all seeds at once, then 40 walks through 256 images a seed
"""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, batches, cross_entropy, gather
from labs.report import Outcome, Point

FADES = 40


def cnn() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )


class Faded(nn.Module):
    """A layer that gives way to the identity as `away` goes from 0 to 1."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer, self.away = layer, 0.0

    def forward(self, x: Tensor) -> Tensor:
        return (1 - self.away) * self.layer(x) + self.away * x


def without(plain: nn.Module) -> nn.Module:
    layers = plain.children()
    return nn.Sequential(*(Faded(layer) if isinstance(layer, nn.BatchNorm2d) else layer for layer in layers))


def folded(plain: nn.Module) -> nn.Module:
    """A convolution and its BatchNorm become one convolution, with weights w k and (b - mean) k + beta.

    k = gamma / sqrt(variance + eps), a constant per channel; torch has the tool for it.
    """
    layers: list[Any] = []
    for layer in plain.children():
        if isinstance(layer, nn.BatchNorm2d):
            layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
        else:
            layers.append(layer)
    return nn.Sequential(*layers)


def experiment(seeds: Sequence[int], device: torch.device, *, steps: int = 200) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:256]  # enough for a curve; the outcomes are measured on all 898
    end = steps + FADES

    net = Ensemble(cnn, seeds, device)
    adam = Adam(net, lr=3e-3)
    for step, rows in enumerate(batches(seeds, training_rows(seeds), 64, device)):
        if step == steps:
            break
        loss = cross_entropy(net(gather(data.images, rows)), data.labels[rows])
        adam.step(loss)
        if step % 5 == 0:
            yield Point(step, end, {"loss": {"as_is": loss.detach()}})

    nets: dict[str, list[nn.Module]] = {"as_is": [net.eval().member(m) for m in range(len(seeds))]}
    nets["removed"] = [without(plain) for plain in nets["as_is"]]
    nets["folded"] = [folded(plain) for plain in nets["as_is"]]
    for fade in range(FADES + 1):
        for plain in nets["removed"]:
            for layer in plain.children():
                if isinstance(layer, Faded):
                    layer.away = fade / FADES
        right = {}
        with torch.no_grad():
            for arm, members in nets.items():
                guesses = [plain(watched.images).argmax(1) for plain in members]
                right[arm] = torch.stack([(g == watched.labels).double().mean() * 100 for g in guesses])
        yield Point(steps + fade, end, {"accuracy": right})

    with torch.no_grad():
        logits = {
            arm: torch.stack([plain(test.images) for plain in members]) for arm, members in nets.items()
        }
    yield Outcome(
        {
            "accuracy": {a: (x.argmax(2) == test.labels).double().mean(1) * 100 for a, x in logits.items()},
            "logit_gap": {a: (x - logits["as_is"]).abs().amax((1, 2)) for a, x in logits.items()},
        }
    )

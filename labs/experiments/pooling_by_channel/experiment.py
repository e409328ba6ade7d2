"""What does one output of a pooling layer depend on: which channels, which places, how many parameters?

Data     3-channel maps of noise, 8x8, drawn by the seed
Arms     max and average pooling with windows of 1 to 8 pixels, the average over the whole map, and a
         strided convolution with the same windows to compare with
Metric   channels and input values that can change the first output, found by raising each value in turn;
         input values with a gradient; learned parameters
Cost     per seed and window 192 maps through each layer; nothing is trained
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.report import Outcome, Point

CHANNELS, SIZE = 3, 8


def layer(arm: str, window: int) -> nn.Module:
    if arm == "max":
        return nn.MaxPool2d(window)
    if arm == "average":
        return nn.AvgPool2d(window)
    if arm == "whole_map":
        return nn.AdaptiveAvgPool2d(1)
    return nn.Conv2d(CHANNELS, CHANNELS, window, window)


ARMS = ("max", "average", "whole_map", "convolution")


def first_output(net: nn.Module, x: Tensor) -> Tensor:
    """The value in the first channel, top left, of each map in x (N, CHANNELS, SIZE, SIZE)."""
    return net(x)[:, 0, 0, 0]


def able_to_change(net: nn.Module, x: Tensor) -> Tensor:
    """Which input values change the first output when they are raised: (CHANNELS, SIZE, SIZE) of booleans."""
    raised = x + 100 * torch.eye(x.numel(), device=x.device).view(
        -1, *x.shape
    )  # each value in a map of its own
    with torch.no_grad():
        changed = (first_output(net, raised) - first_output(net, x.unsqueeze(0))).abs() > 1e-3
    return changed.view(x.shape)


def experiment(seeds: Sequence[int], device: torch.device, *, window: int = 2) -> Iterator[Point | Outcome]:
    maps = []
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        maps.append(torch.randn(CHANNELS, SIZE, SIZE, generator=generator).to(device))

    def measured(size: int) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {}
        for arm in ARMS:
            for seed, x in zip(seeds, maps, strict=True):
                torch.manual_seed(seed)
                net = layer(arm, size).to(device)
                able = able_to_change(net, x)
                leaf = x.clone().requires_grad_()
                gradient = torch.autograd.grad(first_output(net, leaf.unsqueeze(0)).sum(), leaf)[0]
                for outcome, number in {
                    "channels": int(able.flatten(1).any(1).sum()),
                    "values": int(able.sum()),
                    "with_gradient": int((gradient != 0).sum()),
                    "parameters": sum(p.numel() for p in net.parameters()),
                }.items():
                    found.setdefault(outcome, {}).setdefault(arm, []).append(number)
        return found

    for size in range(1, SIZE + 1):
        found = measured(size)
        yield Point(size, SIZE, {"values": found["values"], "channels": found["channels"]})
    yield Outcome(measured(window))

"""What does a convolution compute? One output after the other, by hand.

Data     images of noise with 3 channels, drawn by the seed, and a new nn.Conv2d with 4 filters
Arms     ways to compute each output: the sum over the patch in all channels plus the bias; the same with
         the kernel flipped, as signal processing convolves; over the first channel alone; and, for a 1x1
         kernel, nn.Linear applied to the channels of each pixel
Metric   largest distance from what the layer gives; what changes with the pixels outside the patch, and
         with a single filter
Cost     per seed about 150 small sums in Python; nothing is trained
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.report import Outcome, Point

FILTERS = 4
SIZE = 10


def by_hand(arm: str, x: Tensor, conv: nn.Conv2d, row: int, column: int) -> Tensor:
    """One output position of all filters: (FILTERS,). x: (channels, SIZE, SIZE)."""
    weight = conv.weight  # (FILTERS, channels, kernel, kernel)
    side = weight.shape[2]
    patch = x[:, row : row + side, column : column + side]
    if arm == "flipped":
        weight = weight.flip((2, 3))
    if arm == "one_channel":
        weight, patch = weight[:, :1], patch[:1]
    summed = (weight * patch).sum((1, 2, 3))
    return summed if conv.bias is None else summed + conv.bias


@torch.no_grad()
def experiment(
    seeds: Sequence[int], device: torch.device, *, channels: int = 3, kernel: int = 3
) -> Iterator[Point | Outcome]:
    del device  # sums of a few numbers
    arms = ("all_channels", "one_channel", "flipped", "linear")
    drawn = []
    for seed in seeds:
        torch.manual_seed(seed)
        x = torch.randn(channels, SIZE, SIZE)
        conv, pointwise = nn.Conv2d(channels, FILTERS, kernel), nn.Conv2d(channels, FILTERS, 1)
        linear = nn.Linear(channels, FILTERS)
        linear.weight.copy_(pointwise.weight.flatten(1))
        linear.bias.copy_(pointwise.get_parameter("bias"))
        drawn.append((x, conv, conv(x), pointwise(x), linear))

    worst = {arm: [0.0] * len(seeds) for arm in arms}
    side = SIZE - kernel + 1
    for position in range(side**2):
        row, column = divmod(position, side)
        for member, (x, conv, y, y_pointwise, linear) in enumerate(drawn):
            for arm in arms:
                if arm == "linear":
                    error = linear(x[:, row, column]) - y_pointwise[:, row, column]
                else:
                    error = by_hand(arm, x, conv, row, column) - y[:, row, column]
                worst[arm][member] = max(worst[arm][member], float(error.abs().max()))
        yield Point(position + 1, side**2, {"error": {arm: list(values) for arm, values in worst.items()}})

    moved_by_far, moved_by_filter = [], []
    for x, conv, y, _, _ in drawn:
        elsewhere = x + 1.0
        elsewhere[:, :kernel, :kernel] = x[:, :kernel, :kernel]  # the patch of the first output
        moved_by_far.append(float((conv(elsewhere) - y)[:, 0, 0].abs().max()))
        conv.weight[0] += 1.0
        moved_by_filter.append(int(((conv(x) - y).abs() > 1e-4).flatten(1).any(1).sum()))
    yield Outcome(
        {
            "error": worst,
            "moved_by_far_pixels": {"layer": moved_by_far},
            "channels_moved": {"layer": moved_by_filter},
        }
    )

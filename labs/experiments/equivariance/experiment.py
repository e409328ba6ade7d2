"""Shift the input: is the output the same, only shifted? Stride, padding and pooling on trial.

Data     16x16 images of normal noise drawn by the seed, shifted in a circle by 0 to 15 columns
Arms     a random 3x3 convolution and ReLU, circular or zero padding; behind it stride 2, max pooling 2,
         average pooling 2, a blur before every second pixel is taken, or the average over the whole map
Metric   what is left of the output's difference when the output itself may be shifted back: the relative L2
         error between f(shifted x) and the whole-pixel shift of f(x) that fits best
Cost     per seed 7 arms x 16 shifts of `images` images through one convolution; nothing is trained
"""

from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.report import Outcome, Point

SIZE, CHANNELS = 16, 8


def blurred(x: Tensor) -> Tensor:
    """A 3x3 binomial blur of every channel, in a circle."""
    tent = x.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(tent, tent).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), "circular"), kernel, groups=x.shape[1])


# arm -> (padding of the convolution, what follows it)
ARMS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "circular": ("circular", lambda x: x),
    "zeros": ("constant", lambda x: x),
    "stride_2": ("circular", lambda x: x[:, :, ::2, ::2]),
    "max_2": ("circular", lambda x: F.max_pool2d(x, 2)),
    "average_2": ("circular", lambda x: F.avg_pool2d(x, 2)),
    "blur_2": ("circular", lambda x: blurred(x)[:, :, ::2, ::2]),
    "whole_map": ("circular", lambda x: x.mean((2, 3), keepdim=True)),
}


@torch.no_grad()
def features(arm: str, x: Tensor, conv: nn.Module) -> Tensor:
    padding, after = ARMS[arm]
    return after(conv(F.pad(x, (1, 1, 1, 1), padding)).relu())


def error(still: Tensor, moved: Tensor) -> float:
    """Relative distance of `moved` from the shift of `still` along the columns that comes closest."""
    shifts = [still.roll(columns, dims=3) for columns in range(still.shape[3])]
    return min(float((moved - shifted).norm() / still.norm()) for shifted in shifts)


def experiment(
    seeds: Sequence[int], device: torch.device, *, images: int = 20, smooth: int = 0
) -> Iterator[Point | Outcome]:
    drawn = []
    for seed in seeds:
        torch.manual_seed(seed)
        conv = nn.Conv2d(1, CHANNELS, 3).to(device)
        x = torch.randn(images, 1, SIZE, SIZE).to(device)
        for _ in range(smooth):
            x = blurred(x)
        drawn.append((conv, x))

    errors: dict[int, dict[str, list[float]]] = {}
    for shift in range(SIZE):
        errors[shift] = {
            arm: [
                error(features(arm, x, conv), features(arm, x.roll(shift, dims=3), conv)) for conv, x in drawn
            ]
            for arm in ARMS
        }
        yield Point(shift, SIZE - 1, {"error": errors[shift]})
    yield Outcome({f"error_{shift}": errors[shift] for shift in (1, 2)})

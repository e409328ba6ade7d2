"""FashionMNIST, CIFAR-10 and the pretrained ResNet-18, for labs that are asked for them by name.

`torchproof data get NAME` has put them into the run's folder of data sets; torchvision's own code reads them from
there. Nothing here touches the network, and no lab uses any of it on its default knobs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from labs.datasets import usable
from labs.problems import LabProblem

TRAIN, TEST = (
    10_000,
    2_000,
)  # of the images, so many are kept: enough for labs, and they fit into small memories


class Photos(NamedTuple):
    """Images as (N, channels, side, side) floats and labels as (N,) integers, on one device.

    Each channel has mean 0 and variance 1 over the training images.
    """

    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor


def photos(name: str, device: torch.device | str = "cpu", side: int | None = None) -> Photos:
    """The data set of this name: fashion_mnist or cifar10. Raises LabProblem as they do."""
    return {"fashion_mnist": fashion_mnist, "cifar10": cifar10}[name](device, side)


def fashion_mnist(device: torch.device | str = "cpu", side: int | None = None) -> Photos:
    """Grey photos of clothes, 28x28 or scaled down to `side`.

    Raises LabProblem: data-folder, data-missing, data-damaged or package-missing.
    """
    folder, told = usable("fashion_mnist")
    read = _torchvision().fashion_mnist(folder, told.settings)
    return _photos([(one.data.unsqueeze(1), one.targets) for one in read], device, side)


def cifar10(device: torch.device | str = "cpu", side: int | None = None) -> Photos:
    """Colour photos of animals and vehicles, 32x32 or scaled down to `side`.

    Raises LabProblem: data-folder, data-missing, data-damaged or package-missing.
    """
    folder, told = usable("cifar10", through=False)
    code = _torchvision()
    try:
        read = code.cifar10(folder, told.settings)
    except RuntimeError as error:  # torchvision compares the checksum of each batch
        raise LabProblem("data-damaged", name="cifar10", file=folder / "cifar-10-batches-py") from error
    return _photos([(torch.from_numpy(x.data).permute(0, 3, 1, 2), x.targets) for x in read], device, side)


class Trunk(nn.Module):
    """ResNet-18 without its head, frozen. Images (N, 1 or 3, height, width) in 0..1 become (N, 512) numbers.

    side: what images are scaled to; mean, std: those of the weights' own preset.
    """

    def __init__(self, net: nn.Module, preset: Any, side: int) -> None:
        super().__init__()
        from torchvision.transforms import v2

        self.net = net
        self.prepare = v2.Compose(
            [
                v2.Resize((side, side), antialias=True),
                v2.RGB(),
                v2.Normalize(preset.mean, preset.std),
            ]
        )

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.net(self.prepare(images))
        return features


def resnet18(device: torch.device | str = "cpu", side: int = 64) -> Trunk:
    """torchvision's resnet18 with ResNet18_Weights.IMAGENET1K_V1, in eval mode.

    Raises LabProblem: data-folder, data-missing, data-damaged or package-missing.
    """
    folder, told = usable("resnet18")
    net = _torchvision().resnet18(folder, told.settings)
    from torchvision.models import ResNet18_Weights

    net.fc = nn.Identity()
    trunk = Trunk(net, ResNet18_Weights.IMAGENET1K_V1.transforms(), side)
    return trunk.to(device).requires_grad_(False).eval()


def training_rows(labels: Tensor, seeds: Sequence[int], per_class: int) -> Tensor:
    """For each seed up to `per_class` rows of each class, as many of each: (seeds, rows)."""
    known = labels.cpu().numpy()
    classes = np.unique(known)
    each = min(per_class, int(np.bincount(known)[classes].min()))
    sets = []
    for seed in seeds:
        shuffled = np.random.RandomState(seed % 2**32).permutation(len(known))
        sets.append(np.concatenate([shuffled[known[shuffled] == one][:each] for one in classes]))
    return torch.from_numpy(np.stack(sets))


def _photos(read: Sequence[tuple[Tensor, Any]], device: torch.device | str, side: int | None) -> Photos:
    """The first images of the training and the test set, as torchvision's transforms prepare them."""
    from torchvision.transforms import v2

    steps = [v2.Resize((side, side), antialias=True)] if side else []
    prepare = v2.Compose([*steps, v2.ToDtype(torch.float32, scale=True)])
    made: list[Tensor] = []
    for (images, labels), count in zip(read, (TRAIN, TEST), strict=True):
        made += [prepare(images[:count]), torch.as_tensor(labels)[:count].long()]
    spread, mean = torch.std_mean(made[0], dim=(0, 2, 3))
    normalise = v2.Normalize(mean.tolist(), spread.clamp(min=1e-3).tolist())
    made[0], made[2] = normalise(made[0]), normalise(made[2])
    return Photos(*(part.to(device) for part in made))


def _torchvision() -> Any:
    """The code that has downloaded the sets and reads them. Raises LabProblem("package-missing")."""
    import sys

    try:
        import torchvision  # noqa: F401

        from labs.data import fetch
    except Exception as error:  # a missing library, another numpy: anything may come out
        problem = LabProblem("package-missing", python=sys.executable, package="torchvision", error=error)
        raise problem from error
    return fetch

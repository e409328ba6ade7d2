"""Augmentation states an invariance: true or false for these digits, exercised by the test or not.

Data     digits, 10 training images of each drawn by the seed; 898 held-out images, centred as they are, or
         each moved by its own offset of up to `reach` pixels. By name: FashionMNIST or CIFAR-10 scaled down to
         16x16, training images drawn likewise, 1,000 test images
Arms     one CNN trained without augmentation; with moves of up to 1 or 3 pixels; with every second image
         mirrored; with every second image turned upside down (by 180 degrees)
Metric   accuracy on the centred and on the moved held-out images
Cost     steps Adam steps of the five networks, all arms and seeds as one ensemble
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, named, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy
from labs.report import Outcome, Point

ARMS = ("none", "shift1", "flip", "turn", "shift3")
BATCH = 32
SIDE, TESTED = 16, 1000  # of photos


def network(colours: int, side: int) -> nn.Module:
    layers: list[nn.Module] = []
    for channels, out in ((colours, 8), (8, 16)):
        layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * (side // 4) ** 2, 10))


def moved(images: Tensor, offsets: Tensor, reach: int) -> Tensor:
    """Each image (n, colours, side, side) moved by its own offset (n, 2) in -reach..reach; zeros come in."""
    side = images.shape[3]
    padded = F.pad(images, (reach,) * 4)
    windows = padded.unfold(2, side, 1).unfold(3, side, 1)  # (n, colours, 2r + 1, 2r + 1, side, side)
    down, right = (reach - offsets).unbind(1)
    return windows[torch.arange(len(images), device=images.device), :, down, right]


def augmented(arm: str, images: Tensor, draws: Tensor) -> Tensor:
    """images: (n, colours, side, side); draws: (n, 3), uniform in 0..1, two for a move and one to choose by."""
    if arm in ("shift1", "shift3"):
        reach = int(arm.removeprefix("shift"))
        return moved(images, (draws[:, :2] * (2 * reach + 1)).long() - reach, reach)
    if arm == "none":
        return images
    other = images.flip(3) if arm == "flip" else images.flip(2, 3)
    return torch.where(draws[:, 2].view(-1, 1, 1, 1) < 0.5, other, images)


def images_of(
    data: str, seeds: Sequence[int], per_class: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Images and labels, rows of them to train on for each seed, test images and their labels."""
    if data == "digits":
        all = digits(device)
        test = all[held_out_rows().to(device)]
        return all.images, all.labels, training_rows(seeds, per_class), test.images, test.labels
    read = named.photos(data, device, SIDE)
    rows = named.training_rows(read.labels, seeds, per_class)
    return read.images, read.labels, rows, read.test_images[:TESTED], read.test_labels[:TESTED]


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    per_class: int = 10,
    steps: int = 300,
    reach: int = 1,
    data: str = "digits",
) -> Iterator[Point | Outcome]:
    images, labels, own_rows, test_images, test_labels = images_of(data, seeds, per_class, device)
    offsets = torch.randint(
        -reach, reach + 1, (len(test_labels), 2), generator=torch.Generator().manual_seed(0)
    )
    tests = {"centred": test_images, "moved": moved(test_images, offsets.to(device), reach)}
    shape = partial(network, images.shape[1], images.shape[3])
    net = Ensemble(shape, list(seeds) * len(ARMS), device)  # the arms one after the other
    adam = Adam(net, lr=5e-3)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    size = min(BATCH, own_rows.shape[1])

    @torch.no_grad()
    def score(count: int | None = None) -> dict[str, dict[str, Tensor]]:
        values = {}
        for name, x in tests.items():
            found = accuracy(net.same(x[:count]), test_labels[:count]) * 100
            values[name] = dict(zip(ARMS, found.view(len(ARMS), -1), strict=True))
        return values

    for step, rows in enumerate(batches(seeds, own_rows, size, device)):
        if step % 10 == 0 or step == steps:
            yield Point(step, steps, score(200))
        if step == steps:
            break
        draws = torch.stack([torch.rand(size, 3, generator=g) for g in generators]).to(device)
        shown = images[rows].flatten(0, 1)
        x = [augmented(arm, shown, draws.flatten(0, 1)).unflatten(0, rows.shape) for arm in ARMS]
        adam.step(cross_entropy(net(torch.cat(x)), labels[rows].repeat(len(ARMS), 1)))

    yield Outcome(score())

"""Random frozen features under a trained linear readout: does the wiring alone carry knowledge?

Data     8x8 digits at random places of a 16x16 canvas, 50 training images of each, 200 to choose the ridge
         penalty by, 898 held-out images; sets, places and features are drawn by the seed
Arms     the readout sees the pixels; 576 random dense ReLU features; 64 random 5x5 filters with ReLU, max
         pooled to 3x3, which are 576 numbers too; the same filters, max pooled over the whole map
Metric   held-out accuracy of a ridge classifier on one-hot targets (the curves: at penalty 10, while the
         training set grows)
Cost     a linear system of up to 500 unknowns for each arm, seed and point
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from labs.data import digits, held_out_rows, pool_rows, training_rows
from labs.report import Outcome, Point

ARMS = ("pixels", "dense", "conv", "conv_global")
PENALTIES = (1.0, 10.0, 100.0, 1000.0)
CANVAS, CHECKED = 16, 200
TICK = 16  # training images between two points


def placed(images: Tensor, generator: torch.Generator, spread: int) -> Tensor:
    """The images (n, 1, 8, 8) on empty canvases, up to `spread` pixels from the middle in each direction."""
    corners = torch.randint(4 - spread, 5 + spread, (len(images), 2), generator=generator).tolist()
    canvas = torch.zeros(len(images), 1, CANVAS, CANVAS)
    for image, (top, left), at in zip(images, corners, canvas, strict=True):
        at[:, top : top + 8, left : left + 8] = image
    return canvas


def features(arm: str, x: Tensor, filters: int, generator: torch.Generator) -> Tensor:
    """What the readout sees of the images x: (n, features). Random weights, never trained."""
    if arm == "pixels":
        return x.flatten(1)
    if arm == "dense":
        weight = torch.randn(9 * filters, CANVAS**2, generator=generator) / CANVAS
        return (x.flatten(1) @ weight.T.to(x.device)).relu()
    kernels = torch.randn(filters, 1, 5, 5, generator=generator) / 5
    maps = F.conv2d(x, kernels.to(x.device)).relu()  # (n, filters, 12, 12)
    return F.max_pool2d(maps, 12 if arm == "conv_global" else 4).flatten(1)


def readout(gram: Tensor, targets: Tensor, penalty: float, rows: int) -> Tensor:
    """Dual weights (S, rows, 10) of ridge regression on the first rows. gram: (S, n, n)."""
    eye = penalty * torch.eye(rows, device=gram.device)
    return torch.linalg.solve(gram[:, :rows, :rows] + eye, targets[:, :rows])


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    spread: int = 4,
    filters: int = 64,
    per_class: int = 50,
) -> Iterator[Point | Outcome]:
    data, pool, test = digits(), pool_rows(), held_out_rows()
    size = 10 * per_class
    products: dict[str, list[tuple[Tensor, Tensor]]] = {arm: [] for arm in ARMS}
    answers = []
    for seed, own in zip(seeds, training_rows(seeds, per_class), strict=True):
        generator = torch.Generator().manual_seed(seed)
        mixed = own[torch.randperm(size, generator=generator)]
        drawn = torch.cat([mixed, pool[~torch.isin(pool, own)][:CHECKED], test])
        x = placed(data.images[drawn], generator, spread).to(device)
        answers.append(data.labels[drawn].to(device))
        for arm in ARMS:
            phi = features(arm, x, filters, torch.Generator().manual_seed(seed + 1))
            mean, sd = phi[:size].mean(0), phi[:size].std(0).clamp(min=1e-3)
            phi = (phi - mean) / sd
            products[arm].append((phi[:size] @ phi[:size].T, phi[size:] @ phi[:size].T))
    labels = torch.stack(answers)  # (S, training + checked + test)
    targets = F.one_hot(labels[:, :size], 10).float() - 0.1
    grams = {arm: torch.stack([own for own, _ in pairs]) for arm, pairs in products.items()}
    others = {arm: torch.stack([other for _, other in pairs]) for arm, pairs in products.items()}

    def right(arm: str, penalty: float, rows: int) -> Tensor:
        """Which of the images outside the training set come out right: (S, checked + test)."""
        said = others[arm][:, :, :rows] @ readout(grams[arm], targets, penalty, rows)
        return (said.argmax(2) == labels[:, size:]).to(torch.float64) * 100

    checked = labels.shape[1] - size - len(test)
    for rows in range(min(20, size), size + 1, TICK):
        yield Point(
            rows, size, {"accuracy": {arm: right(arm, 10.0, rows)[:, checked:].mean(1) for arm in ARMS}}
        )

    found = {}
    for arm in ARMS:
        tried = torch.stack([right(arm, penalty, size) for penalty in PENALTIES])
        best = tried[:, :, :checked].mean(2).argmax(0, keepdim=True)
        found[arm] = tried[:, :, checked:].mean(2).gather(0, best).squeeze(0)
    yield Outcome({"accuracy": found})

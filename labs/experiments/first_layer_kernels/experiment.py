"""Does the first layer have to learn its kernels? Learned, made by hand and left as they were drawn.

Data     digits, per_class training images of each drawn by the seed; 898 held-out images
Arms     a small CNN whose eight first 3x3 kernels are trained with the rest, or frozen: as eight filters
         made by hand (identity, blur, Sobel, diagonals, Laplacian, corner) or as drawn at random
Metric   accuracy on the held-out images
Cost     steps Adam steps of the three networks, all seeds at once; a frozen first layer is passed only once
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

FILTERS = [
    [[0, 0, 0], [0, 1, 0], [0, 0, 0]],  # identity
    [[1, 2, 1], [2, 4, 2], [1, 2, 1]],  # blur
    [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],  # Sobel: vertical edges
    [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],  # Sobel: horizontal edges
    [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]],  # diagonal edges
    [[2, 1, 0], [1, 0, -1], [0, -1, -2]],
    [[0, -1, 0], [-1, 4, -1], [0, -1, 0]],  # Laplacian: spots
    [[1, -1, 0], [-1, 1, 0], [0, 0, 0]],  # corner
]


def cnn() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(64, 10)),
    )


def behind_the_first() -> nn.Sequential:
    """The same network from its fourth layer on, with the weights that it draws in the whole."""
    return cnn()[3:]


def by_hand() -> tuple[Tensor, Tensor]:
    kernels = torch.tensor(FILTERS, dtype=torch.float32)
    return (kernels / kernels.abs().sum((1, 2), keepdim=True)).unsqueeze(1), torch.zeros(8)


def experiment(
    seeds: Sequence[int], device: torch.device, *, per_class: int = 50, steps: int = 250
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = held_out_rows().to(device)
    learned = Ensemble(cnn, seeds, device)
    nets = {"learned": learned}
    for arm in ("by_hand", "random"):
        nets[arm] = Ensemble(behind_the_first, seeds, device)
    adams = {arm: Adam(net, lr=5e-3) for arm, net in nets.items()}

    def seen_by_the_rest(weight: Tensor, bias: Tensor) -> Tensor:
        """All digits as they leave a frozen first layer: (N, 8, 4, 4)."""
        return F.max_pool2d(F.conv2d(data.images, weight, bias, padding=1).relu(), 2)

    filtered = seen_by_the_rest(*(part.to(device) for part in by_hand()))
    first = [learned.net.get_parameter(f"0.{name}").detach() for name in ("weight", "bias")]
    drawn = torch.cat([seen_by_the_rest(*parameters) for parameters in zip(*first, strict=True)])
    inputs = {"learned": data.images, "by_hand": filtered, "random": drawn}
    number = torch.arange(len(seeds), device=device).unsqueeze(1)
    begins = {"learned": 0 * number, "by_hand": 0 * number, "random": len(data.images) * number}  # of a seed

    @torch.no_grad()
    def score(rows: Tensor) -> dict[str, Tensor]:
        return {
            arm: accuracy(net(gather(inputs[arm], rows + begins[arm])), data.labels[rows]) * 100
            for arm, net in nets.items()
        }

    size = min(64, 10 * per_class)
    for step, rows in enumerate(batches(seeds, training_rows(seeds, per_class), size, device)):
        if step % 5 == 0:
            yield Point(step, steps, {"accuracy": score(test[:200])})
        if step == steps:
            break
        for arm, net in nets.items():
            adams[arm].step(cross_entropy(net(gather(inputs[arm], rows + begins[arm])), data.labels[rows]))

    yield Outcome({"accuracy": score(test)})

"""Trained on centred digits, tested off the centre: do shared weights make a CNN blind to position?

Data     digits on a canvas of 12 rows and 16 columns, 60 training images of each drawn by the seed; 898 held-out
         images, moved to the right by 0, 2 or 4 pixels
Arms     two 3x3 convolutions and a linear layer over the global maximum of the map, or over the flattened map;
         an MLP; trained on centred digits. And the flattened one trained with digits moved by up to 4 pixels
Metric   accuracy on the held-out images at each shift, and what is lost between 0 and 4
Cost     `steps` Adam steps of the four networks, all seeds at once
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

ARMS = ("global", "flatten", "mlp", "flatten_moved")
SHIFTS, FURTHEST, RATE = (0, 2, 4), 4, 1e-2  # the rate falls to 0 over the steps
HEIGHT, WIDTH = 12, 16


def network(arm: str, width: int) -> nn.Module:
    if arm == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(HEIGHT * WIDTH, 64), nn.ReLU(), nn.Linear(64, 10))
    whole = arm == "global"
    return nn.Sequential(
        *(nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveMaxPool2d(1) if whole else nn.Identity(), nn.Flatten()),
        nn.Linear(2 * width * (1 if whole else HEIGHT * WIDTH // 4), 10),
    )


def placed(images: Tensor, shift: int) -> Tensor:
    """The 8x8 digits on empty canvases, `shift` pixels right of the centre."""
    return F.pad(images, (4 + shift, 4 - shift, 2, 2))


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 150, width: int = 8
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    everywhere = torch.cat([placed(data.images, shift) for shift in range(-FURTHEST, FURTHEST + 1)])
    centre = FURTHEST * len(data.images)  # where in `everywhere` the centred ones begin
    moves = [torch.Generator().manual_seed(seed) for seed in seeds]
    nets = {arm: Ensemble(partial(network, arm, width), seeds, device) for arm in ARMS}
    adams = {arm: Adam(net, lr=RATE) for arm, net in nets.items()}

    @torch.no_grad()
    def score(shift: int, count: int) -> dict[str, Tensor]:
        x = placed(test.images[:count], shift)
        return {arm: accuracy(net.same(x), test.labels[:count]) * 100 for arm, net in nets.items()}

    for step, rows in enumerate(batches(seeds, training_rows(seeds, 60), 32, device)):
        if step % 4 == 0:
            yield Point(step, steps, {f"at_{shift}": score(shift, 64) for shift in (0, FURTHEST)})
        if step == steps:
            break
        spread = 2 * FURTHEST + 1
        moved = torch.stack([torch.randint(spread, (rows.shape[1],), generator=g) for g in moves]).to(device)
        for arm, net in nets.items():
            first = len(data.images) * moved if arm == "flatten_moved" else centre
            adams[arm].lr = RATE * (1 - step / steps)
            adams[arm].step(cross_entropy(net(gather(everywhere, rows + first)), data.labels[rows]))

    at = {shift: score(shift, len(test.labels)) for shift in SHIFTS}
    values = {f"at_{shift}": at[shift] for shift in SHIFTS}
    values["lost"] = {arm: at[0][arm] - at[FURTHEST][arm] for arm in ARMS}
    yield Outcome(values)

"""A trained network meets a changed task and five labels of each class: which layer is worth training?

Data     digits, 75 training images of each drawn by the seed for the source; then 5 of each for either
         task: the same images with re-coded (permuted) labels, or images darkened to `brightness` with the
         old labels. 898 held-out images, changed in the same way
Arms     the source network (three convolutions, a dense layer, the head) left as it is; with its first
         convolution trained (160 parameters), its head (650), or all of it
Metric   accuracy on the held-out images of each task
Cost     300 Adam steps for the source, then steps full-batch steps for three arms and both tasks, all seeds at
         once
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

SOURCE_STEPS = 300
# arm -> (beginnings of the names of the parameters that are trained, learning rate)
ARMS: dict[str, tuple[list[str] | None, float]] = {
    "first": (["0."], 1e-2),
    "head": (["9."], 1e-2),
    "all": (None, 2e-3),
}


def network() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Conv2d(32, 32, 3, stride=2, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)),
    )


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    per_class: int = 5,
    brightness: float = 0.3,
    steps: int = 200,
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    total = SOURCE_STEPS + steps

    source = Ensemble(network, seeds, device)
    adam = Adam(source, lr=3e-3)
    order = batches(seeds, training_rows(seeds, 75), 64, device)
    for step in range(SOURCE_STEPS):
        if step % 15 == 0:
            with torch.no_grad():
                known = accuracy(source.same(test.images[:128]), test.labels[:128]) * 100
            yield Point(step, total, {"source": {"none": known}})
        rows = next(order)
        adam.step(cross_entropy(source(gather(data.images, rows)), data.labels[rows]))

    # members of an arm: all seeds with re-coded labels, then all seeds with darkened images
    codes = torch.stack([torch.randperm(10, generator=torch.Generator().manual_seed(s)) for s in seeds])
    codes = codes.to(device)
    brightnesses = torch.tensor([1.0, brightness], device=device).repeat_interleave(len(seeds))

    def changed(images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Images (S or 1, B, 1, 8, 8) and labels (S or 1, B) as the 2 * S members of an arm meet them."""
        images, labels = images.expand(len(seeds), *images.shape[1:]), labels.expand(len(seeds), -1)
        dark = torch.cat([images, images]) * brightnesses.view(-1, 1, 1, 1, 1)
        return dark, torch.cat([codes.gather(1, labels), labels])

    nets = {arm: Ensemble(network, [*seeds, *seeds], device) for arm in ("none", *ARMS)}
    for net in nets.values():
        for own, theirs in zip(net.net.parameters(), source.net.parameters(), strict=True):
            own.data.copy_(torch.cat([theirs, theirs]).detach())
    adams = {arm: Adam(nets[arm], lr=lr, only=only) for arm, (only, lr) in ARMS.items()}

    @torch.no_grad()
    def score(count: int) -> dict[str, dict[str, Tensor]]:
        x, labels = changed(test.images[None, :count], test.labels[None, :count])
        found = {arm: accuracy(net(x), labels).view(2, -1) * 100 for arm, net in nets.items()}
        return {
            task: {arm: both[i] for arm, both in found.items()} for i, task in enumerate(("output", "input"))
        }

    rows = training_rows(seeds, per_class).to(device)
    x, labels = changed(data.images[rows], data.labels[rows])
    for step in range(steps):
        if step % 8 == 0:
            yield Point(SOURCE_STEPS + step, total, score(128))
        for arm, adam in adams.items():
            adam.step(cross_entropy(nets[arm](x), labels))

    yield Outcome(score(len(test.labels)))

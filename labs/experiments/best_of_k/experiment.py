"""The best of many on a small validation set: how much of the improvement is there?

Data     digits, 20 training images of each drawn by the seed; the 898 held-out images are split at random, 200
         times, into a small validation set and a test set
Arms     k MLPs a seed that differ in initialisation and order alone; the one that is best on validation, as
         validation tells it and as the test tells it, and the average of all on the test
Metric   accuracy, the mean over the splits
Cost     150 Adam steps of k small MLPs a seed, all at once; choosing costs next to nothing
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from labs.data import digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, batches, cross_entropy, gather
from labs.report import Outcome, Point

STEPS, EVERY, SPLITS = 150, 5, 200


def mlp() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def chosen(right: Tensor, orders: Tensor, validation: int) -> dict[str, Tensor]:
    """Per cent, by arm and seed. right: (seeds, k, images); orders: (seeds, splits, images) of row numbers."""
    found: dict[str, list[Tensor]] = {"validation": [], "test": [], "average": []}
    for own, order in zip(right, orders, strict=True):
        dealt = own[:, order] * 100  # (k, splits, images)
        seen, unseen = dealt[..., :validation].mean(-1), dealt[..., validation:].mean(-1)  # (k, splits)
        best = seen.argmax(0, keepdim=True)  # of equals the first: they come in no order
        found["validation"].append(seen.gather(0, best).mean())
        found["test"].append(unseen.gather(0, best).mean())
        found["average"].append(unseen.mean())
    return {arm: torch.stack(values) for arm, values in found.items()}


def experiment(
    seeds: Sequence[int], device: torch.device, *, k: int = 20, validation: int = 100
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    draws = [torch.Generator().manual_seed(seed) for seed in seeds]
    orders = torch.stack(
        [torch.stack([torch.randperm(len(test.labels), generator=g) for _ in range(SPLITS)]) for g in draws]
    ).to(device)

    members = [1000 * seed + number for seed in seeds for number in range(k)]
    rows = training_rows(seeds, 20).repeat_interleave(k, 0)
    net = Ensemble(mlp, members, device)
    adam = Adam(net, lr=1e-3)
    for step, batch in enumerate(batches(members, rows, 64, device)):
        if step % EVERY == 0 or step == STEPS:
            with torch.no_grad():
                right = (net.same(test.flat).argmax(1) == test.labels).float().unflatten(0, (len(seeds), k))
            if step == STEPS:
                break
            yield Point(step, STEPS, {"accuracy": chosen(right, orders[:, :20], validation)})
        adam.step(cross_entropy(net(gather(data.flat, batch)), data.labels[batch]))
    accuracy = chosen(right, orders, validation)
    yield Point(STEPS, STEPS, {"accuracy": accuracy})
    yield Outcome({"accuracy": accuracy})

"""In which order does a DataLoader deal out its samples, and what settles it? Real loaders and workers.

Data     the numbers 0 to items - 1, so that a batch is its own list of indices
Arms     shuffle=True, compared with a second loader whose generator has the same seed: alone, with worker
         processes, in its second epoch; and in the place of shuffle=True the default, or a RandomSampler
         that draws with replacement
Metric   share of places that hold the same index as in the first loader; share of the items seen in one epoch;
         whether torch's global generator has moved
Cost     six epochs of a DataLoader a seed; starting the workers is most of it
"""

import sys
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler

from labs.report import Outcome, Point

ARMS = ("same_seed", "workers", "second_epoch", "default", "replacement", "no_generator")
START = "fork" if sys.platform == "linux" else None  # spawned workers would load torch again
BATCH = 100


def order(arm: str, seed: int, items: int, workers: int) -> Tensor:
    """The indices of one epoch, in the order in which they come."""
    generator = torch.Generator().manual_seed(seed)
    data = range(items)  # has a length and gives an item for an index: a dataset
    if arm == "default":
        loader = DataLoader(data, BATCH, generator=generator)
    elif arm == "replacement":
        drawn = RandomSampler(data, replacement=True, generator=generator)
        loader = DataLoader(data, BATCH, sampler=drawn)
    else:
        count = workers if arm == "workers" else 0
        loader = DataLoader(
            data,
            BATCH,
            shuffle=True,
            num_workers=count,
            multiprocessing_context=START if count else None,
            generator=None if arm == "no_generator" else generator,
        )
    if arm == "second_epoch":
        list(loader)
    return torch.cat(list(loader))


def experiment(
    seeds: Sequence[int], device: torch.device, *, items: int = 5000, workers: int = 2
) -> Iterator[Point | Outcome]:
    orders: dict[str, list[Tensor]] = {arm: [] for arm in ARMS}
    global_moved: dict[str, list[float]] = {arm: [] for arm in ARMS}
    first = [order("same_seed", seed, items, 0) for seed in seeds]
    for seed in seeds:
        torch.manual_seed(seed)
        for arm in ARMS:
            before = torch.get_rng_state()
            orders[arm].append(order(arm, seed, items, workers))
            global_moved[arm].append(float(not torch.equal(before, torch.get_rng_state())))

    steps = range(0, items + 1, max(1, items // 50))
    for done in steps:
        seen = {arm: [100 * len(x[:done].unique()) / items for x in orders[arm]] for arm in ARMS}
        yield Point(done, items, {"seen": seen})
    same = {
        arm: [100 * float((x == y).double().mean()) for x, y in zip(orders[arm], first, strict=True)]
        for arm in ARMS
    }
    seen = {arm: [100 * len(x.unique()) / items for x in orders[arm]] for arm in ARMS}
    yield Outcome({"same_places": same, "seen": seen, "global_moved": global_moved})

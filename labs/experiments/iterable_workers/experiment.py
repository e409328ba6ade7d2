"""Two workers read one stream. Does each sample arrive once? Real DataLoaders with real worker processes.

Data     `samples` numbers drawn by the seed
Arms     an IterableDataset that every worker runs through; one whose workers skip what others deliver
         (get_worker_info); and the same numbers as a map-style dataset
Metric   samples delivered in an epoch; copies of each, in all and for each worker
Cost     one epoch of three DataLoaders a seed; starting the workers is nearly all of it
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from labs.report import Outcome, Point

ARMS = ("stream", "sharded", "map")
START = "fork" if sys.platform == "linux" else None  # spawned workers would load torch again


class Stream(IterableDataset[Tensor]):
    def __init__(self, values: Tensor, sharded: bool) -> None:
        self.values = values
        self.sharded = sharded

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        if self.sharded and worker is not None:
            return islice(iter(self.values), worker.id, None, worker.num_workers)
        return iter(self.values)


def dataset(arm: str, values: Tensor) -> Any:
    return list(values) if arm == "map" else Stream(values, sharded=arm == "sharded")


def experiment(
    seeds: Sequence[int], device: torch.device, *, samples: int = 8, workers: int = 2
) -> Iterator[Point | Outcome]:
    arrived: dict[str, list[list[Tensor]]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        values = torch.randn(samples, generator=torch.Generator().manual_seed(seed))
        for arm in ARMS:
            loader = DataLoader(
                dataset(arm, values), num_workers=workers, multiprocessing_context=START if workers else None
            )
            arrived[arm].append(list(loader))

    end = samples * max(1, workers)
    for step in range(end + 1):
        so_far = {arm: [float(min(step, len(got))) for got in arrived[arm]] for arm in ARMS}
        yield Point(step, end, {"delivered": so_far})
    delivered = {arm: [float(len(got)) for got in arrived[arm]] for arm in ARMS}
    distinct = {arm: [float(len({float(x) for x in got})) for got in arrived[arm]] for arm in ARMS}
    copies = {arm: [number / samples for number in delivered[arm]] for arm in ARMS}
    each = {arm: [number / max(1, workers) for number in copies[arm]] for arm in ARMS}
    yield Outcome({"delivered": delivered, "distinct": distinct, "copies": copies, "copies_a_worker": each})

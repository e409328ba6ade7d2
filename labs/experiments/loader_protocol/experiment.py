"""What can be asked of a DataLoader, and of a Dataset? Every call a user makes, tried on the real objects.

Data     `items` samples: a number and 4 values drawn by the seed
Arms     DataLoader over a subclass of Dataset; over a plain list; over an IterableDataset (a stream); over
         Dataset itself, with nothing overridden; and over the subclass with drop_last or pin_memory
Metric   batches that next(loader) returns; samples delivered; whether the batches can be rebuilt by hand from
         sampler, dataset and collate_fn; sizes of batches; what is refused
Cost     a few passes through a DataLoader for each seed and arm; no network, no worker process
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, SequentialSampler

from labs.report import Outcome, Point

CALLS = 5  # of next(loader)
Sample = tuple[int, Tensor]


class Rows(Dataset[Sample]):
    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: int) -> Sample:
        return index, self.values[index]


class Stream(IterableDataset[Sample]):
    def __init__(self, values: Tensor) -> None:
        self.values = values

    def __iter__(self) -> Iterator[Sample]:
        return enumerate(self.values)


def dataset(arm: str, values: Tensor) -> Any:
    if arm == "list":
        return list(enumerate(values))
    if arm == "stream":
        return Stream(values)
    return Dataset() if arm == "bare" else Rows(values)


def options(arm: str) -> dict[str, bool]:
    return {"dropping": {"drop_last": True}, "pinned": {"pin_memory": True}}.get(arm, {})


ARMS = ("map", "list", "stream", "bare", "dropping", "pinned")


def calls_of_next(object: Any) -> int:
    """How many of CALLS calls return a batch."""
    returned = 0
    for _ in range(CALLS):
        try:
            next(object)
        except (TypeError, StopIteration, NotImplementedError):
            continue
        returned += 1
    return returned


def batches_of(loader: Any) -> list[list[Tensor]]:
    """One pass; empty where reading the first sample fails."""
    try:
        return list(loader)
    except NotImplementedError:
        return []


def by_hand(loader: Any) -> list[Any]:
    """What the loader does, in the open; empty where the dataset knows no indices."""
    try:
        return [loader.collate_fn([loader.dataset[index] for index in rows]) for rows in loader.batch_sampler]
    except (NotImplementedError, TypeError):
        return []


def equal(a: list[list[Tensor]], b: list[list[Tensor]]) -> bool:
    return len(a) == len(b) > 0 and all(
        torch.equal(x, y) for one, other in zip(a, b, strict=True) for x, y in zip(one, other, strict=True)
    )


def takes_a_sampler(data: Any, batch: int) -> bool:
    try:
        DataLoader(data, batch, sampler=SequentialSampler(range(8)))
    except ValueError:
        return False
    return True


def experiment(
    seeds: Sequence[int], device: torch.device, *, items: int = 898, batch: int = 64
) -> Iterator[Point | Outcome]:
    values: dict[str, dict[str, list[float]]] = {}
    passes: dict[str, list[list[list[Tensor]]]] = {arm: [] for arm in ARMS}
    for seed in seeds:
        rows = torch.randn(items, 4, generator=torch.Generator().manual_seed(seed))
        for arm in ARMS:
            data = dataset(arm, rows)  # for `bare` this is Dataset(), which an abstract class would refuse
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pin_memory warns where there is no accelerator
                loader = (
                    DataLoader(data, batch, **options(arm))
                    if arm != "bare"
                    else DataLoader(
                        data,
                        batch,
                        sampler=SequentialSampler(range(items)),  # Dataset() has no length to ask for
                    )
                )
                once, again = batches_of(loader), batches_of(loader)
                by_next, by_iter = calls_of_next(loader), calls_of_next(iter(loader)) if once else 0
                single = batches_of(DataLoader(data, **options(arm))) if arm == "map" else []
            passes[arm].append(once)
            seen = {int(number) for numbers, _ in once for number in numbers}
            pinned = bool(once) and once[0][1].is_pinned()
            for outcome, value in {
                "by_next": by_next,
                "by_iter": by_iter,
                "delivered": 100 * len(seen) / items,
                "passes_agree": equal(once, again),
                "rebuilt": equal(once, by_hand(loader)),
                "short_batches": sum(len(numbers) < batch for numbers, _ in once),
                "last_batch": len(once[-1][0]) if once else 0,
                "default_batch": len(single[0][0]) if single else 0,
                "takes_sampler": takes_a_sampler(data, batch),
                "created": isinstance(data, Dataset),
                "pinned_for_nothing": pinned and not torch.accelerator.is_available(),
            }.items():
                values.setdefault(outcome, {}).setdefault(arm, []).append(float(value))

    count = -(-items // batch)
    for step in range(count + 1):
        so_far = {
            arm: [float(sum(len(numbers) for numbers, _ in one[:step])) for one in passes[arm]]
            for arm in ARMS
        }
        yield Point(step, count, {"delivered": so_far})
    yield Outcome(values)

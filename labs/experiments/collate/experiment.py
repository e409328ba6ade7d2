"""Sampler and Dataset are there. What makes a batch out of their samples? collate_fn, tried on six kinds.

Data     `items` samples a kind, drawn by the seed: tensors, Python floats, NumPy arrays, dicts, and sequences
         of unequal length
Arms     each kind through the default collate_fn; the unequal sequences also through one that pads
Metric   samples delivered; bits of the numbers in a batch; names kept from a dict
Cost     one pass through a DataLoader for each seed and arm
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from labs.report import Outcome, Point

ARMS = ("tensors", "floats", "numpy", "dicts", "ragged", "padded")


def samples(arm: str, seed: int, items: int) -> list[Any]:
    draw = np.random.default_rng(seed)
    rows = draw.standard_normal((items, 6))  # float64, as NumPy makes them
    lengths = draw.integers(1, 7, items)
    lengths[:2] = 1, 6  # the first batch already holds two lengths
    of: dict[str, Callable[[int], Any]] = {
        "tensors": lambda i: torch.tensor(rows[i], dtype=torch.float32),
        "floats": lambda i: float(rows[i, 0]),
        "numpy": lambda i: rows[i],
        "dicts": lambda i: {"x": torch.tensor(rows[i], dtype=torch.float32), "y": i % 10},
        "ragged": lambda i: torch.tensor(rows[i, : lengths[i]], dtype=torch.float32),
        "padded": lambda i: torch.tensor(rows[i, : lengths[i]], dtype=torch.float32),
    }
    return [of[arm](i) for i in range(items)]


def padding(sequences: list[Tensor]) -> Tensor:
    """(B, longest), with zeros behind the shorter ones."""
    return pad_sequence(sequences, batch_first=True)


def experiment(
    seeds: Sequence[int], device: torch.device, *, items: int = 256, batch: int = 8
) -> Iterator[Point | Outcome]:
    loaders = {
        arm: [
            iter(
                DataLoader(
                    samples(arm, seed, items),  # a list is enough
                    batch,
                    collate_fn=padding if arm == "padded" else None,
                )
            )
            for seed in seeds
        ]
        for arm in ARMS
    }
    delivered = {arm: [0.0] * len(seeds) for arm in ARMS}
    bits = {arm: [0.0] * len(seeds) for arm in ARMS}
    names = {arm: [0.0] * len(seeds) for arm in ARMS}
    count = -(-items // batch)
    for step in range(1, count + 1):
        for arm in ARMS:
            for member, loader in enumerate(loaders[arm]):
                try:
                    got = next(loader)
                except RuntimeError:  # "stack expects each tensor to be equal size"
                    continue
                x = got["x"] if isinstance(got, dict) else got
                delivered[arm][member] += 100 * len(x) / items
                bits[arm][member] = 8.0 * x.element_size()
                names[arm][member] = float(len(got)) if isinstance(got, dict) else 0.0
        yield Point(step, count, {"delivered": {arm: list(delivered[arm]) for arm in ARMS}})
    yield Outcome({"delivered": delivered, "bits": bits, "names": names})

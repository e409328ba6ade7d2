"""The 8x8 digits that most labs train on, and the one split they all use. No network, no scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

DIGITS = Path(__file__).parent / "digits.npz"
HELD_OUT = 898  # half of the 1,797; the other 899 are the pool that training sets are drawn from


@dataclass(frozen=True, slots=True)
class Digits:
    """Images as (N, 1, 8, 8) floats in 0..1 and labels as (N,) integers, on one device."""

    images: Tensor
    labels: Tensor

    @property
    def flat(self) -> Tensor:
        """The same images as rows of 64 numbers, for networks without convolution."""
        return self.images.flatten(1)

    def __getitem__(self, rows: Tensor | slice) -> "Digits":
        return Digits(self.images[rows], self.labels[rows])


def digits(device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> Digits:
    """All 1,797 digits (UCI optical digits, CC BY 4.0: see LICENSE-digits.md), pixels divided by 16."""
    with np.load(DIGITS) as archive:
        images = torch.from_numpy(archive["images"]).to(device, dtype) / 16
        labels = torch.from_numpy(archive["labels"].astype(np.int64)).to(device)
    return Digits(images.unsqueeze(1), labels)


def held_out_rows() -> Tensor:
    """The 898 rows every lab tests on: one fixed draw, the same for all seeds."""
    return _shuffled()[:HELD_OUT]


def pool_rows() -> Tensor:
    """The 899 rows that training sets come from. None of them is held out."""
    return _shuffled()[HELD_OUT:]


def training_rows(seeds: Sequence[int], per_class: int = 50) -> Tensor:
    """For each seed its own training set: `per_class` rows of each digit, drawn from the pool.

    Returns (seeds, 10 * per_class) row numbers. A seed's rows do not depend on the other seeds.
    Raises ValueError when the pool does not hold that many images of each digit.
    """
    with np.load(DIGITS) as archive:
        labels = archive["labels"]
    pool = pool_rows().numpy()
    smallest = int(np.bincount(labels[pool]).min())
    if not 1 <= per_class <= smallest:
        raise ValueError(
            f"per_class={per_class}: the training pool holds 1 to {smallest} images of each digit"
        )
    sets = []
    for seed in seeds:
        shuffled = np.random.RandomState(seed % 2**32).permutation(pool)
        sets.append(np.concatenate([shuffled[labels[shuffled] == digit][:per_class] for digit in range(10)]))
    return torch.from_numpy(np.stack(sets))


def _shuffled() -> Tensor:
    # RandomState, not default_rng: NumPy promises its stream for all versions (NEP 19)
    return torch.from_numpy(np.random.RandomState(0).permutation(1797))

"""What an experiment yields: points while it runs, and at last one outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


class Vector(Protocol):
    """The part of a one-dimensional torch.Tensor that its reader needs; spares this module torch itself."""

    def tolist(self) -> Any: ...

    def __len__(self) -> int: ...


PerSeed = Sequence[float] | Vector  # one value a seed, in the order of the experiment's `seeds`


@dataclass(frozen=True, slots=True)
class Point:
    """Where the arms stand at one step.

    series: series id -> arm id -> one value a seed. An arm may be left out of a step. A tensor in here must
    not be changed in place afterwards: it is read later, in one go with others, so that no step waits for
    the GPU.
    """

    step: float
    of: float
    series: Mapping[str, Mapping[str, PerSeed]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured in the end: outcome id -> arm id -> one value a seed. The last thing yielded."""

    values: Mapping[str, Mapping[str, PerSeed]]

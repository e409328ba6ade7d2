"""What an experiment has yielded: is it what lab.toml declares, and what are its numbers?"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any


def complaint(told: Any, what: str, known: Collection[str], arms: Collection[str], seeds: int) -> str | None:
    """What is wrong with `told` (id -> arm -> one value a seed), or None.

    what: "series" or "outcome", whose ids are `known`. Looks at names and lengths only, so that nothing waits
    for a GPU.
    """
    if not isinstance(told, Mapping):
        return f"the {what} values are a {kind(told)}, not a dict"
    for id, by_arm in told.items():
        if id not in known:
            return f"{what} {id!r} is not declared in lab.toml"
        if not isinstance(by_arm, Mapping):
            return f"{what} {id} holds a {kind(by_arm)}, not a dict of arms"
        for arm, values in by_arm.items():
            if arm not in arms:
                return f"{what} {id} has an arm {arm!r} that lab.toml does not declare"
            if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
                return f"{what} {id} of arm {arm} is a {kind(values)}, not one value a seed"
            if len(values) != seeds:
                return f"{what} {id} of arm {arm} has {len(values)} values for {seeds} seeds"
    return None


def plain(torch: Any, vectors: Sequence[Any]) -> list[list[float]]:
    """Every vector as a list of floats. Those on an accelerator come in one transfer: each one waits for it.

    Raises ValueError where something in there is not a number.
    """
    lists = list(vectors)
    far = [i for i, values in enumerate(lists) if _is_far(torch, values)]
    if far:
        exact = torch.float32 if lists[far[0]].device.type == "mps" else torch.float64
        fetched = torch.cat([lists[i].detach().to(exact) for i in far]).tolist()
        at = 0
        for i in far:
            length = len(lists[i])
            lists[i] = fetched[at : at + length]
            at += length
    try:
        return [[float(x) for x in _listed(values)] for values in lists]
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"a value that is not a number: {error}") from error


def kind(value: object) -> str:
    """The type of a value as its author would name it."""
    shape = getattr(value, "shape", None)
    name = type(value).__name__
    return name if shape is None else f"{name} of shape {tuple(shape)}"


def _is_far(torch: Any, values: Any) -> bool:
    return isinstance(values, torch.Tensor) and values.device.type != "cpu"


def _listed(values: Any) -> Any:
    return values.tolist() if hasattr(values, "tolist") else values

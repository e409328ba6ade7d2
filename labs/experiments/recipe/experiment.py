"""A recipe of one's own: several changes to the baseline at once, against the sum of what each gains alone.

Data     as in the lab ablation: 200 training and 50 validation digits drawn by the seed, a share of their
         labels drawn anew at random; 898 held-out images with true labels
Arms     the baseline; the recipe that the knobs compose; and "sum", the baseline's accuracy plus the gain of
         every part of the recipe on its own
Metric   accuracy on the held-out images (of "sum": a number that may well pass 100 %)
Cost     steps Adam steps of the baseline, the recipe and each of its parts, all seeds at once

The changes themselves stand in the lab ablation.
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from labs.experiments.ablation.experiment import Recipe, compared
from labs.report import Outcome, Point


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    wrong: float = 0.3,
    shift: str = "on",
    schedule: str = "cosine",
    smoothing: float = 0.0,
    decay: float = 0.0,
    norm: str = "off",
    width: int = 1,
    dropout: float = 0.5,
    mixup: float = 0.0,
    read: str = "last",
    steps: int = 300,
) -> Iterator[Point | Outcome]:
    recipe = Recipe(shift == "on", schedule, smoothing, decay, norm == "on", width, dropout, mixup, read)
    base = Recipe()
    parts = {
        field: base._replace(**{field: value})
        for field, value in recipe._asdict().items()
        if value != getattr(base, field)
    }
    trained = {"base": base, "recipe": recipe, **parts}

    def shown(accuracy: Mapping[str, Tensor]) -> dict[str, Tensor]:
        gains = [accuracy[part] - accuracy["base"] for part in parts]
        total = sum(gains, start=accuracy["base"])
        return {"base": accuracy["base"], "recipe": accuracy["recipe"], "sum": total}

    for told in compared(trained, {"told": wrong}, seeds, device, steps):
        if isinstance(told, Point):
            yield Point(told.step, told.of, {"accuracy": shown(told.series["told"])})
        else:
            yield Outcome({"accuracy": shown(told.values["accuracy_told"])})

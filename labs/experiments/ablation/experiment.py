"""Ablation: one change at a time to the same baseline, once on clean and once on partly wrong labels.

Data     digits, 20 training and 5 validation images of each drawn by the seed; in the second regime a share
         of their labels is drawn anew at random; 898 held-out images, always with true labels
Arms     a baseline CNN and eleven copies of it with a single change each; ARMS says which
Metric   accuracy on the held-out images
Cost     steps Adam steps of (10 networks x 2 regimes) a seed; a moving average and the best weights on the
         validation images are kept on the way, so that those two changes need no training of their own
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import Digits, digits, held_out_rows, training_rows
from labs.ensemble import AdamW, Ensemble, accuracy, batches, gather
from labs.report import Outcome, Point

BATCH, RATE, EVERY = 64, 3e-3, 10  # EVERY: steps between two validations, and between two points
SPOTS = 9  # where a digit moved by at most one pixel can stand


class Recipe(NamedTuple):
    """How a network is built, trained and read. The defaults are the baseline."""

    shift: bool = False  # every image moved by up to one pixel each way, anew in every batch
    schedule: str = "constant"  # or warmup: a tenth of the steps linearly from 0; or cosine: down to 0
    smoothing: float = 0.0  # share of the target spread over all classes
    decay: float = 0.0  # AdamW's weight decay
    norm: bool = False  # BatchNorm behind both convolutions
    width: int = 1
    dropout: float = 0.0  # before the last layer
    mixup: float = 0.0  # alpha of Beta(alpha, alpha), which draws the share of the second image
    read: str = "last"  # which weights are tested: last, ema (moving average) or best (on validation)


ARMS = {
    "base": Recipe(),
    "shift": Recipe(shift=True),
    "cosine": Recipe(schedule="cosine"),
    "warmup": Recipe(schedule="warmup"),
    "smoothing": Recipe(smoothing=0.1),
    "decay": Recipe(decay=0.3),
    "norm": Recipe(norm=True),
    "width": Recipe(width=2),
    "dropout": Recipe(dropout=0.5),
    "mixup": Recipe(mixup=0.4),
    "ema": Recipe(read="ema"),
    "early": Recipe(read="best"),
}


def cnn(recipe: Recipe) -> nn.Module:
    first, second = 16 * recipe.width, 32 * recipe.width
    norms = (nn.BatchNorm2d(first), nn.BatchNorm2d(second)) if recipe.norm else (nn.Identity(), nn.Identity())
    return nn.Sequential(
        *(nn.Conv2d(1, first, 3, stride=2, padding=1), norms[0], nn.ReLU()),
        *(nn.Conv2d(first, second, 3, stride=2, padding=1), norms[1], nn.ReLU()),
        *(nn.Flatten(), nn.Dropout(recipe.dropout), nn.Linear(4 * second, 10)),
    )


def moved(images: Tensor) -> Tensor:
    """All images at all SPOTS, the unmoved ones first: (SPOTS * N, 1, 8, 8)."""
    padded = F.pad(images, (1, 1, 1, 1))
    spots = [(1, 1), *((y, x) for y in range(3) for x in range(3) if (y, x) != (1, 1))]
    return torch.cat([padded[..., y : y + 8, x : x + 8] for y, x in spots])


def told_labels(labels: Tensor, rows: Tensor, seed: int, wrong: float) -> Tensor:
    """All labels, those of `rows` replaced with probability `wrong` by a random class."""
    draw = np.random.RandomState(seed % 2**32)
    replaced, classes = draw.rand(len(rows)) < wrong, draw.randint(10, size=len(rows))
    told = labels.clone()
    told[rows[torch.from_numpy(replaced)]] = torch.from_numpy(classes[replaced]).to(labels)
    return told


class Training:
    """Recipes that need networks of one shape, trained together: a member for each recipe, regime and seed."""

    def __init__(
        self,
        recipes: Sequence[Recipe],
        wrong: Sequence[float],
        seeds: Sequence[int],
        steps: int,
        data: Digits,
    ) -> None:
        device = data.labels.device
        members = [(recipe, share, seed) for recipe in recipes for share in wrong for seed in seeds]
        own = {seed: rows.view(10, 25) for seed, rows in zip(seeds, training_rows(seeds, 25), strict=True)}
        train = torch.stack([own[seed][:, 5:].flatten() for *_, seed in members])
        told = {
            (share, seed): told_labels(data.labels, own[seed].flatten(), seed, share)
            for share in wrong
            for seed in seeds
        }
        self.steps, self.step = steps, 0
        self.images, self.count = moved(data.images), len(data.labels)
        self.told = torch.stack([told[share, seed] for _, share, seed in members])  # (M, N)
        self.watched = torch.stack([own[seed][:, :5].flatten() for *_, seed in members]).to(device)
        self.net = Ensemble(lambda: cnn(recipes[0]), [seed for *_, seed in members], device)
        self.adam = AdamW(self.net, RATE, weight_decay=[recipe.decay for recipe, *_ in members])
        self.walk = batches(self.net.seeds, train, BATCH, device)
        self.kinds = [recipe for recipe, *_ in members]
        self.smoothing = torch.tensor([r.smoothing for r in self.kinds], device=device).view(-1, 1, 1)
        self.moving = torch.tensor([r.shift for r in self.kinds], device=device).view(-1, 1)
        draws = {seed: np.random.RandomState((seed + 1) % 2**32) for seed in seeds}
        spots = {seed: draw.randint(SPOTS, size=(steps, BATCH)) for seed, draw in draws.items()}
        self.spots = torch.from_numpy(np.stack([spots[s] for s in self.net.seeds], 1)).to(device)  # (T, M, B)
        shares = {(s, a): draws[s].beta(a, a, steps) for s in seeds for a in {r.mixup for r in recipes} if a}
        second = [shares.get((seed, recipe.mixup), np.zeros(steps)) for recipe, _, seed in members]
        self.second = torch.tensor(np.stack(second, 1), dtype=torch.float32, device=device)  # (T, M)
        self.mixing = bool(shares)
        self.weights: dict[str, dict[str, Tensor]] = {}  # "ema", "best"
        self.validated = torch.full((len(members),), -1.0, dtype=torch.float64, device=device)

    def rates(self) -> list[float]:
        """The learning rate of each member at this step."""
        done = self.step / self.steps
        factor = {
            "constant": 1.0,
            "warmup": min(1.0, (self.step + 1) / (0.1 * self.steps)),
            "cosine": (1 + math.cos(math.pi * done)) / 2,
        }
        return [RATE * factor[recipe.schedule] for recipe in self.kinds]

    def train(self, steps: int) -> None:
        self.net.train()
        for _ in range(steps):
            rows = next(self.walk)  # (M, B)
            labels = self.told.gather(1, rows)
            x = gather(self.images, rows + self.count * self.moving * self.spots[self.step])
            target = F.one_hot(labels, 10).transpose(1, 2).to(x.dtype)  # (M, 10, B)
            target = target * (1 - self.smoothing) + self.smoothing / 10
            if self.mixing:  # mixup: the second image is the one across the batch
                share = self.second[self.step]
                x = x + share.view(-1, 1, 1, 1, 1) * (x.flip(1) - x)
                target = target + share.view(-1, 1, 1) * (target.flip(2) - target)
            self.adam.lr = self.rates()
            self.adam.step(-(target * self.net(x).log_softmax(1)).sum(1).mean(1))
            self.step += 1
            self._average()

    @torch.no_grad()
    def _average(self, keep: float = 0.98) -> None:
        now = self.net.net.state_dict()
        if "ema" not in self.weights:
            self.weights["ema"] = {name: value.clone() for name, value in now.items()}
        for name, value in self.weights["ema"].items():
            value.lerp_(now[name], 1 - keep) if value.is_floating_point() else value.copy_(now[name])

    @torch.no_grad()
    def validate(self) -> None:
        """Keeps the weights of every member that does better than ever on its validation images."""
        self.net.eval()
        right = accuracy(self.net(gather(self.images, self.watched)), self.told.gather(1, self.watched))
        better, self.validated = right > self.validated, torch.maximum(right, self.validated)
        now = self.net.net.state_dict()
        kept = self.weights.get("best", now)
        self.weights["best"] = {
            name: value.where(better.view(-1, *[1] * (value.dim() - 1)), kept[name])
            for name, value in now.items()
        }

    @torch.no_grad()
    def score(self, read: str, on: Digits) -> Tensor:
        """Per cent right of the last, averaged or best weights: (recipes, regimes, seeds) as one vector."""
        last = {name: value.clone() for name, value in self.net.net.state_dict().items()}
        self.net.net.load_state_dict(self.weights.get(read, last))
        right = accuracy(self.net.eval().same(on.images), on.labels) * 100
        self.net.net.load_state_dict(last)
        return right


def experiment(
    seeds: Sequence[int], device: torch.device, *, steps: int = 300, wrong: float = 0.3
) -> Iterator[Point | Outcome]:
    yield from compared(ARMS, {"clean": 0.0, "noisy": wrong}, seeds, device, steps)


def compared(
    arms: Mapping[str, Recipe],
    regimes: Mapping[str, float],
    seeds: Sequence[int],
    device: torch.device,
    steps: int,
) -> Iterator[Point | Outcome]:
    """Trains every arm in every regime. Outcomes are called accuracy_<regime>."""
    data = digits(device)
    test = data[held_out_rows().to(device)]
    shapes: dict[Recipe, list[Recipe]] = {}  # what decides about the shape -> what has to be trained
    for recipe in arms.values():
        trained = recipe._replace(read="last")
        alike = shapes.setdefault(Recipe(norm=recipe.norm, width=recipe.width, dropout=recipe.dropout), [])
        alike += [trained] if trained not in alike else []
    groups = [
        (alike, Training(alike, list(regimes.values()), seeds, steps, data)) for alike in shapes.values()
    ]

    def scores(on: Digits) -> dict[str, dict[str, Tensor]]:
        """Regime -> arm -> per cent right a seed."""
        found: dict[str, dict[str, Tensor]] = {regime: {} for regime in regimes}
        for alike, training in groups:
            for read in {recipe.read for recipe in arms.values()}:
                right: Tensor | None = None
                for arm, recipe in arms.items():
                    trained = recipe._replace(read="last")
                    if recipe.read != read or trained not in alike:
                        continue
                    if right is None:
                        right = training.score(read, on).view(len(alike), len(regimes), -1)
                    for regime, of_seeds in zip(regimes, right[alike.index(trained)], strict=True):
                        found[regime][arm] = of_seeds
        return {regime: {arm: found[regime][arm] for arm in arms} for regime in regimes}

    for step in range(0, steps, EVERY):
        for _, training in groups:
            training.validate()
        yield Point(step, steps, scores(test[:128]))
        for _, training in groups:
            training.train(min(EVERY, steps - step))
    for _, training in groups:
        training.validate()
    yield Point(steps, steps, scores(test[:128]))
    yield Outcome({f"accuracy_{regime}": by_arm for regime, by_arm in scores(test).items()})

"""BatchNorm with batches of two: what it computes, when it refuses, and what training with it costs.

Data     digits, 50 training images of each drawn by the seed; 898 held-out images
Arms     a CNN with BatchNorm or GroupNorm, trained on tiny batches (1,000 steps, rate 0.0005) or on batches
         of 64 (250 steps, rate 0.003); and a single sample shown to a BatchNorm layer in training
Metric   accuracy of eval() on the held-out images; distance of a layer's output and buffers from their
         formulas; whether a layer refuses a batch of one
Cost     2 x 1,250 Adam steps of a small CNN, all seeds at once
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import torch
from torch import Tensor, nn

from labs.data import Digits, digits, held_out_rows, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

TICKS = 50  # points of a curve


def cnn(norm: Callable[[int], nn.Module]) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), norm(8), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), norm(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(256, 10)),
    )


def group_norm(channels: int) -> nn.Module:
    return nn.GroupNorm(4, channels)


@torch.no_grad()
def score(net: Ensemble, on: Digits) -> Tensor:
    """Per cent right in eval(); the network is left in train()."""
    right = accuracy(net.eval().same(on.images), on.labels) * 100
    net.train()
    return right


def experiment(
    seeds: Sequence[int], device: torch.device, *, tiny: int = 2, tiny_rate: float = 5e-4
) -> Iterator[Point | Outcome]:
    data = digits(device)
    test = data[held_out_rows().to(device)]
    watched = test[:128]  # enough for a curve; the outcome is measured on all 898
    own = training_rows(seeds)
    recipes: dict[
        str, tuple[Callable[[int], nn.Module], int, int, float]
    ] = {  # arm: (norm, batch, steps between two points, rate)
        "bn_tiny": (nn.BatchNorm2d, tiny, 20, tiny_rate),
        "gn_tiny": (group_norm, tiny, 20, tiny_rate),
        "bn_64": (nn.BatchNorm2d, 64, 5, 3e-3),
        "gn_64": (group_norm, 64, 5, 3e-3),
    }
    nets = {arm: Ensemble(partial(cnn, norm), seeds, device) for arm, (norm, *_) in recipes.items()}
    adams = {arm: Adam(nets[arm], lr=rate) for arm, (*_, rate) in recipes.items()}
    walks = {arm: batches(seeds, own, size, device) for arm, (_, size, *_) in recipes.items()}

    for tick in range(TICKS + 1):
        yield Point(tick, TICKS, {"accuracy": {arm: score(net, watched) for arm, net in nets.items()}})
        if tick < TICKS:
            for arm, (_, _, steps, _) in recipes.items():
                for rows in islice(walks[arm], steps):
                    loss = cross_entropy(nets[arm](gather(data.images, rows)), data.labels[rows])
                    adams[arm].step(loss)

    errors = {
        arm: [formula_errors(data.images[rows], size) for rows in own.to(device)]
        for arm, size in (("bn_tiny", tiny), ("bn_64", 64))
    }
    samples = [data.images[rows[:1]] for rows in own.to(device)]
    yield Outcome(
        {
            "accuracy": {arm: score(net, test) for arm, net in nets.items()},
            "output_error": {arm: [output for output, _ in pairs] for arm, pairs in errors.items()},
            "buffer_error": {arm: [buffers for _, buffers in pairs] for arm, pairs in errors.items()},
            "refused": {
                "one_vector": [refuses(nn.BatchNorm1d(64), x.flatten(1)) for x in samples],
                "one_image": [refuses(nn.BatchNorm2d(1), x) for x in samples],
            },
        }
    )


def formula_errors(images: Tensor, size: int) -> tuple[float, float]:
    """How far a new BatchNorm2d strays from the formulas over 10 batches: (output, buffers).

    Output: (x - mean) / sqrt(variance + eps) with the batch's own mean and biased variance.
    Buffers: 0.9 of the old value and 0.1 of the batch's mean, or of its unbiased variance.
    """
    layer = nn.BatchNorm2d(1, affine=False).to(images.device).train()
    mean, variance, worst = 0.0, 1.0, 0.0
    for number in range(10):
        x = images[number * size % 400 :][:size]
        exact = x.double()
        expected = (exact - exact.mean()) / (exact.var(correction=0) + layer.eps).sqrt()
        worst = max(worst, float((layer(x) - expected).abs().max()))
        mean = 0.9 * mean + 0.1 * float(exact.mean())
        variance = 0.9 * variance + 0.1 * float(exact.var(correction=1))
    kept = layer.state_dict()
    return worst, max(abs(float(kept["running_mean"]) - mean), abs(float(kept["running_var"]) - variance))


def refuses(layer: nn.Module, sample: Tensor) -> float:
    """1 when the layer, in training, raises ValueError on this batch; else 0."""
    try:
        layer.to(sample.device).train()(sample)
    except ValueError:
        return 1.0
    return 0.0

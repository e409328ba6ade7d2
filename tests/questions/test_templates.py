"""The pure formulas of generated questions against torch itself, on the meta device where shapes are all it takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from questions.catalog import BANK, load
from questions.shapes import Question
from questions.templates import TEMPLATES, draw, places


def conv_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> float:
    layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation, device="meta")
    return layer(torch.empty(1, 1, size, size, device="meta")).shape[-1]


def flattened(size: int, first: int, second: int, channels: int) -> float:
    net = nn.Sequential(nn.MaxPool2d(first), nn.MaxPool2d(second), nn.Flatten())
    return net(torch.empty(1, channels, size, size, device="meta")).shape[1]


def conv_parameters(inputs: int, outputs: int, kernel: int, groups: int) -> float:
    layer = nn.Conv2d(inputs, outputs, kernel, groups=groups, device="meta")
    return sum(p.numel() for p in layer.parameters())


def receptive_field(first: int, stride: int, second: int, third: int) -> float:
    """Edge of the square of pixels from which one output's gradient comes."""
    net = nn.Sequential(nn.Conv2d(1, 1, first, stride), nn.Conv2d(1, 1, second), nn.Conv2d(1, 1, third))
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    x = torch.zeros(1, 1, 64, 64, requires_grad=True)
    net(x)[0, 0, 3, 3].backward()
    assert x.grad is not None
    return int((x.grad[0, 0] != 0).any(0).sum())


def kaiming_std(inputs: int, outputs: int, kernel: int) -> float:
    weight = torch.empty(outputs, inputs, kernel, kernel, device="meta")
    fan_in, _ = nn.init._calculate_fan_in_and_fan_out(weight)
    return nn.init.calculate_gain("relu") / math.sqrt(fan_in)


def default_bound(inputs: int, outputs: int) -> float:
    torch.manual_seed(0)
    return max(nn.Linear(inputs, outputs).weight.abs().max().item() for _ in range(40))


def updates(samples: int, batch: int, epochs: int) -> float:
    return sum(len(DataLoader(range(samples), batch_size=batch)) for _ in range(epochs))  # type: ignore[arg-type]


def smoothed_target(classes: int, percent: int) -> float:
    """Cross-entropy is linear in the log-probabilities: its gradient there is minus the target."""
    logits = torch.zeros(1, classes, requires_grad=True)
    F.cross_entropy(logits, torch.tensor([0]), label_smoothing=percent / 100).backward()
    assert logits.grad is not None
    return (1 / classes - logits.grad[0, 0]).item()


def decayed(weight: float, rate: float, decay: float, gradient: float) -> float:
    parameter = nn.Parameter(torch.tensor(weight, dtype=torch.float64))
    parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    torch.optim.SGD([parameter], lr=rate, weight_decay=decay).step()
    return parameter.item()


def running_mean(mean: float, batches: int, momentum: float) -> float:
    layer = nn.BatchNorm1d(1, momentum=momentum, dtype=torch.float64)
    for _ in range(batches):
        layer(torch.tensor([[mean - 1.0], [mean + 1.0]], dtype=torch.float64))
    assert layer.running_mean is not None
    return layer.running_mean.item()


def scaled_up(value: float, percent: int) -> float:
    return nn.Dropout(percent / 100)(torch.full((1000,), float(value))).max().item()


def unshared(size: int, inputs: int, outputs: int, kernel: int) -> float:
    """One kernel a place: as many as unfolding an image of the same padded size has columns."""
    image = torch.empty(1, inputs, size, size)
    patches = F.unfold(image, kernel, padding=kernel // 2)
    return patches.shape[1] * patches.shape[2] * outputs


def standard_error(percent: int, images: int) -> float:
    distribution = torch.distributions.Binomial(images, torch.tensor(percent / 100, dtype=torch.float64))
    return 100 * distribution.stddev.item() / images


def cosine_rate(peak: float, total: int, step: int) -> float:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=peak)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, total)
    for _ in range(step):
        optimizer.step()
        schedule.step()
    return float(schedule.get_last_lr()[0])


TRUTH: dict[str, Callable[..., float]] = {
    "conv_size": conv_size,
    "flattened": flattened,
    "conv_parameters": conv_parameters,
    "receptive_field": receptive_field,
    "kaiming_std": kaiming_std,
    "default_bound": default_bound,
    "updates": updates,
    "smoothed_target": smoothed_target,
    "decayed": decayed,
    "running_mean": running_mean,
    "scaled_up": scaled_up,
    "unshared": unshared,
    "standard_error": standard_error,
    "cosine_rate": cosine_rate,
}


def close(name: str, measured: float, stated: float) -> bool:
    slack = 0.01 if name == "default_bound" else 1e-5  # the largest of some thousand draws stays just below
    return math.isclose(measured, stated, rel_tol=slack, abs_tol=1e-9)


def test_every_template_is_held_against_torch() -> None:
    assert set(TRUTH) == set(TEMPLATES)


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_right_formula_is_torchs_and_no_wrong_one_is(name: str) -> None:
    template = TEMPLATES[name]
    random = Random(name)
    drawn = [template.draw(random) for _ in range(25)]
    truth = [TRUTH[name](**given) for given in drawn]
    for given, measured in zip(drawn, truth, strict=True):
        assert close(name, measured, template.right(**given)), given
    for wrong, formula in template.wrong.items():
        agreed = [close(name, t, formula(**given)) for given, t in zip(drawn, truth, strict=True)]
        assert not all(agreed), f"{wrong} would pass for right"


def generated() -> list[Question]:
    return [question for question in load(BANK).questions.values() if question.template]


@pytest.mark.parametrize("question", generated(), ids=lambda question: question.id)
def test_a_drawn_question_is_whole_and_the_same_for_a_seed(question: Question) -> None:
    seen = set()
    for seed in range(60):
        drawn = draw(question, seed)
        assert drawn == draw(question, seed)
        for text in (drawn.stem, drawn.explain):
            assert not places(text.zh) | places(text.en)
        assert places(question.stem.zh) == places(question.stem.en)
        assert places(question.explain.zh) == places(question.explain.en)
        assert drawn.read(drawn.key).ok
        for slip in drawn.slips:
            assert not drawn.read(f"{slip.value!r}").ok
            assert drawn.read(f"{slip.value!r}").misconception in question.beliefs.values()
        seen.add(drawn.stem.en)
    assert len(seen) >= 8

"""Questions whose numbers are drawn anew: what is drawn, the right formula, and the wrong ones people use.

Every formula is plain Python; a test holds each right one against torch itself. A question file names a template,
puts its parameters into the text as `{kernel}` or `{answer}`, and ties wrong formulas to misconceptions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from math import ceil, cos, pi, sqrt
from random import Random
from typing import NamedTuple, TypeVar

import msgspec

from questions.shapes import Question, Slip, Text

T = TypeVar("T")
Drawn = dict[str, int | float]
Formula = Callable[..., float]


class Template(NamedTuple):
    """draw: the parameters from a random stream. right, wrong: formulas of them, by keyword.

    digits: decimals asked for; a typed number may be one off in the last of them. 0: must be exact.
    """

    draw: Callable[[Random], Drawn]
    right: Formula
    wrong: Mapping[str, Formula]
    digits: int = 0

    @property
    def tolerance(self) -> float:
        return 0.0 if self.digits == 0 else 1.01 * 10.0**-self.digits


def pick(random: Random, values: Sequence[T]) -> T:
    """One of the values. Only random() has a sequence that Python promises to keep for a seed."""
    return values[int(random.random() * len(values))]


# ---- sizes and counts of convolutions ----------------------------------------------------------------------


def _conv(random: Random) -> Drawn:
    kernel = pick(random, (3, 5, 7))
    return {
        "size": pick(random, range(24, 97)),
        "kernel": kernel,
        "stride": pick(random, (2, 3)),
        "padding": pick(random, range(1, kernel)),
        "dilation": pick(random, (2, 3)),
    }


def conv_size(size: int, kernel: int, stride: int, padding: int, dilation: int) -> int:
    """Edge of a convolution's output: documentation of torch.nn.Conv2d, section Shape."""
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def _pool(random: Random) -> Drawn:
    return {
        "size": pick(random, range(21, 96, 2)),
        "first": pick(random, (2, 3)),
        "second": pick(random, (2, 3)),
        "channels": pick(random, (8, 16, 32, 64)),
    }


def flattened(size: int, first: int, second: int, channels: int) -> int:
    """in_features of a linear layer behind two poolings whose stride equals their kernel."""
    return channels * (size // first // second) ** 2


def _weights(random: Random) -> Drawn:
    return {
        "inputs": pick(random, (8, 16, 32, 48, 64)),
        "outputs": pick(random, (16, 24, 32, 64, 96)),
        "kernel": pick(random, (1, 3, 5)),
        "groups": pick(random, (2, 4, 8)),
    }


def conv_parameters(inputs: int, outputs: int, kernel: int, groups: int) -> int:
    """Weights and biases of a Conv2d: documentation of torch.nn.Conv2d, section Variables."""
    return outputs * (inputs // groups) * kernel**2 + outputs


def _stack(random: Random) -> Drawn:
    return {
        "first": pick(random, (3, 5, 7)),
        "stride": pick(random, (2, 3)),
        "second": pick(random, (3, 5)),
        "third": pick(random, (3, 5)),
    }


def receptive_field(first: int, stride: int, second: int, third: int) -> int:
    """Edge of what one output sees: 1 + sum of (kernel - 1) times the product of the strides before it
    (Araujo et al. 2019, Computing receptive fields of convolutional neural networks)."""
    return first + (second - 1) * stride + (third - 1) * stride


# ---- initial weights ---------------------------------------------------------------------------------------


def _fan(random: Random) -> Drawn:
    return {
        "inputs": pick(random, (16, 32, 64, 128)),
        "outputs": pick(random, (32, 48, 96, 192)),
        "kernel": pick(random, (1, 3, 5)),
    }


def kaiming_std(inputs: int, outputs: int, kernel: int) -> float:
    """sqrt(2 / fan_in) with fan_in = inputs x kernel^2 (He et al. 2015, equation 10)."""
    return sqrt(2 / (inputs * kernel**2))


def default_bound(inputs: int, outputs: int) -> float:
    """Where nn.Linear's uniform weights end: 1 / sqrt(fan_in), as kaiming_uniform_(a=sqrt(5)) works out
    (torch/nn/modules/linear.py: Linear.reset_parameters)."""
    return 1 / sqrt(inputs)


# ---- batches -----------------------------------------------------------------------------------------------


def _batches(random: Random) -> Drawn:
    return {
        "samples": pick(random, range(1000, 60001, 7)),
        "batch": pick(random, (32, 48, 64, 100, 128, 256)),
        "epochs": pick(random, (3, 5, 10, 20)),
    }


def updates(samples: int, batch: int, epochs: int) -> int:
    """Steps of the optimizer with drop_last=False: documentation of torch.utils.data.DataLoader."""
    return ceil(samples / batch) * epochs


# ---- losses and steps --------------------------------------------------------------------------------------


def _smoothing(random: Random) -> Drawn:
    return {"classes": pick(random, (4, 5, 8, 10, 20)), "percent": pick(random, (10, 20, 30))}


def smoothed_target(classes: int, percent: int) -> float:
    """Target of the true class: 1 - e + e / classes (Szegedy et al. 2016; torch.nn.CrossEntropyLoss)."""
    e = percent / 100
    return 1 - e + e / classes


def _decay(random: Random) -> Drawn:
    return {
        "weight": pick(random, (2.0, 4.0, 5.0)),
        "rate": pick(random, (0.1, 0.2, 0.5)),
        "decay": pick(random, (0.1, 0.2, 0.4)),
        "gradient": pick(random, (0.5, 1.0, 2.0)),
    }


def decayed(weight: float, rate: float, decay: float, gradient: float) -> float:
    """A weight after one step of SGD: documentation of torch.optim.SGD (g + decay x w)."""
    return weight - rate * (gradient + decay * weight)


# ---- modes -------------------------------------------------------------------------------------------------


def _running(random: Random) -> Drawn:
    return {
        "mean": pick(random, (2, 4, 8, 10)),
        "batches": pick(random, (2, 3, 4, 5, 6)),
        "momentum": pick(random, (0.1, 0.2, 0.3)),
    }


def running_mean(mean: float, batches: int, momentum: float) -> float:
    """A buffer that begins at 0 and moves by `momentum` to the mean of each batch
    (documentation of torch.nn.BatchNorm1d)."""
    return mean * (1 - (1 - momentum) ** batches)


def _kept(random: Random) -> Drawn:
    return {"value": pick(random, (2, 3, 6, 12)), "percent": pick(random, (20, 25, 40, 60, 75))}


def scaled_up(value: float, percent: int) -> float:
    """An element that dropout keeps: value / (1 - p) (documentation of torch.nn.Dropout)."""
    return value / (1 - percent / 100)


# ---- counting what a prior saves, and what noise hides ------------------------------------------------------


def _map(random: Random) -> Drawn:
    return {
        "size": pick(random, (8, 10, 12, 16)),
        "inputs": pick(random, (3, 4, 8)),
        "outputs": pick(random, (6, 8, 16)),
        "kernel": pick(random, (3, 5)),
    }


def unshared(size: int, inputs: int, outputs: int, kernel: int) -> int:
    """Weights, without biases, of a locally connected layer that keeps the map's size: one kernel a place."""
    return size**2 * inputs * outputs * kernel**2


def _accuracy(random: Random) -> Drawn:
    return {
        "percent": pick(random, (60, 70, 80, 90, 95)),
        "images": pick(random, (100, 200, 400, 1000, 2500)),
    }


def standard_error(percent: int, images: int) -> float:
    """Standard error of a measured accuracy, in points: binomial, sqrt(p (1 - p) / n)."""
    p = percent / 100
    return 100 * sqrt(p * (1 - p) / images)


def _schedule(random: Random) -> Drawn:
    return {
        "peak": pick(random, (0.1, 0.2, 0.4, 0.8)),
        "total": 100,
        "step": pick(random, (20, 25, 75, 80, 90)),
    }


def cosine_rate(peak: float, total: int, step: int) -> float:
    """Cosine annealing to zero (Loshchilov and Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingLR)."""
    return peak * (1 + cos(pi * step / total)) / 2


TEMPLATES: dict[str, Template] = {
    "conv_size": Template(
        _conv,
        conv_size,
        {
            "no_dilation": lambda **d: conv_size(**{**d, "dilation": 1}),
            "one_sided": lambda size, kernel, stride, padding, dilation: (
                (size + padding - dilation * (kernel - 1) - 1) // stride + 1
            ),
            "rounded_up": lambda size, kernel, stride, padding, dilation: (
                ceil((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
            ),
        },
    ),
    "flattened": Template(
        _pool,
        flattened,
        {
            "channels_only": lambda channels, **_: channels,
            "rounded_up": lambda size, first, second, channels: (
                channels * ceil(ceil(size / first) / second) ** 2
            ),
        },
    ),
    "conv_parameters": Template(
        _weights,
        conv_parameters,
        {
            "no_bias": lambda **d: conv_parameters(**d) - d["outputs"],
            "bias_per_slice": lambda inputs, outputs, kernel, groups: (
                outputs * (inputs // groups) * (kernel**2 + 1)
            ),
            "one_kernel_an_output": lambda outputs, kernel, **_: outputs * kernel**2 + outputs,
            "groups_ignored": lambda **d: conv_parameters(**{**d, "groups": 1}),
        },
    ),
    "receptive_field": Template(
        _stack,
        receptive_field,
        {
            "strides_ignored": lambda first, second, third, **_: first + second + third - 2,
            "last_kernel": lambda third, **_: third,
            "kernels_added": lambda first, second, third, **_: first + second + third,
        },
    ),
    "kaiming_std": Template(
        _fan,
        kaiming_std,
        {
            "fan_out": lambda inputs, outputs, kernel: sqrt(2 / (outputs * kernel**2)),
            "kernel_ignored": lambda inputs, **_: sqrt(2 / inputs),
        },
        3,
    ),
    "default_bound": Template(
        lambda random: {
            "inputs": pick(random, (16, 25, 64, 100, 144, 256)),
            "outputs": pick(random, (10, 49, 81)),
        },
        default_bound,
        {
            "kaiming": lambda inputs, **_: sqrt(6 / inputs),
            "fan_out": lambda outputs, **_: 1 / sqrt(outputs),
            "xavier": lambda inputs, outputs: sqrt(6 / (inputs + outputs)),
        },
        3,
    ),
    "updates": Template(
        _batches,
        updates,
        {
            "dropped": lambda samples, batch, epochs: samples // batch * epochs,
        },
    ),
    "smoothed_target": Template(
        _smoothing,
        smoothed_target,
        {
            "cut": lambda percent, **_: 1 - percent / 100,
            "untouched": lambda **_: 1.0,
        },
        3,
    ),
    "decayed": Template(
        _decay,
        decayed,
        {
            "decay_unscaled": lambda weight, rate, decay, gradient: weight * (1 - decay) - rate * gradient,
        },
        2,
    ),
    "running_mean": Template(
        _running,
        running_mean,
        {
            "reversed": lambda mean, batches, momentum: running_mean(mean, batches, 1 - momentum),
            "unmoved": lambda **_: 0.0,
        },
        2,
    ),
    "scaled_up": Template(
        _kept,
        scaled_up,
        {
            "unscaled": lambda value, **_: value,
            "by_p": lambda value, percent: value / (percent / 100),
        },
        2,
    ),
    "unshared": Template(
        _map,
        unshared,
        {
            "shared": lambda inputs, outputs, kernel, **_: inputs * outputs * kernel**2,
            "dense": lambda size, inputs, outputs, **_: size**4 * inputs * outputs,
            "one_channel": lambda size, outputs, kernel, **_: size**2 * outputs * kernel**2,
        },
    ),
    "standard_error": Template(
        _accuracy,
        standard_error,
        {
            "none": lambda **_: 0.0,
            "linear": lambda percent, images: 100 * sqrt(percent / 100 * (1 - percent / 100)) / images,
            "per_image": lambda percent, **_: 100 * sqrt(percent / 100 * (1 - percent / 100)),
        },
        2,
    ),
    "cosine_rate": Template(
        _schedule,
        cosine_rate,
        {
            "linear": lambda peak, total, step: peak * (1 - step / total),
        },
        3,
    ),
}


def draw(question: Question, seed: int) -> Question:
    """The question with numbers drawn by `seed`: an ordinary `number` question.

    Draws again until every wrong formula that the question names gives another number than the right one. Two wrong
    ones may agree; then the first named is taken for the belief.
    """
    assert question.template is not None
    template = TEMPLATES[question.template]
    random = Random(f"{question.template}:{seed}")
    for _ in range(200):
        given = template.draw(random)
        value = round(template.right(**given), template.digits)
        wrong = {name: round(template.wrong[name](**given), template.digits) for name in question.beliefs}
        if all(abs(other - value) > template.tolerance for other in wrong.values()):
            break
    else:
        raise ValueError(f"{question.id}: no draw tells its wrong formulas from the right one")
    slips = tuple(Slip(float(wrong[name]), belief) for name, belief in question.beliefs.items())
    shown: dict[str, str] = {name: f"{number:.12g}" for name, number in (given | wrong).items()}
    shown["answer"] = f"{value:.{template.digits}f}"
    return msgspec.structs.replace(
        question,
        stem=_filled(question.stem, shown),
        explain=_filled(question.explain, shown),
        key=f"{value:.12g}",
        value=float(value),
        tolerance=template.tolerance,
        slips=slips,
        template=None,
        beliefs={},
    )


def places(text: str) -> set[str]:
    """Names in braces that a text waits for."""
    return set(re.findall(r"\{(\w+)\}", text))


def _filled(text: Text, shown: Mapping[str, str]) -> Text:
    def fill(part: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: shown.get(found[1], found[0]), part)

    return Text(fill(text.zh), fill(text.en))

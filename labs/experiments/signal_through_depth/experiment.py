"""How do activations and gradients fare on their way through 50 layers? Only the initial scale differs.

Data     unit-normal inputs, and unit-normal gradients that arrive at the last layer, drawn by the seed
Arms     layers of 256 units without bias, drawn as: zero; N(0, 0.01); what nn.Linear draws by default;
         Xavier; Kaiming (ReLU); N(0, 1). Each goes once through ReLU and once through tanh, with equal weights
Metric   log10 of the standard deviation of activations after so many layers forward, and of gradients after
         so many layers backward, held within -45 and 39, the ends of float32; layers whose output holds an
         inf or a NaN; saturated tanh units in the last layer (|h| > 0.99)
Cost     seeds x 12 stacks, one pass forward and one backward; nothing to train. 79 MB of weights a seed
"""

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from labs.report import Outcome, Point

BATCH = 64
UNDERFLOW, OVERFLOW = -45.0, 39.0  # float32 ends at 1.4e-45 and 3.4e38

# what is done to a fresh weight matrix (out, in)
ARMS: dict[str, Callable[[Tensor], Tensor]] = {
    "zero": nn.init.zeros_,
    "small": partial(nn.init.normal_, std=0.01),
    "default": partial(nn.init.kaiming_uniform_, a=math.sqrt(5)),  # nn.Linear.reset_parameters
    "xavier": nn.init.xavier_normal_,
    "kaiming": partial(nn.init.kaiming_normal_, nonlinearity="relu"),
    "large": partial(nn.init.normal_, std=1.0),
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": torch.relu, "tanh": torch.tanh}


def slope(activation: str, h: Tensor) -> Tensor:
    """The derivative of the activation, from its output h."""
    return (h != 0).to(h.dtype) if activation == "relu" else 1 - h * h


def decades(x: Tensor) -> Tensor:
    """log10 of each member's standard deviation (M,). float64, since squares of 1e-30 are beyond float32."""
    return x.flatten(1).double().std(1).log10().nan_to_num(nan=OVERFLOW).clamp(UNDERFLOW, OVERFLOW)


def experiment(
    seeds: Sequence[int], device: torch.device, *, depth: int = 50, width: int = 256
) -> Iterator[Point | Outcome]:
    members = len(ARMS) * len(seeds)  # arm by arm
    layers = [torch.empty(members, width, width, device=device) for _ in range(depth)]
    inputs, arriving = [], []
    for i, seed in enumerate(seeds):
        draw = torch.Generator().manual_seed(seed)
        inputs.append(torch.randn(width, BATCH, generator=draw))
        arriving.append(torch.randn(width, BATCH, generator=draw))
        for arm, init in enumerate(ARMS.values()):
            torch.manual_seed(seed)
            for layer in layers:
                layer[arm * len(seeds) + i] = init(torch.empty(width, width))
    outputs = {name: [torch.stack(inputs * len(ARMS)).to(device)] for name in ACTIVATIONS}
    gradients = {name: torch.stack(arriving * len(ARMS)).to(device) for name in ACTIVATIONS}
    overflown = {name: torch.zeros(members, device=device) for name in ACTIVATIONS}

    def by_arm(members: Tensor) -> dict[str, Tensor]:
        return dict(zip(ARMS, members.view(len(ARMS), len(seeds)), strict=True))

    # forward and backward make one journey of 2 * depth layers; both charts count from where they set out
    for k, weight in enumerate(layers):
        for name, activation in ACTIVATIONS.items():
            h = activation(torch.bmm(weight, outputs[name][-1]))
            outputs[name].append(h)
            overflown[name] += ~h.flatten(1).isfinite().all(1)
        series = {f"{name}_forward": by_arm(decades(hs[-1])) for name, hs in outputs.items()}
        yield Point(k + 1, 2 * depth, series)

    for k, weight in enumerate(reversed(layers)):
        for name, hs in outputs.items():
            passed = gradients[name] * slope(name, hs[depth - k])
            gradients[name] = torch.bmm(weight.mT, passed)
        series = {f"{name}_backward": by_arm(decades(g)) for name, g in gradients.items()}
        yield Point(depth + k + 1, 2 * depth, series)

    values = {}
    for name, hs in outputs.items():
        values[f"{name}_forward"] = by_arm(decades(hs[-1]))
        values[f"{name}_backward"] = by_arm(decades(gradients[name]))
        values[f"{name}_overflown"] = by_arm(overflown[name])
    saturated = (outputs["tanh"][-1].abs() > 0.99).flatten(1).double().mean(1) * 100
    yield Outcome({**values, "tanh_saturated": by_arm(saturated)})

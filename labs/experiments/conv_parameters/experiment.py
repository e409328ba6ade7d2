"""How many parameters does a convolution have, and what are its biases worth in front of a BatchNorm?

Data     64 digits drawn by the seed
Arms     for the counts: a 3x3 convolution from 192 to 128 channels as it comes, without bias, in 64 groups,
         and taken apart into depthwise and 1x1; a linear layer over 28x28 positions. For the biases: a
         convolution alone, in front of a BatchNorm in train(), in front of one in eval()
Metric   parameters; how far the output moves when a number is added to every bias; size of the gradient of
         the biases, relative to that of the weights
Cost     per seed 3 x 41 passes of 64 digits through one convolution; nothing is trained
"""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits
from labs.report import Outcome, Point

IN, OUT = 192, 128
SHIFTS = 40


def counted(kernel: int) -> dict[str, nn.Module]:
    """On the meta device: shapes without memory."""
    with torch.device("meta"):
        return {
            "as_it_comes": nn.Conv2d(IN, OUT, kernel),
            "no_bias": nn.Conv2d(IN, OUT, kernel, bias=False),
            "groups_64": nn.Conv2d(IN, OUT, kernel, groups=64, bias=False),
            "separable": nn.Sequential(
                nn.Conv2d(IN, IN, kernel, groups=IN, bias=False), nn.Conv2d(IN, OUT, 1, bias=False)
            ),
            "linear": nn.Linear(28 * 28 * IN, OUT),
        }


def experiment(
    seeds: Sequence[int], device: torch.device, *, kernel: int = 3, shift: float = 10.0
) -> Iterator[Point | Outcome]:
    data = digits(device)
    blocks: dict[str, list[nn.Sequential]] = {"alone": [], "norm_train": [], "norm_eval": []}
    pictures, labels = [], []
    for seed in seeds:
        rows = torch.randperm(len(data.images), generator=torch.Generator().manual_seed(seed))[:64].to(device)
        pictures.append(data.images[rows])
        labels.append(data.labels[rows])
        for arm, members in blocks.items():
            torch.manual_seed(seed)
            conv, head = nn.Conv2d(1, 8, 3, padding=1), nn.Linear(512, 10)
            norm = nn.Identity() if arm == "alone" else nn.BatchNorm2d(8)
            block = nn.Sequential(conv, norm, nn.ReLU(), nn.Flatten(), head).to(device)
            members.append(block.train(arm != "norm_eval"))

    def output(arm: str, member: int) -> Tensor:
        """Of the convolution and the norm, in front of the ReLU."""
        conv, norm, *_ = blocks[arm][member]
        return norm(conv(pictures[member]))

    ratio: dict[str, list[float]] = {arm: [] for arm in blocks}
    moved: dict[str, list[float]] = {}
    for arm, members in blocks.items():
        for block, x, y in zip(members, pictures, labels, strict=True):
            loss = F.cross_entropy(block(x), y)
            weight, bias = torch.autograd.grad(
                loss, [block.get_parameter("0.weight"), block.get_parameter("0.bias")]
            )
            ratio[arm].append(float(bias.norm() / weight.norm()))
    with torch.no_grad():
        still = {arm: [output(arm, member) for member in range(len(seeds))] for arm in blocks}
        start = {
            arm: [block.get_parameter("0.bias").clone() for block in members]
            for arm, members in blocks.items()
        }
        for number in range(SHIFTS + 1):
            added = shift * number / SHIFTS
            for arm, members in blocks.items():
                moved[arm] = []
                for member, block in enumerate(members):
                    block.get_parameter("0.bias").copy_(start[arm][member] + added)
                    moved[arm].append(float((output(arm, member) - still[arm][member]).abs().max()))
            yield Point(added, shift, {"moved": dict(moved)})

    counts = {name: sum(p.numel() for p in layer.parameters()) for name, layer in counted(kernel).items()}
    yield Outcome(
        {
            "parameters": {name: [count] * len(seeds) for name, count in counts.items()},
            "moved": moved,
            "gradient_ratio": ratio,
        }
    )

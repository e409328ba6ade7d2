"""When do pretrained weights pay? Strokes first, then digits with few labels or with many.

Data     source: 60 classes of glyphs (three strokes each, invented under the seed), 40 images of each at
         random places of a 16x16 canvas. Target: digits at random places of that canvas, 3 or 30 training
         images of each drawn by the seed; 898 held-out images
Arms     the target learned from scratch; by a head on the frozen glyph network (a linear probe: logistic
         regression with an L2 penalty, as far as it will go); by the glyph network's first convolution alone,
         under a new head that is left as drawn (with 3 labels only)
Metric   accuracy on the held-out digits
By name  torchvision's ResNet-18, pretrained on ImageNet, in place of the glyph network: it sees the canvas scaled
         up to 64x64 in three equal channels. One of its steps costs 0.2 s a seed on one core, so its first
         convolution takes a fifth of them and is tested on 300 images
Cost     source_steps Adam steps on glyphs, then steps Adam steps from scratch at both sizes, and of the first
         convolution, all seeds at once. The probes cost next to nothing
"""

from collections.abc import Iterator, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs.data import digits, held_out_rows, named, training_rows
from labs.ensemble import Adam, Ensemble, accuracy, batches, cross_entropy, gather
from labs.report import Outcome, Point

SIDE, GLYPHS, SAMPLES = 16, 60, 40
SIZES = (3, 30)  # labels of each digit
RATE = 5e-3
FIRST, SELDOM = "net.conv1.weight", 5  # of ResNet-18: what arm `first` trains, in every fifth step
PENALTY = 0.01
PROBE_STEPS = 2  # full-batch steps of the probes for each step of the others: 300 are enough


def network(classes: int) -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 24, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(24, 64, 3, padding=1), nn.ReLU()),
        *(nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(64, classes)),
    )


def glyphs(seed: int) -> Tensor:
    """Images (GLYPHS * SAMPLES, 1, 16, 16), class by class: shaky drawings of three strokes, anywhere."""
    draw = torch.Generator().manual_seed(seed)
    ends = torch.rand(GLYPHS, 1, 3, 2, 2, generator=draw) * 7  # class, sample, stroke, end, (row, column)
    ends = ends + torch.randn(GLYPHS, SAMPLES, 3, 2, 2, generator=draw) * 0.4
    ends = ends + torch.rand(GLYPHS, SAMPLES, 1, 1, 2, generator=draw) * (SIDE - 8)
    start, along = ends[..., 0, :].flatten(0, 1), (ends[..., 1, :] - ends[..., 0, :]).flatten(0, 1)
    line = torch.arange(SIDE, dtype=torch.float32)
    pixels = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).view(1, 1, -1, 2)
    off = pixels - start[:, :, None]  # (N, 3, pixels, 2)
    share = (off * along[:, :, None]).sum(3) / along.square().sum(2, keepdim=True).clamp(min=1e-6)
    away = (off - share.clamp(0, 1)[..., None] * along[:, :, None]).square().sum(3).amin(1)
    return torch.exp(-away / 0.7).view(-1, 1, SIDE, SIDE)


def placed(images: Tensor, seed: int) -> Tensor:
    """Each 8x8 digit at a place of its own on an empty 16x16 canvas."""
    draw = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, SIDE - 8 + 1, (len(images), 2), generator=draw).tolist()
    return torch.stack(
        [
            F.pad(image, (left, SIDE - 8 - left, top, SIDE - 8 - top))
            for image, (top, left) in zip(images, corners, strict=True)
        ]
    )


def loaded(trunk: Ensemble, seeds: Sequence[int], device: torch.device) -> Ensemble:
    """Networks with the trunk's weights and a new head for ten digits."""
    net = Ensemble(partial(network, 10), seeds, device)
    for own, theirs in zip(list(net.parameters())[:-2], list(trunk.parameters())[:-2], strict=True):
        own.data.copy_(theirs.detach())
    return net


class Glyphs:
    """The glyph network: trained here, then frozen; and a copy whose first convolution alone goes on learning."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.seeds, self.device = seeds, device
        self.net = Ensemble(partial(network, GLYPHS), seeds, device)

    def pretrain(self, steps: int, total: int) -> Iterator[Point]:
        adam = Adam(self.net, lr=3e-3)
        drawn = torch.cat([glyphs(seed) for seed in self.seeds]).to(self.device)
        each, members = GLYPHS * SAMPLES, len(self.seeds)
        order = batches(self.seeds, torch.arange(members * each).view(members, each), 32, self.device)
        for step in range(steps):
            rows = next(order)
            logits, labels = self.net(gather(drawn, rows)), rows % each // SAMPLES
            if step % 20 == 0:
                yield Point(step, total, {"source": {"probe": accuracy(logits.detach(), labels) * 100}})
            adam.step(cross_entropy(logits, labels))

    def copy(self) -> None:
        """Puts a new head on a copy of the network."""
        self.first = loaded(self.net, self.seeds, self.device)
        self.adam = Adam(self.first, lr=RATE, only=["0."])

    @torch.no_grad()
    def features(self, x: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
        """What the trunk sees of images (M, N, 1, 16, 16) and of the same (T, 1, 16, 16) for all members."""
        trunk = nn.Sequential(*list(self.net.net.children())[:-1])
        seen = trunk(x.transpose(0, 1).flatten(1, 2)).transpose(1, 2).clone()  # (M, N, 64)
        return seen, trunk(test.repeat(1, len(self.seeds), 1, 1)).transpose(1, 2).clone()

    def learn(self, step: int, x: Tensor, labels: Tensor) -> None:
        self.adam.step(cross_entropy(self.first(x), labels))

    def right(self, step: int, x: Tensor, labels: Tensor) -> Tensor | None:
        return accuracy(self.first.same(x), labels) * 100


class ImageNet:
    """torchvision's pretrained ResNet-18 in the same roles."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self.trunk = named.resnet18(device)
        self.heads = []
        for seed in seeds:
            torch.manual_seed(seed)
            self.heads.append(nn.Linear(512, 10).to(device).requires_grad_(False))

    def pretrain(self, steps: int, total: int) -> Iterator[Point]:
        yield from ()  # others have done it

    def copy(self) -> None:
        own = self.trunk.get_parameter(FIRST)
        self.firsts = [own.clone().requires_grad_() for _ in self.heads]
        self.adam = torch.optim.Adam(self.firsts, lr=RATE)  # works on each number by itself

    @torch.no_grad()
    def features(self, x: Tensor, test: Tensor) -> tuple[Tensor, Tensor]:
        """As of the glyph network; the frozen trunk sees each image once."""

        def seen(images: Tensor) -> Tensor:
            return torch.cat([self.trunk(part) for part in images.split(64)])

        return torch.stack([seen(images) for images in x]), seen(test).expand(len(x), -1, -1)  # (M, N, 512)

    def logits(self, member: int, x: Tensor) -> Tensor:
        own = {FIRST: self.firsts[member]}
        features: Tensor = torch.func.functional_call(self.trunk, own, x)
        return self.heads[member](features)

    def learn(self, step: int, x: Tensor, labels: Tensor) -> None:
        if step % SELDOM:
            return
        self.adam.zero_grad()
        for member, (images, told) in enumerate(zip(x, labels, strict=True)):
            F.cross_entropy(self.logits(member, images), told).backward()
        self.adam.step()

    def right(self, step: int, x: Tensor, labels: Tensor) -> Tensor | None:
        """Per cent right of each member's first images; None between the steps at which that is looked at."""
        last = step < 0
        if not last and step % (5 * SELDOM):
            return None
        x, labels = x[: 300 if last else 50], labels[: 300 if last else 50]
        said = torch.stack([self.logits(member, x).argmax(1) for member in range(len(self.heads))])
        return (said == labels).double().mean(1) * 100


def experiment(
    seeds: Sequence[int],
    device: torch.device,
    *,
    source_steps: int = 600,
    steps: int = 150,
    data: str = "glyphs",
) -> Iterator[Point | Outcome]:
    source_steps = source_steps if data == "glyphs" else 0
    total = source_steps + steps
    members = len(seeds)
    source = Glyphs(seeds, device) if data == "glyphs" else ImageNet(seeds, device)
    yield from source.pretrain(source_steps, total)

    digit = digits()
    held_out = held_out_rows()
    test_x, test_y = placed(digit.images[held_out], 0).to(device), digit.labels[held_out].to(device)
    most = training_rows(seeds, max(SIZES))
    x = torch.stack([placed(digit.images[rows], seed) for seed, rows in zip(seeds, most, strict=True)])
    x, y = x.to(device), digit.labels[most].to(device)  # (M, 300, 1, 16, 16), 30 of each digit in turn
    flat_x, flat_y = x.flatten(0, 1), y.flatten()
    # rows of a member's own 300; a smaller training set takes the first of each digit
    rows_of = {size: torch.arange(y.shape[1]).view(10, -1)[:, :size].flatten() for size in SIZES}
    begins = torch.arange(members).view(-1, 1) * y.shape[1]
    orders = {
        size: batches(seeds, begins + rows, min(len(rows), 60), device) for size, rows in rows_of.items()
    }

    few = min(SIZES)
    nets = {size: Ensemble(partial(network, 10), seeds, device) for size in SIZES}
    source.copy()
    adams = {size: Adam(net, lr=RATE) for size, net in nets.items()}

    # the frozen trunk sees each image once; the probes learn from its numbers, standardised
    seen, seen_test = source.features(x, test_x)
    width = seen.shape[2]
    probes = {size: Ensemble(lambda: nn.Linear(width, 10), seeds, device) for size in SIZES}
    regressions = {size: Adam(probe, lr=2e-2) for size, probe in probes.items()}
    standard = {}
    for size, rows in rows_of.items():
        spread, centre = torch.std_mean(seen[:, rows], dim=1, keepdim=True)
        standard[size] = ((seen[:, rows] - centre) / (spread + 1e-3), (seen_test - centre) / (spread + 1e-3))

    @torch.no_grad()
    def score(count: int, step: int = -1) -> dict[str, dict[str, Tensor]]:
        found: dict[str, dict[str, Tensor]] = {f"labels_{size}": {} for size in SIZES}
        for size, net in nets.items():
            found[f"labels_{size}"]["scratch"] = accuracy(net.same(test_x[:count]), test_y[:count]) * 100
        if (right := source.right(step, test_x[:count], test_y[:count])) is not None:
            found[f"labels_{few}"]["first"] = right
        for size, probe in probes.items():
            logits = probe(standard[size][1][:, :count])
            found[f"labels_{size}"]["probe"] = accuracy(logits, test_y[:count]) * 100
        return found

    for step in range(steps):
        if step % 5 == 0:
            yield Point(source_steps + step, total, score(100, step))
        for size, order in orders.items():
            rows = next(order)
            shown, labels = gather(flat_x, rows), flat_y[rows]
            adams[size].step(cross_entropy(nets[size](shown), labels))
            if size == few:
                source.learn(step, shown, labels)
        for _ in range(PROBE_STEPS):
            for size, probe in probes.items():
                weight = probe.net.get_parameter("weight")  # (M, 10, features)
                loss = cross_entropy(probe(standard[size][0]), y[:, rows_of[size]])
                regressions[size].step(loss + PENALTY / 2 * weight.square().sum((1, 2)))

    yield Outcome(score(len(test_y)))

"""Many small networks of equal shape, trained as one: a lab's loop runs once for all its seeds and arms.

    net = Ensemble(build, seeds, device)    # build() returns a plain nn.Module; one is made under each seed
    adam = Adam(net, lr=3e-3)               # or one rate a member: lr=[0.1, 0.2, ...]
    for rows in itertools.islice(batches(seeds, own_rows, 64, device), 200):
        loss = cross_entropy(net(gather(images, rows)), labels[rows])   # (members,)
        adam.step(loss)

Promises, each held by a test against the plain loop over nn.Module, DataLoader and torch.optim in float64:
a member's weights, batches and dropout masks come from its own seed alone, whoever trains beside it, and its
numbers equal those of the plain loop up to rounding. With one CPU thread the numbers of two or more members
are the same to the last bit whoever they are; a convolutional network trained quite alone may round otherwise.

Inside, M members share one tensor program. A vector layer works on activations (M, features, batch), so that
torch's own (out, in) weights multiply from the left; a convolution is one grouped convolution on
(batch, M * channels, height, width) in channels_last. The layers below are the plain ones with another
forward.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from labs import cpu

# ---------------------------------------------------------------- dropout noise without a generator


def _mixed(x: Tensor) -> Tensor:
    """Scrambles 32-bit integers: Wellons' `lowbias32`, on int32 because that is what vectorises; wraps."""
    x = (x ^ (x >> 16 & 0xFFFF)) * 0x7FEB352D
    x = (x ^ (x >> 15 & 0x1FFFF)) * (0x846CA68B - 2**32)
    return x ^ (x >> 16 & 0xFFFF)


def _threshold(p: float) -> int:
    return min(int(p * 2**32) - 2**31, 2**31 - 1)


def _kept(elements: Tensor, keys: Tensor, p: float) -> Tensor:
    """Which elements survive dropout: both arguments are mixed already, two more rounds join them."""
    x = (elements ^ keys).mul_(0x7FEB352D)
    x.bitwise_xor_((x >> 15).bitwise_and_(0x1FFFF)).mul_(0x846CA68B - 2**32)
    return x >= _threshold(p)


def _keys(seeds: Tensor, step: int, layer: int) -> Tensor:
    """One 32-bit key a member for this step and layer. `seeds` is int32."""
    return _mixed(_mixed(_mixed(seeds) ^ step) ^ layer)


def _elements(shape: Sequence[int], device: torch.device | str) -> Tensor:
    count = math.prod(shape)
    return _mixed(torch.arange(count, dtype=torch.int32, device=device)).view(*shape)


def _seed32(seed: int) -> int:
    return (seed + 2**31) % 2**32 - 2**31


def keep_mask(seed: int, step: int, layer: int, shape: Sequence[int], p: float) -> Tensor:
    """The dropout mask of one member, as a plain script would draw it: True where a value survives.

    A pure function of its arguments (no generator, no state), so a mask is the same on every device and
    whatever else was drawn before. `shape` is the plain activation's, batch first; `layer` counts the
    network's dropout layers from 0.
    """
    keys = _keys(torch.tensor([_seed32(seed)], dtype=torch.int32), step, layer)
    return _kept(_elements(shape, "cpu"), keys, p)


# ------------------------------------------------------------------------------- layers, for M members


class Linear(nn.Linear):
    members: int

    def forward(self, x: Tensor) -> Tensor:  # (M, in, B) -> (M, out, B)
        bias = _flat(self.bias)
        if x.shape[0] == 1 < self.members:  # the same input for all: one matrix product
            y = (self.weight.flatten(0, 1) @ x[0]).unflatten(0, (self.members, self.out_features))
            return y if bias is None else y + bias.view(self.members, -1, 1)
        if bias is None:
            return torch.bmm(self.weight, x)
        return torch.baddbmm(bias.view(self.members, -1, 1), self.weight, x)


class Conv2d(nn.Conv2d):
    members: int

    def forward(self, x: Tensor) -> Tensor:  # (B, M * in, H, W) -> (B, M * out, H, W)
        shared = x.shape[1] == self.in_channels < self.members * self.in_channels
        if shared and self.groups > 1:
            x, shared = x.repeat(1, self.members, 1, 1), False
        groups = self.groups if shared else self.members * self.groups
        weight = self.weight.flatten(0, 1)
        return F.conv2d(x, weight, _flat(self.bias), self.stride, self.padding, self.dilation, groups)


class _BatchNorm(nn.modules.batchnorm._BatchNorm):
    members: int

    def _normalised(self, x: Tensor) -> Tensor:  # channels of all members side by side on axis 1
        momentum = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # a plain average over all batches so far; the same count for every member
                momentum = 1.0 / float(self.num_batches_tracked[0])
        return F.batch_norm(
            x,
            _flat(self.running_mean),
            _flat(self.running_var),
            _flat(self.weight),
            _flat(self.bias),
            self.training or self.running_mean is None,
            momentum or 0.0,
            self.eps,
        )

    def _check_input_dim(self, input: Tensor) -> None: ...


class BatchNorm1d(_BatchNorm):
    def forward(self, input: Tensor) -> Tensor:  # (M, features, B), seen as one image of length B
        return self._normalised(input.reshape(1, -1, input.shape[2])).view(input.shape)


class BatchNorm2d(_BatchNorm):
    def forward(self, input: Tensor) -> Tensor:  # (B, M * channels, H, W)
        return self._normalised(input)


class GroupNorm(nn.GroupNorm):
    members: int

    def forward(self, input: Tensor) -> Tensor:
        image = input.dim() == 4
        # (B, M * channels, ...); on a CPU, torch's kernel for channels_last costs more than two copies
        x = input.contiguous() if image else input.permute(2, 0, 1).flatten(1)
        x = F.group_norm(x, self.members * self.num_groups, _flat(self.weight), _flat(self.bias), self.eps)
        if image:
            return x.contiguous(memory_format=torch.channels_last)
        return x.unflatten(1, (self.members, -1)).permute(1, 2, 0)


class Dropout(nn.Dropout):
    members: int
    noise: "Noise"
    layer: int

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or self.p == 0.0:
            return input
        keys = self.noise.keys(self.layer)
        if input.dim() == 4:  # the mask is (B, M, C, H, W) first
            mask = _kept(self.noise.elements(input), keys.view(-1, 1, 1, 1), self.p).flatten(1, 2)
        else:
            mask = _kept(self.noise.elements(input), keys.view(-1, 1, 1), self.p)
        return input * mask.to(input.dtype).mul_(1.0 / (1.0 - self.p) if self.p < 1.0 else 0.0)


class Flatten(nn.Flatten):
    members: int

    def forward(self, input: Tensor) -> Tensor:  # (B, M * C, H, W) -> (M, C * H * W, B)
        return input if input.dim() == 3 else _Flat.apply(input, self.members)


class _Flat(torch.autograd.Function):
    """A reshape whose gradient comes back in channels_last: much faster for the layers below."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, members: int) -> Tensor:
        batch, channels, height, width = x.shape
        ctx.members, ctx.image = members, (channels // members, height, width)
        return x.unflatten(1, (members, -1)).permute(1, 2, 3, 4, 0).reshape(members, -1, batch)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor, None]:
        grad = grad_outputs[0].unflatten(1, ctx.image).permute(4, 0, 1, 2, 3).flatten(1, 2)
        return grad.contiguous(memory_format=torch.channels_last), None


def _flat(x: Tensor | None) -> Tensor | None:
    return None if x is None else x.view(-1)


BATCHED: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: Linear,
    nn.Conv2d: Conv2d,
    nn.BatchNorm1d: BatchNorm1d,
    nn.BatchNorm2d: BatchNorm2d,
    nn.GroupNorm: GroupNorm,
    nn.Dropout: Dropout,
    nn.Flatten: Flatten,
}
# layers that treat every element or every channel alone need no other forward
AS_THEY_ARE: tuple[type[nn.Module], ...] = (
    *(nn.ReLU, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Identity),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.ZeroPad2d),
)


def _together(plain: nn.Module, members: int) -> nn.Module:
    """`plain` for `members` members, still without parameters: its layers replaced, its own forward kept."""
    kind = type(plain)
    known = kind in BATCHED or kind in AS_THEY_ARE
    own_state = any(p is not None for p in (*plain._parameters.values(), *plain._buffers.values()))
    if not known and (own_state or not plain._modules):
        names = ", ".join(sorted(layer.__name__ for layer in (*BATCHED, *AS_THEY_ARE)))
        raise TypeError(f"{kind.__name__} cannot be batched over members; known layers: {names}")
    if isinstance(plain, nn.Conv2d) and plain.padding_mode != "zeros":
        raise TypeError(f"Conv2d with padding_mode={plain.padding_mode!r} cannot be batched over members")
    if isinstance(plain, nn.Flatten) and (plain.start_dim, plain.end_dim) != (1, -1):
        raise TypeError("Flatten can be batched over members only from axis 1 to the last")
    many = nn.Module.__new__(BATCHED.get(kind, kind))
    many.__dict__ = {**plain.__dict__, "members": members}
    many.__dict__["_parameters"] = dict.fromkeys(plain._parameters)
    many.__dict__["_buffers"] = dict.fromkeys(plain._buffers)
    many.__dict__["_modules"] = {
        name: _together(child, members) for name, child in plain._modules.items() if child
    }
    return many


# ------------------------------------------------------------------------------------------ the network


class Noise:
    """Where dropout layers find the seeds, the step and their element numbers."""

    def __init__(self, seeds: Tensor) -> None:
        self.seeds = seeds  # (M,) int32
        self.step = 0
        self._known: dict[torch.Size, Tensor] = {}

    def keys(self, layer: int) -> Tensor:
        return _keys(self.seeds, self.step, layer)

    def elements(self, x: Tensor) -> Tensor:
        """Element numbers in the plain layer's order (batch, channel, ...), laid out as `x` is."""
        if (known := self._known.get(x.shape)) is not None:
            return known
        if x.dim() == 4:
            batch, channels, height, width = x.shape
            found = _elements((batch, channels // len(self.seeds), height, width), x.device)
            found = found.contiguous(memory_format=torch.channels_last).unsqueeze(1)  # (B, 1, C, H, W)
        else:
            found = _elements((x.shape[2], x.shape[1]), x.device).T.contiguous().unsqueeze(0)  # (1, F, B)
        self._known[x.shape] = found
        return found


class Ensemble(nn.Module):
    """One network a seed, all of the shape that `build()` gives, as one module.

    A seed may stand several times in `seeds` (one member for each arm): such members start equal and draw
    the same dropout masks. `step` numbers the dropout masks; an optimizer's step moves it on by one.
    Raises TypeError for a layer that cannot be batched.
    """

    def __init__(
        self,
        build: Callable[[], nn.Module],
        seeds: Sequence[int],
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        cpu.prepare_for(device)
        self.seeds = list(seeds)
        self.members = len(self.seeds)
        self._build = build
        plain = {seed: _built(build, seed) for seed in dict.fromkeys(self.seeds)}
        nets = [plain[seed] for seed in self.seeds]
        self.net = _together(nets[0], self.members)
        self.noise = Noise(torch.tensor([_seed32(s) for s in self.seeds], dtype=torch.int32, device=device))
        dropouts = [layer for layer in self.net.modules() if isinstance(layer, Dropout)]
        for number, layer in enumerate(dropouts):
            layer.noise, layer.layer = self.noise, number
        # all parameters of all members stand in one vector, tensor by tensor: a step is a few kernels
        stacks = {
            n: torch.stack([net.get_parameter(n).detach() for net in nets])
            for n in dict(nets[0].named_parameters())
        }
        self.vector = torch.cat([s.flatten() for s in stacks.values()] or [torch.empty(0)]).to(device, dtype)
        for (name, stack), part in zip(
            stacks.items(), self.vector.split([s.numel() for s in stacks.values()]), strict=True
        ):
            where, _, own = name.rpartition(".")
            self.net.get_submodule(where).register_parameter(own, nn.Parameter(part.view(stack.shape)))
        for name, buffer in nets[0].named_buffers():
            where, _, own = name.rpartition(".")
            stack = torch.stack([net.get_buffer(name) for net in nets]).to(device)
            self.net.get_submodule(where)._buffers[own] = (
                stack.to(dtype) if buffer.is_floating_point() else stack
            )
        self._shares_input = isinstance(_first(self.net), Linear | Conv2d)

    @property
    def step(self) -> int:
        return self.noise.step

    @step.setter
    def step(self, number: int) -> None:
        self.noise.step = number

    def forward(self, x: Tensor) -> Tensor:
        """Shows every member its own batch: x is (M, B, features) or (M, B, C, H, W).

        Returns (M, outputs, B): the class axis comes before the batch, as F.cross_entropy wants it.
        """
        if x.dim() == 3:
            return self.net(x.transpose(1, 2))
        x = x.transpose(0, 1).flatten(1, 2)
        return self.net(x.contiguous(memory_format=torch.channels_last))

    def same(self, x: Tensor) -> Tensor:
        """Shows all members the same batch: x is (B, features) or (B, C, H, W). Returns (M, outputs, B)."""
        if not self._shares_input:
            return self(x.expand(self.members, *x.shape))
        if x.dim() == 2:
            return self.net(x.T.unsqueeze(0))
        return self.net(x.contiguous(memory_format=torch.channels_last))

    def member(self, number: int) -> nn.Module:
        """A plain nn.Module with the weights and buffers that this member has now, in the same mode."""
        device, dtype = self.vector.device, self.vector.dtype
        plain = _built(self._build, self.seeds[number]).to(device, dtype)
        state = {name: value[number] for name, value in self.net.state_dict().items()}
        plain.load_state_dict(state)
        return plain.train(self.training)


def _first(net: nn.Module) -> nn.Module:
    """The layer that surely sees the input first: a forward of one's own may begin anywhere."""
    return _first(net[0]) if isinstance(net, nn.Sequential) and len(net) else net


def _built(build: Callable[[], nn.Module], seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build()


# ---------------------------------------------------------------------------------- data, loss, accuracy


def batches(
    seeds: Sequence[int], rows: Tensor, size: int, device: torch.device | str = "cpu"
) -> Iterator[Tensor]:
    """Row numbers (M, size), without end: each member walks its own rows in its own order.

    rows: (M, n), or (n,) for a set that all share. Seed s sees what DataLoader(shuffle=True, drop_last=True,
    batch_size=size, generator=torch.Generator().manual_seed(s)) would deal out, epoch after epoch.
    """
    rows = rows.expand(len(seeds), -1)
    if not 1 <= size <= rows.shape[1]:
        raise ValueError(f"a batch of {size} cannot be drawn from {rows.shape[1]} rows")
    generators = {seed: torch.Generator().manual_seed(seed) for seed in seeds}
    per_epoch = rows.shape[1] // size
    while True:
        orders = {}
        for seed, generator in generators.items():
            torch.empty((), dtype=torch.int64).random_(
                generator=generator
            )  # DataLoader draws its workers' seed
            orders[seed] = torch.randperm(rows.shape[1], generator=generator)
            torch.randperm(rows.shape[1], generator=generator)  # RandomSampler draws one more at its end
        order = torch.stack([orders[seed] for seed in seeds])[:, : per_epoch * size]
        epoch = rows.gather(1, order).view(len(seeds), per_epoch, size).transpose(0, 1).contiguous()
        yield from epoch.to(device)  # one copy to the device an epoch


def gather(x: Tensor, rows: Tensor) -> Tensor:
    """x[rows] for rows (M, B): (M, B, ...) laid out so that the first layer needs no copy."""
    if x.dim() == 2:
        return x.index_select(0, rows.flatten()).unflatten(0, rows.shape)
    flipped = rows.T
    return x.index_select(0, flipped.flatten()).unflatten(0, flipped.shape).transpose(0, 1)


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Each member's mean loss (M,). logits: (M, classes, B); labels: (M, B), or (B,) for a shared batch."""
    labels = labels.expand(logits.shape[0], -1)
    return F.cross_entropy(logits, labels, reduction="none").mean(1)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Each member's share of right answers (M,). Shapes as in cross_entropy."""
    return (logits.argmax(1) == labels).to(torch.float64).mean(1)


# ------------------------------------------------------------------------------------------- optimizers

PerMember = float | Sequence[float] | Tensor


class Optimizer:
    """What SGD, Adam and AdamW share: the gradient of all members as one vector, and rates a member each.

    `only` names what is trained, by the beginnings of parameter names as a plain module has them ("0." or
    "head."); the others stand still, as if the optimizer had never been given them. None: all. Buffers of
    batch norm are not an optimizer's business. Raises ValueError where a beginning fits no parameter.
    """

    def __init__(
        self,
        net: Ensemble,
        lr: PerMember,
        weight_decay: PerMember = 0.0,
        only: Sequence[str] | None = None,
    ) -> None:
        self.net = net
        self.parameters = list(net.net.parameters())
        names = [name for name, _ in net.net.named_parameters()]
        for beginning in only or ():
            if not any(name.startswith(beginning) for name in names):
                raise ValueError(f"no parameter begins with {beginning!r}; there are {', '.join(names)}")
        self.trained = [only is None or name.startswith(tuple(only)) for name in names]
        self.lr, self.weight_decay = lr, weight_decay
        self.steps = 0

    def step(self, loss: Tensor) -> None:
        """One step down the loss (M,). Members do not meet, so the gradient of the sum is everyone's own."""
        wanted = [p for p, trained in zip(self.parameters, self.trained, strict=True) if trained]
        gradients = iter(torch.autograd.grad(loss.sum(), wanted))
        gradient = torch.cat(
            [
                (next(gradients) if trained else torch.zeros_like(p)).reshape(-1)
                for p, trained in zip(self.parameters, self.trained, strict=True)
            ]
        )
        self.steps += 1
        self.net.step += 1
        with torch.no_grad():
            self.update(self.net.vector, gradient)

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        raise NotImplementedError

    @property
    def lr(self) -> float | Tensor:
        """A number, or a vector as long as all parameters. Set it again at any step for a schedule."""
        return self._lr

    @lr.setter
    def lr(self, rate: PerMember) -> None:
        self._lr = self._spread(rate)

    @property
    def weight_decay(self) -> float | Tensor:
        return self._weight_decay

    @weight_decay.setter
    def weight_decay(self, rate: PerMember) -> None:
        spread = self._spread(rate)
        if not all(self.trained) and (isinstance(spread, Tensor) or spread):  # no decay without training
            pairs = zip(self.parameters, self.trained, strict=True)
            spread = spread * torch.cat([torch.full_like(p, trained).reshape(-1) for p, trained in pairs])
        self._weight_decay = spread

    def _spread(self, value: PerMember) -> float | Tensor:
        """One value a member, repeated for each of the member's numbers in the vector."""
        if isinstance(value, int | float):
            return float(value)
        each = torch.as_tensor(value, dtype=self.net.vector.dtype, device=self.net.vector.device)
        if each.shape != (self.net.members,):
            raise ValueError(f"{self.net.members} members need as many values, not {tuple(each.shape)}")
        spread = [each.view(-1, *[1] * (p.dim() - 1)).expand_as(p).reshape(-1) for p in self.parameters]
        return torch.cat(spread)


class SGD(Optimizer):
    """torch.optim.SGD: velocity = momentum * velocity + gradient; weights -= lr * velocity."""

    def __init__(
        self,
        net: Ensemble,
        lr: PerMember,
        momentum: PerMember = 0.0,
        weight_decay: PerMember = 0.0,
        nesterov: bool = False,
        only: Sequence[str] | None = None,
    ) -> None:
        super().__init__(net, lr, weight_decay, only)
        self.momentum = self._spread(momentum)
        self.nesterov = nesterov
        self.velocity: Tensor | None = None

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        if isinstance(self.weight_decay, Tensor) or self.weight_decay:
            gradient += self.weight_decay * weights
        if isinstance(self.momentum, Tensor) or self.momentum:
            # torch.optim starts from the first gradient, which from zero comes to the same
            self.velocity = torch.zeros_like(weights) if self.velocity is None else self.velocity
            self.velocity.mul_(self.momentum).add_(gradient)
            gradient = gradient.add_(self.velocity * self.momentum) if self.nesterov else self.velocity
        _subtract(weights, gradient, self.lr)


class Adam(Optimizer):
    """torch.optim.Adam (Kingma and Ba 2015, algorithm 1); weight decay is added to the gradient."""

    decoupled = False

    def __init__(
        self,
        net: Ensemble,
        lr: PerMember = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: PerMember = 0.0,
        only: Sequence[str] | None = None,
    ) -> None:
        super().__init__(net, lr, weight_decay, only)
        self.betas, self.eps = betas, eps
        self.mean = torch.zeros_like(net.vector)
        self.square = torch.zeros_like(net.vector)

    def update(self, weights: Tensor, gradient: Tensor) -> None:
        beta1, beta2 = self.betas
        if isinstance(self.weight_decay, Tensor) or self.weight_decay:
            if self.decoupled:
                weights.mul_(1 - self.lr * self.weight_decay)
            else:
                gradient += self.weight_decay * weights
        self.mean.lerp_(gradient, 1 - beta1)
        self.square.mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
        spread = self.square.sqrt().div_(math.sqrt(1 - beta2**self.steps)).add_(self.eps)
        _subtract(weights, self.mean.div(1 - beta1**self.steps).div_(spread), self.lr)


class AdamW(Adam):
    """torch.optim.AdamW (Loshchilov and Hutter 2019): weight decay shrinks the weights, not the gradient."""

    decoupled = True


def _subtract(weights: Tensor, change: Tensor, lr: float | Tensor) -> None:
    if isinstance(lr, Tensor):
        weights.addcmul_(change, lr, value=-1)
    else:
        weights.add_(change, alpha=-lr)

"""Which device a lab runs on: the one asked for if it works, and else the CPU with the reason."""

from __future__ import annotations

import math
import os
import re
import warnings
from collections.abc import Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, NamedTuple

from labs.hardware import Gpu, Hardware, check_device, describe, pick
from labs.problems import LabProblem

if TYPE_CHECKING:
    import torch as torch_types


class Chosen(NamedTuple):
    """A device that has just computed something, or the CPU.

    reason: why it is not the device one would expect, None where there is nothing to say. Events carry
    str(reason), an English sentence; labs.problems.recognise gives its key and fields back.
    """

    device: torch_types.device
    name: str
    reason: LabProblem | None = None


def choose(
    wanted: str,
    *,
    strict: bool = False,
    torch: Any = None,
    hardware: Hardware | None = None,
    env: MutableMapping[str, str] = os.environ,
    probe: Callable[[Any, Any], None] | None = None,
) -> Chosen:
    """The device for `wanted`: auto, cpu, cuda, cuda:N or mps.

    auto is the freest CUDA card that nobody is using, then MPS, then the CPU. Both a card found and a card
    named have to compute a matrix product, a convolution and their gradients first. One that cannot gives the
    CPU and a reason; with `strict` (a device named on the command line) it raises
    LabProblem("device-unusable") instead, for a script that asked for a GPU should not wait for a CPU.

    Narrows CUDA_VISIBLE_DEVICES in `env` to the card, so it must come before any use of CUDA.
    torch, hardware, probe: stand-ins for tests. Raises LabProblem("unknown-device").
    """
    check_device(wanted)
    if torch is None:
        import torch
    probe = probe or compute
    if wanted == "cpu":
        return Chosen(torch.device("cpu"), "CPU")
    reason: LabProblem | None = None
    if wanted != "mps":
        found = _cuda(wanted, torch, hardware or describe(env=env), env, probe)
        if isinstance(found, Chosen):
            return found
        reason = found
    if wanted in ("auto", "mps"):
        found = _mps(torch, probe)
        if isinstance(found, Chosen):
            return found
        if wanted == "mps" or found.key != "device-none":
            reason = found
    if strict and wanted != "auto":
        raise LabProblem("device-unusable", device=wanted, reason=str(reason).rstrip("."))
    return Chosen(torch.device("cpu"), "CPU", reason)


def compute(torch: Any, device: Any) -> None:
    """A small matrix product, a convolution and their gradients on the device. Raises what torch raises.

    Raises ArithmeticError where the numbers differ from the CPU's: a driver that lies is worse than none.
    """

    def gradients(where: Any) -> list[float]:
        x = torch.linspace(-1, 1, 256, device=where).reshape(16, 16).requires_grad_()
        kernel = torch.full((1, 1, 3, 3), 0.1, device=where)
        smooth = torch.nn.functional.conv2d(x.reshape(1, 1, 16, 16), kernel, padding=1)
        sums = []
        for loss in ((x @ x.T).square().mean(), (smooth - 1).square().mean()):
            x.grad = None
            loss.backward()
            sums.append(float(x.grad.abs().sum()))
        return sums

    for here, there in zip(gradients(torch.device("cpu")), gradients(device), strict=True):
        if not math.isclose(here, there, rel_tol=0.02):
            raise ArithmeticError(f"it computed {there:.6g} where the CPU computes {here:.6g}")


def seed_only(torch: Any, device: Any) -> None:
    """Lets torch.manual_seed seed the CPU and this device, in this process.

    For every kind of accelerator that may still be woken up, it also keeps the seed and formats the traceback
    of its caller: 1 ms a call, which a lab that seeds each member of each batch pays a thousand times.
    """
    for kind in {"cuda", "xpu", "mtia"} - {device.type}:
        module: Any = getattr(torch, kind, None)
        if hasattr(module, "manual_seed_all"):
            module.manual_seed_all = lambda seed: None


def out_of_memory(error: BaseException) -> bool:
    """Whether torch ran out of an accelerator's memory, in the words of any of its versions."""
    return type(error).__name__ == "OutOfMemoryError" or "out of memory" in str(error).lower()


def _cuda(
    wanted: str,
    torch: Any,
    hardware: Hardware,
    env: MutableMapping[str, str],
    probe: Callable[[Any, Any], None],
) -> Chosen | LabProblem:
    """The CUDA (or ROCm) device that works, or why none does."""
    if ":" not in wanted:
        able = [gpu for gpu in hardware.gpus if _has_code(torch, gpu)]
        # Naming "cuda" is a decision: a card in use will do. Without it, other people's cards are left alone.
        insists = hardware.allocated or wanted == "cuda"
        choice = pick(able or hardware.gpus, hardware.visible, allocated=insists)
        if choice.reason is not None and choice.reason.key != "device-none":
            return choice.reason
        env.update(choice.env)
    env.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS sums in one order only with this
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        available = bool(torch.cuda.is_available())
    if not available:
        return _unavailable(torch, hardware, [str(warning.message) for warning in said])
    device = torch.device(wanted if ":" in wanted else "cuda:0")
    name = f"GPU {device.index}"
    try:
        count = torch.cuda.device_count()
        if device.index >= count:
            present = ", ".join(f"cuda:{i}" for i in range(count)) or "-"
            return LabProblem("device-missing", device=wanted, found=present)
        name = torch.cuda.get_device_name(device.index)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of an old card; the probe says it better
            probe(torch, device)
    except Exception as error:  # a driver can fail in any way it likes; no lab may die of it
        return _broken(torch, device, name, error)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)
    return Chosen(device, name)


def _mps(torch: Any, probe: Callable[[Any, Any], None]) -> Chosen | LabProblem:
    """Apple's GPU if it works, or why not."""
    device, name = torch.device("mps"), "Apple GPU"
    try:
        if not torch.backends.mps.is_available():
            return LabProblem("device-none")
        probe(torch, device)
    except Exception as error:
        return _broken(torch, device, name, error)
    return Chosen(device, name)


def _unavailable(torch: Any, hardware: Hardware, said: Iterable[str]) -> LabProblem:
    """Why torch sees no CUDA, from the build, the cards and what torch warned of."""
    complaint = " ".join(said)
    built_for_gpus = torch.version.cuda or getattr(torch.version, "hip", None)
    if hardware.gpus and not built_for_gpus:
        return LabProblem("device-no-cuda", torch=torch.__version__, name=hardware.gpus[0].name)
    if "driver" in complaint and "too old" in complaint:
        return LabProblem("device-driver-old", torch=torch.__version__, cuda=torch.version.cuda)
    if hardware.gpus and complaint:
        return LabProblem("device-broken", name=hardware.gpus[0].name, error=_short(complaint))
    return LabProblem("device-none")


def _broken(torch: Any, device: Any, name: str, error: Exception) -> LabProblem:
    """What an error of the probe means."""
    text = str(error).lower()
    if out_of_memory(error):
        return LabProblem("device-oom", name=name)
    if "no kernel image" in text or "invalid device function" in text:
        major, minor = torch.cuda.get_device_capability(device.index)
        built = ", ".join(torch.cuda.get_arch_list()) or "-"
        version = torch.__version__
        return LabProblem(
            "device-too-old", name=name, capability=f"{major}.{minor}", torch=version, built=built
        )
    if "busy or unavailable" in text or "devices are busy" in text:
        return LabProblem("device-taken", name=name)
    if "driver" in text and ("insufficient" in text or "too old" in text):
        return LabProblem("device-driver-old", torch=torch.__version__, cuda=torch.version.cuda)
    return LabProblem("device-broken", name=name, error=_short(str(error) or type(error).__name__))


def _has_code(torch: Any, gpu: Gpu) -> bool:
    """Whether this torch has code for the card: sm_XY runs on X.Y and later of that X, PTX on all later."""
    flags = getattr(torch._C, "_cuda_getArchFlags", None)  # get_arch_list() may wake CUDA up, this does not
    built = re.findall(r"(sm|compute)_(\d+)(\d)", flags() or "" if flags else "")
    if gpu.capability is None or not built:
        return True
    major, minor = gpu.capability
    return any(
        (int(x) == major and int(y) <= minor) or (kind == "compute" and (int(x), int(y)) <= gpu.capability)
        for kind, x, y in built
    )


def _short(text: str) -> str:
    """The first sentence of a driver's complaint: the rest is advice to developers."""
    first = text.strip().splitlines()[0] if text.strip() else "-"
    return first.rstrip(".")[:160]

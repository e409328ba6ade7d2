"""What this machine can compute with: its cores, and its graphics cards as their driver reports them."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from labs.problems import LabProblem

ROOM_MB = 1024  # a CUDA context takes 300 to 500 MB before the first tensor
BUSY_LOAD = 10  # per cent; a card with processes and more load than this is somebody's at the moment


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One NVIDIA card; memory in MiB.

    index: in PCI bus order, as nvidia-smi counts. load: per cent, None where the driver does not say.
    processes: those with a compute context, anybody's. exclusive: only one process at a time may use it.
    capability: the compute capability, which decides whether a build of torch has code for the card.
    """

    index: int
    uuid: str
    name: str
    total_mb: int
    free_mb: int
    load: int | None = None
    processes: int = 0
    exclusive: bool = False
    mig: bool = False
    capability: tuple[int, int] | None = None


class Hardware(msgspec.Struct, frozen=True, kw_only=True):
    """cores: those this process may use. gpus: NVIDIA's, all that the driver shows.

    visible: CUDA_VISIBLE_DEVICES, None where not set. allocated: a Slurm job, so the cards seen are ours.
    notes: "apple" (torch may find MPS), "login-node" (Slurm is here, but no job and no card).
    """

    cores: int
    gpus: tuple[Gpu, ...] = ()
    visible: str | None = None
    allocated: bool = False
    notes: tuple[str, ...] = ()


class Short(NamedTuple):
    """The machine in one phrase: key "cpu" {cores}, "gpu" {name, free_gb, total_gb} or "apple" {cores}."""

    key: str
    fields: dict[str, Any]


class Pick(NamedTuple):
    """A card for one lab. env: what its process needs (empty: CUDA decides). reason: why there is no card."""

    gpu: Gpu | None
    env: dict[str, str]
    reason: LabProblem | None = None


def describe(nvml: Any = None, env: Mapping[str, str] = os.environ) -> Hardware:
    """The cores and cards of this machine, now. Never raises: without a driver there are no cards.

    Asks the driver through NVML (nvml: a stand-in for pynvml), which makes no CUDA context. On a machine
    whose driver sleeps this can take a second: an interface calls it off its event loop.
    """
    gpus = _gpus(nvml)
    allocated = "SLURM_JOB_ID" in env
    notes = []
    if sys.platform == "darwin" and platform.machine() == "arm64":
        notes.append("apple")
    if not gpus and not allocated and shutil.which("sbatch", path=env.get("PATH")):
        notes.append("login-node")
    return Hardware(
        cores=_cores(),
        gpus=gpus,
        visible=env.get("CUDA_VISIBLE_DEVICES"),
        allocated=allocated,
        notes=tuple(notes),
    )


def short(hardware: Hardware) -> Short:
    """What "CPU, 2 cores" or "H100, 71 of 80 GB free" is written from: what a lab would get."""
    gpu = pick(hardware.gpus, hardware.visible, allocated=hardware.allocated).gpu
    if gpu is not None:
        sizes = {"free_gb": round(gpu.free_mb / 1024), "total_gb": round(gpu.total_mb / 1024)}
        return Short("gpu", {"name": short_name(gpu.name), **sizes})
    return Short("apple" if "apple" in hardware.notes else "cpu", {"cores": hardware.cores})


def short_name(name: str) -> str:
    """'NVIDIA H100 80GB HBM3' is 'H100' to the people who use it; its memory is told beside it."""
    makers = {"NVIDIA", "TESLA", "GEFORCE", "QUADRO"}
    words = [word for word in name.split() if word.upper() not in makers]
    plain = [word for word in words if not re.fullmatch(r"(?i)\d+GB|HBM\w*|PCIE|SXM\d*|NVL", word)]
    return re.sub(r"(?i)-(SXM\d*|PCIE)\b.*$", "", " ".join(plain or words or [name]))


def pick(gpus: Sequence[Gpu], visible: str | None, *, allocated: bool = False) -> Pick:
    """The freest card that `visible` (the value of CUDA_VISIBLE_DEVICES, None: not set) allows.

    Never widens `visible`. Leaves alone what is in use, held exclusively or full, unless `allocated`: there
    the batch system has decided. Where an entry cannot be matched to a card for certain (MIG, or an index
    into CUDA's own order over unlike cards), `env` is empty and CUDA decides.
    """
    if visible is not None and visible.strip() in {"", "-1", "NoDevFiles"}:
        return Pick(None, {}, LabProblem("device-hidden"))
    if not gpus:
        return Pick(None, {}, LabProblem("device-none"))
    allowed = list(gpus) if visible is None else _allowed(gpus, visible)
    if allowed is None:
        return Pick(gpus[0], {})
    if not allowed:
        return Pick(None, {}, LabProblem("device-hidden"))
    if any(gpu.mig for gpu in allowed):
        return Pick(allowed[0], {})
    usable = [gpu for gpu in allowed if allocated or refusal(gpu) is None]
    if not usable:
        return Pick(None, {}, refusal(max(allowed, key=lambda gpu: gpu.free_mb)))
    gpu = min(usable, key=lambda gpu: (gpu.processes > 0, -gpu.free_mb, gpu.index))
    return Pick(gpu, {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": gpu.uuid})


def refusal(gpu: Gpu) -> LabProblem | None:
    """Why a lab should not run on this card at the moment, or None."""
    name = short_name(gpu.name)
    if gpu.exclusive and gpu.processes:
        return LabProblem("device-taken", name=name)
    if gpu.free_mb < ROOM_MB:
        return LabProblem("device-full", name=name, free=gpu.free_mb, total=gpu.total_mb)
    if gpu.processes and gpu.load is not None and gpu.load >= BUSY_LOAD:
        return LabProblem("device-busy", name=name, processes=gpu.processes, load=gpu.load)
    return None


def check_device(wanted: str) -> str:
    """`wanted`, if it is written as a device is; whether it works here only the lab's process can find out.

    Raises LabProblem("unknown-device").
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", wanted):
        raise LabProblem("unknown-device", device=wanted)
    return wanted


def _allowed(gpus: Sequence[Gpu], visible: str) -> list[Gpu] | None:
    """The cards in `visible` as CUDA reads it: up to the first entry it does not know. None: cannot tell."""
    cards: list[Gpu] = []
    for entry in (part.strip() for part in visible.split(",")):
        if entry.startswith("MIG-"):
            return None
        if entry.startswith("GPU-"):
            named = [gpu for gpu in gpus if gpu.uuid.startswith(entry)]
        elif entry.isdigit():
            if len({gpu.name for gpu in gpus}) > 1 and os.environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
                return None  # CUDA counts the fastest card first, NVML by bus
            named = [gpu for gpu in gpus if gpu.index == int(entry)]
        else:
            named = []
        if len(named) != 1:
            break
        cards += named
    return cards


def _cores() -> int:
    """Cores this process may use: its affinity mask, cut to the quota of its container."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):  # no cgroup v2; or no quota: "max" is not a number
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, round(int(quota) / int(period))))
    return cores


def _gpus(nvml: Any) -> tuple[Gpu, ...]:
    try:
        nvml = nvml or _pynvml()
        nvml.nvmlInit()
    except Exception:  # no driver, a driver of another version, no permission: to a lab, no card
        return ()
    cards = []
    with contextlib.suppress(nvml.NVMLError):
        for index in range(nvml.nvmlDeviceGetCount()):
            with contextlib.suppress(nvml.NVMLError):  # a card that fell off the bus does not hide the others
                cards.append(_gpu(nvml, index))
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()
    return tuple(cards)


def _pynvml() -> Any:
    import pynvml  # 25 ms, and needed only where a device is shown or chosen

    return pynvml


def _gpu(nvml: Any, index: int) -> Gpu:
    card = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(question: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return question()
        except (nvml.NVMLError, AttributeError):  # unknown to this card, or to this version of NVML
            return otherwise

    memory = ask(lambda: nvml.nvmlDeviceGetMemoryInfo(card), None) or _shared_memory()
    return Gpu(
        index=index,
        uuid=_text(nvml.nvmlDeviceGetUUID(card)),
        name=_text(nvml.nvmlDeviceGetName(card)),
        total_mb=int(memory.total) >> 20,
        free_mb=int(memory.free) >> 20,
        load=ask(lambda: int(nvml.nvmlDeviceGetUtilizationRates(card).gpu), None),
        processes=len(ask(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(card), ())),
        exclusive=ask(lambda: nvml.nvmlDeviceGetComputeMode(card), 0) in {1, 3},  # thread, process
        mig=ask(lambda: nvml.nvmlDeviceGetMigMode(card)[0], 0) == 1,
        capability=ask(lambda: tuple(nvml.nvmlDeviceGetCudaComputeCapability(card)), None),
    )


class _Memory(NamedTuple):
    total: int
    free: int


def _shared_memory() -> _Memory:
    """Bytes of the machine: a card without memory of its own (Jetson, GB10) uses that."""
    import psutil  # type: ignore[import-untyped, unused-ignore]

    memory = psutil.virtual_memory()
    return _Memory(memory.total, memory.available)


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value  # bytes until 11.5

"""The choice of a device, on machines made up from what torch and drivers say when something is wrong."""

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from labs.device import Chosen, choose, compute, out_of_memory, seed_only
from labs.hardware import Gpu, Hardware
from labs.problems import LabProblem, recognise

NOTHING = Hardware(cores=2)
V100 = Gpu(
    index=0, uuid="GPU-v", name="Tesla V100-SXM2-32GB", total_mb=32768, free_mb=32000, capability=(7, 0)
)
H100 = Gpu(
    index=1, uuid="GPU-h", name="NVIDIA H100 80GB HBM3", total_mb=81559, free_mb=20000, capability=(9, 0)
)


class Cuda:
    def __init__(self, names: list[str], says: str = "") -> None:
        self.names = names
        self.says = says

    def is_available(self) -> bool:
        if self.says:
            warnings.warn(self.says, stacklevel=1)
        return bool(self.names)

    def device_count(self) -> int:
        return len(self.names)

    def get_device_name(self, index: int) -> str:
        return self.names[index]

    def get_device_capability(self, index: int) -> tuple[int, int]:
        return (7, 0)

    def get_arch_list(self) -> list[str]:
        return ["sm_75", "sm_90"]


def machine(
    *names: str, says: str = "", mps: bool = False, cuda: str | None = "13.0", archs: str = "sm_75 sm_90"
) -> Any:
    """A torch that sees these cards."""
    made = SimpleNamespace(
        __version__="2.14.1",
        version=SimpleNamespace(cuda=cuda, hip=None),
        cuda=Cuda(list(names), says),
        backends=SimpleNamespace(cudnn=SimpleNamespace(), mps=SimpleNamespace(is_available=lambda: mps)),
        device=torch.device,
        _C=SimpleNamespace(_cuda_getArchFlags=lambda: archs),
        exact=False,
    )
    made.use_deterministic_algorithms = lambda on, warn_only: setattr(made, "exact", on)
    return made


def works(torch: Any, device: Any) -> None:
    pass


def fails(message: str, kind: type[Exception] = RuntimeError) -> Callable[[Any, Any], None]:
    def probe(torch: Any, device: Any) -> None:
        raise kind(message)

    return probe


def chosen(wanted: str, made: Any, hardware: Hardware = NOTHING, **more: Any) -> Chosen:
    more = {"probe": works, "env": {}, **more}
    return choose(wanted, torch=made, hardware=hardware, **more)


def key(choice: Chosen) -> str | None:
    return choice.reason and choice.reason.key


def test_auto_takes_a_cuda_card_that_computes() -> None:
    made = machine("H100")
    choice = chosen("auto", made)
    assert (str(choice.device), choice.name, choice.reason) == ("cuda:0", "H100", None)
    assert made.exact
    assert made.backends.cudnn.deterministic


def test_auto_takes_apples_gpu_where_there_is_no_cuda() -> None:
    assert str(chosen("auto", machine(mps=True)).device) == "mps"


def test_auto_on_this_machine_computes_something() -> None:
    choice = choose("auto", env={})
    compute(torch, choice.device)


def test_without_any_gpu_it_is_the_cpu_and_says_so() -> None:
    choice = chosen("auto", machine())
    assert (str(choice.device), choice.name, key(choice)) == ("cpu", "CPU", "device-none")


def test_the_cpu_when_asked_for_needs_no_reason() -> None:
    assert chosen("cpu", machine("H100")) == Chosen(torch.device("cpu"), "CPU", None)


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        (fails("CUDA error: no kernel image is available for execution on the device"), "device-too-old"),
        (fails("CUDA error: CUDA-capable device(s) is/are busy or unavailable"), "device-taken"),
        (fails("CUDA error: out of memory"), "device-oom"),
        (fails("Tried to allocate 2 MiB", torch.OutOfMemoryError), "device-oom"),
        (fails("CUDA driver version is insufficient for CUDA runtime version"), "device-driver-old"),
        (fails("CUDA error: an illegal memory access was encountered"), "device-broken"),
        (fails("", AssertionError), "device-broken"),
        (fails("it computed 3 where the CPU computes 4", ArithmeticError), "device-broken"),
    ],
)
def test_a_card_that_cannot_compute_gives_the_cpu_and_the_reason(
    probe: Callable[[Any, Any], None], expected: str
) -> None:
    for wanted in ("auto", "cuda", "cuda:0"):
        choice = chosen(wanted, machine("Tesla V100"), probe=probe)
        assert (str(choice.device), key(choice)) == ("cpu", expected)
        assert "Tesla V100" in str(choice.reason) or expected == "device-driver-old"


def test_a_reason_survives_the_journal() -> None:
    choice = chosen("auto", machine("Tesla V100"), probe=fails("no kernel image is available"))
    problem = recognise(str(choice.reason))
    assert problem is not None
    assert problem.fields == {
        "name": "Tesla V100",
        "capability": "7.0",
        "torch": "2.14.1",
        "built": "sm_75, sm_90",
    }


def test_a_driver_older_than_torch_is_named_as_such() -> None:
    says = "CUDA initialization: The NVIDIA driver on your system is too old (found version 12020)."
    choice = chosen("auto", machine(says=says), Hardware(cores=2, gpus=(H100,)))
    assert key(choice) == "device-driver-old"


def test_a_torch_without_cuda_is_named_as_such() -> None:
    choice = chosen("auto", machine(cuda=None), Hardware(cores=2, gpus=(H100,)))
    assert key(choice) == "device-no-cuda"
    assert "H100" in str(choice.reason)


def test_a_card_without_code_in_this_torch_gives_way_to_one_that_has_it() -> None:
    env: dict[str, str] = {}
    chosen("auto", machine("H100"), Hardware(cores=2, gpus=(V100, H100)), env=env)
    assert env["CUDA_VISIBLE_DEVICES"] == "GPU-h"  # though the V100 has more free memory
    chosen("auto", machine("V100", archs="sm_60 compute_60"), Hardware(cores=2, gpus=(V100,)), env=env)
    assert env["CUDA_VISIBLE_DEVICES"] == "GPU-v"


def test_auto_leaves_a_card_in_use_alone_and_a_named_one_is_used() -> None:
    used = Gpu(index=0, uuid="GPU-u", name="H100", total_mb=80000, free_mb=40000, load=90, processes=3)
    busy = Hardware(cores=2, gpus=(used,))
    assert key(chosen("auto", machine("H100"), busy)) == "device-busy"
    assert str(chosen("cuda", machine("H100"), busy).device) == "cuda:0"


def test_cards_that_the_user_has_hidden_are_not_looked_for() -> None:
    hidden = Hardware(cores=2, gpus=(H100,), visible="")
    env: dict[str, str] = {}
    assert key(chosen("auto", machine("H100"), hidden, env=env)) == "device-hidden"
    assert env == {}


def test_a_numbered_card_is_taken_as_numbered() -> None:
    env: dict[str, str] = {}
    two = machine("A", "B")
    assert chosen("cuda:1", two, env=env)[:2] == (torch.device("cuda:1"), "B")
    assert "CUDA_VISIBLE_DEVICES" not in env
    missing = chosen("cuda:5", two)
    assert key(missing) == "device-missing"
    assert "cuda:0, cuda:1" in str(missing.reason)


@pytest.mark.parametrize("wanted", ["cuda", "cuda:0", "mps"])
def test_a_command_gets_the_device_it_names_or_an_error(wanted: str) -> None:
    with pytest.raises(LabProblem) as caught:
        chosen(wanted, machine(), strict=True)
    assert caught.value.key == "device-unusable"
    assert "No GPU was found" in str(caught.value)


def test_auto_and_cpu_never_raise_however_strict() -> None:
    assert str(chosen("auto", machine(), strict=True).device) == "cpu"
    assert str(chosen("cpu", machine(), strict=True).device) == "cpu"


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(LabProblem) as caught:
        chosen("tpu", machine())
    assert caught.value.key == "unknown-device"


def test_the_small_computation_notices_a_device_that_computes_wrongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compute(torch, torch.device("cpu"))
    conv, calls = torch.nn.functional.conv2d, iter(range(2))

    def wrong_the_second_time(*args: Any, **kwargs: Any) -> Any:
        return conv(*args, **kwargs) * (1 + next(calls))

    monkeypatch.setattr(torch.nn.functional, "conv2d", wrong_the_second_time)
    with pytest.raises(ArithmeticError):
        compute(torch, torch.device("cpu"))


def test_out_of_memory_is_known_by_type_and_by_words() -> None:
    assert out_of_memory(torch.OutOfMemoryError())
    assert out_of_memory(RuntimeError("MPS backend out of memory"))
    assert not out_of_memory(RuntimeError("size mismatch"))


def test_seeding_for_one_device_draws_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (torch.cuda, torch.xpu, torch.mtia):
        monkeypatch.setattr(module, "manual_seed_all", module.manual_seed_all)  # put back afterwards
    torch.manual_seed(5)
    before = torch.rand(3)
    asked: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", asked.append)
    seed_only(torch, torch.device("cpu"))
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), before)
    assert asked == []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", asked.append)
    seed_only(torch, torch.device("cuda"))
    torch.manual_seed(6)
    assert asked == [6]

"""Cores and cards, and which card a lab may have: machines made up, as no test can count on a GPU."""

from types import SimpleNamespace
from typing import Any

import pytest

from labs import hardware
from labs.hardware import Gpu, Hardware, Pick, Short, check_device, describe, pick, short, short_name
from labs.problems import LabProblem


def card(index: int = 0, **known: Any) -> Gpu:
    defaults = {"uuid": f"GPU-{index}a", "name": "NVIDIA H100 80GB HBM3", "total_mb": 81559, "free_mb": 80000}
    return Gpu(index=index, **{**defaults, **known})


def reason(picked: Pick) -> str | None:
    return picked.reason and picked.reason.key


class Driver:
    """As much of pynvml as is asked for. cards: what each device answers; an Exception is raised."""

    class NVMLError(Exception):
        pass

    def __init__(self, *cards: dict[str, Any], error: Exception | None = None) -> None:
        self.cards = cards
        self.error = error
        self.shut = False

    def nvmlInit(self) -> None:
        if self.error:
            raise self.error

    def nvmlShutdown(self) -> None:
        self.shut = True

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> dict[str, Any]:
        return self.cards[index]

    def __getattr__(self, name: str) -> Any:
        field = name.removeprefix("nvmlDeviceGet")

        def answer(handle: dict[str, Any]) -> Any:
            if field not in handle:
                raise self.NVMLError("Not Supported")
            return handle[field]

        return answer


H100 = {
    "UUID": "GPU-1234",
    "Name": b"NVIDIA H100 80GB HBM3",
    "MemoryInfo": SimpleNamespace(total=85520809984, free=76235669504),
    "UtilizationRates": SimpleNamespace(gpu=7),
    "ComputeRunningProcesses": [1, 2],
    "ComputeMode": 3,
    "MigMode": [0, 0],
    "CudaComputeCapability": (9, 0),
}


# ---- describing --------------------------------------------------------------------------------------------


def test_a_card_is_described_as_its_driver_reports_it() -> None:
    driver = Driver(H100)
    (gpu,) = describe(driver, {}).gpus
    assert gpu == Gpu(
        index=0,
        uuid="GPU-1234",
        name="NVIDIA H100 80GB HBM3",
        total_mb=81559,
        free_mb=72704,
        load=7,
        processes=2,
        exclusive=True,
        mig=False,
        capability=(9, 0),
    )
    assert driver.shut


def test_what_a_card_does_not_support_is_left_open() -> None:
    little = {"UUID": "GPU-5", "Name": "NVIDIA GB10"}  # memory shared with the machine, no load told
    (gpu,) = describe(Driver(little), {}).gpus
    assert (gpu.load, gpu.processes, gpu.exclusive, gpu.mig, gpu.capability) == (None, 0, False, False, None)
    assert gpu.total_mb > 0


def test_a_card_that_is_lost_does_not_hide_the_others() -> None:
    assert [gpu.uuid for gpu in describe(Driver({}, H100), {}).gpus] == ["GPU-1234"]


@pytest.mark.parametrize("error", [Driver.NVMLError("Driver Not Loaded"), OSError("no libnvidia-ml")])
def test_without_a_driver_there_are_no_cards(error: Exception) -> None:
    found = describe(Driver(H100, error=error), {})
    assert found.gpus == ()
    assert found.cores >= 1


def test_a_quota_of_the_container_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    for quota, cores in (("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64)):
        monkeypatch.setattr(hardware.Path, "read_text", lambda self, quota=quota: quota)
        assert describe(Driver(), {}).cores == cores


def test_a_slurm_login_node_is_noticed(tmp_path: Any) -> None:
    sbatch = tmp_path / "sbatch"
    sbatch.touch(mode=0o755)
    path = {"PATH": str(tmp_path)}
    assert "login-node" in describe(Driver(), path).notes
    assert "login-node" not in describe(Driver(), {**path, "SLURM_JOB_ID": "7"}).notes
    assert "login-node" not in describe(Driver(H100), path).notes


# ---- saying it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA A100-SXM4-40GB", "A100"),
        ("Tesla V100-SXM2-32GB", "V100"),
        ("NVIDIA A100 80GB PCIe", "A100"),
        ("NVIDIA GeForce RTX 4090", "RTX 4090"),
        ("NVIDIA", "NVIDIA"),
        ("", ""),
    ],
)
def test_a_card_has_a_short_name(name: str, said: str) -> None:
    assert short_name(name) == said


def test_the_machine_in_one_phrase() -> None:
    assert short(Hardware(cores=2)) == Short("cpu", {"cores": 2})
    assert short(Hardware(cores=8, notes=("apple",))) == Short("apple", {"cores": 8})
    two = (card(0, free_mb=1000), card(1, free_mb=72704))
    sizes = {"name": "H100", "free_gb": 71, "total_gb": 80}
    assert short(Hardware(cores=16, gpus=two)) == Short("gpu", sizes)
    assert short(Hardware(cores=16, gpus=two, visible="")) == Short("cpu", {"cores": 16})


# ---- picking -----------------------------------------------------------------------------------------------


def test_the_freest_card_that_nobody_uses_is_picked() -> None:
    cards = [card(0, free_mb=79000), card(1, free_mb=80500, processes=1, load=3), card(2, free_mb=79500)]
    picked = pick(cards, None)
    assert picked.gpu == cards[2]
    assert picked.env == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "GPU-2a"}
    assert picked.reason is None


@pytest.mark.parametrize(
    ("gpu", "key"),
    [
        (card(processes=2, load=80), "device-busy"),
        (card(processes=1, exclusive=True), "device-taken"),
        (card(free_mb=600), "device-full"),
    ],
)
def test_a_card_in_use_is_left_alone_with_the_reason(gpu: Gpu, key: str) -> None:
    assert pick([gpu], None).gpu is None
    assert reason(pick([gpu], None)) == key
    assert pick([gpu], None, allocated=True).gpu == gpu  # in a Slurm job it is ours


def test_a_load_without_processes_is_a_desktop_and_no_obstacle() -> None:
    assert pick([card(load=40)], None).gpu is not None


@pytest.mark.parametrize(
    ("visible", "key"), [("", "device-hidden"), ("-1", "device-hidden"), ("GPU-zz", "device-hidden")]
)
def test_hidden_cards_stay_hidden(visible: str, key: str) -> None:
    picked = pick([card(0), card(1)], visible)
    assert (picked.gpu, picked.env, reason(picked)) == (None, {}, key)


def test_a_choice_of_the_user_is_narrowed_and_never_widened() -> None:
    cards = [card(0, free_mb=81000), card(1, free_mb=70000), card(2, free_mb=71000)]
    assert pick(cards, "1,2").gpu == cards[2]
    assert pick(cards, "GPU-1").gpu == cards[1]
    assert pick(cards, "1,7,0").gpu == cards[1]  # CUDA reads up to the first entry it does not know


def test_what_cannot_be_matched_for_certain_is_left_to_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    unlike = [card(0, name="T4"), card(1)]
    assert pick(unlike, "0").env == {}
    assert pick([card(0, mig=True)], None).env == {}
    assert pick([card(0)], "MIG-77").env == {}
    monkeypatch.setenv("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    assert pick(unlike, "0").env["CUDA_VISIBLE_DEVICES"] == "GPU-0a"


def test_no_cards_is_a_reason_too() -> None:
    assert reason(pick([], None)) == "device-none"


def test_a_device_is_written_in_one_of_few_ways() -> None:
    for wanted in ("auto", "cpu", "mps", "cuda", "cuda:3"):
        assert check_device(wanted) == wanted
    for wanted in ("gpu", "cuda:", "CUDA", "cuda:x", ""):
        with pytest.raises(LabProblem) as caught:
            check_device(wanted)
        assert caught.value.key == "unknown-device"

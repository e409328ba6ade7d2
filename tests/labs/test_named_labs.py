"""Labs that were asked for data by name: they run on them, they never settle, and by default they use none."""

from __future__ import annotations

from pathlib import Path

import made_data
import pytest
import torch
import trial_runs
from changed_code import code
from torch import nn

from labs import fetching
from labs.catalog import EXPERIMENTS, find
from labs.data import fetch, named
from labs.datasets import DATASETS, KNOB, SETS
from labs.journal import End, Log, Start
from labs.report import Outcome, Point

pytestmark = pytest.mark.usefixtures("one_thread")

LABS = {lab.id: lab for lab in find(EXPERIMENTS).labs.values() if any(k.id == KNOB for k in lab.knobs)}
BASE = "http://photos.invalid/"


def here(dataset: object, unready: Path, python: str, tick: object) -> None:
    assert fetch.work(dataset.name, unready, dict(dataset.settings), lambda **event: None) == 0


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the two small sets of photos."""
    monkeypatch.setattr(fetching, "_run", here)
    for make in (made_data.fashion_mnist, made_data.cifar10):
        dataset, files = make(BASE)
        monkeypatch.setitem(SETS, dataset.name, dataset)
        made_data.place(dataset, files, tmp_path)
        fetching.get(dataset, tmp_path, "python", lambda stage, done: None, online=False)
    monkeypatch.setenv(DATASETS, str(tmp_path))
    return tmp_path


def run(lab: str, **knobs: object) -> Outcome:
    """The lab's outcome on two seeds; every value is a number."""
    *points, last = code(lab).experiment([0, 1], torch.device("cpu"), **{**LABS[lab].defaults, **knobs})
    assert points and all(isinstance(point, Point) for point in points)
    assert isinstance(last, Outcome)
    for by_arm in last.values.values():
        for values in by_arm.values():
            assert torch.as_tensor(values).isfinite().all()
    return last


def test_every_choice_is_a_set_or_the_labs_own_data_which_is_the_default() -> None:
    assert set(LABS) == {"pixel_shuffle", "augmentation", "transfer"}
    for lab in LABS.values():
        knob = next(knob for knob in lab.knobs if knob.id == KNOB)
        assert knob.default not in SETS
        assert set(knob.choices) - {knob.default} <= set(SETS)


@pytest.mark.parametrize("data", ["fashion_mnist", "cifar10"])
@pytest.mark.parametrize("lab", ["pixel_shuffle", "augmentation"])
def test_a_lab_learns_from_photos_of_that_name(root: Path, lab: str, data: str) -> None:
    found = run(lab, steps=25, data=data)
    arm, outcome = {"pixel_shuffle": ("mlp", "accuracy"), "augmentation": ("none", "centred")}[lab]
    assert float(torch.as_tensor(found.values[outcome][arm]).mean()) > 20  # of noise it would be 10


def test_a_seed_is_the_same_on_photos_whoever_trains_beside_it(root: Path) -> None:
    module = code("pixel_shuffle")
    found = []
    for seeds in ([0, 1], [1, 2]):
        *_, last = module.experiment(seeds, torch.device("cpu"), steps=3, data="cifar10")
        found.append({arm: values[seeds.index(1)] for arm, values in last.values["accuracy"].items()})
    assert found[0] == found[1]


def test_without_the_set_the_lab_says_so_before_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATASETS, str(tmp_path))
    for lab, data in (
        ("pixel_shuffle", "cifar10"),
        ("augmentation", "fashion_mnist"),
        ("transfer", "resnet18"),
    ):
        with pytest.raises(ValueError, match=f"torchproof data get {data}"):
            run(lab, data=data)


def test_a_pretrained_network_takes_the_place_of_the_glyph_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small network in place of the weights of 45 MB, which test_fetching reads."""

    class Small(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.conv1 = nn.Conv2d(3, 512, 5, stride=4, bias=False)
            self.pool = nn.Sequential(nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten())

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.pool(self.conv1(x))

    class Preset:
        mean, std = [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]

    trunk = named.Trunk(Small(), Preset(), 16).requires_grad_(False).eval()
    before = trunk.get_parameter("net.conv1.weight").clone()
    monkeypatch.setattr(named, "resnet18", lambda device: trunk)
    module = code("transfer")
    monkeypatch.setattr(module, "SIZES", (1, 2))
    learnt: list[torch.Tensor] = []
    monkeypatch.setattr(
        module.ImageNet, "right", lambda self, step, x, labels: learnt.append(self.firsts[0].detach().clone())
    )
    *points, last = module.experiment([0, 1], torch.device("cpu"), steps=11, data="resnet18")
    assert [point.of for point in points] == [11, 11, 11]
    assert set(last.values["labels_1"]) == {"scratch", "probe"}
    assert torch.equal(trunk.get_parameter("net.conv1.weight"), before)  # the trunk is frozen
    assert torch.equal(learnt[0], before)
    assert not torch.equal(learnt[-1], before)  # and a copy of its first layer learns


def test_a_run_is_told_its_folder_and_says_what_it_used(root: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    lab = LABS["augmentation"]
    made = trial_runs.new_run(
        runs, lab.id, knobs={"steps": 2, "data": "fashion_mnist"}, seeds=2, max_seeds=2,
        folder=EXPERIMENTS / lab.id, datasets=root,
    )  # fmt: skip
    try:
        process = trial_runs.start_worker(made, **{DATASETS: "/nowhere"})
        assert process.wait(150) == 0, made.log_tail(5)
    finally:
        list(trial_runs.tidy(runs))
    (start,), logs, (end,) = (trial_runs.of_kind(made, kind) for kind in (Start, Log, End))
    assert (end.status, start.settles, made.spec.settles) == ("done", False, False)
    assert start.knobs["data"] == "fashion_mnist"
    assert made.spec.datasets == str(root)
    used = [log.text for log in logs if log.level == "info"]
    assert len(used) == 1
    assert SETS["fashion_mnist"].archives[0].checksum in used[0]

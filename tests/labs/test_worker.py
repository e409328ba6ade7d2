"""The worker: what it trains, what it writes, and how it ends, whatever the experiment and the disk do."""

import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from trial_runs import (
    FIXTURES,
    STUB,
    WORKER,
    events,
    new_run,
    of_kind,
    start_worker,
    tidy,
    wait_for,
    wait_gone,
    wait_until,
    worker_pid,
)

from labs.device import Chosen, choose
from labs.journal import End, Log, Outcome, Point, Run, Seeds, Start, Verdict, Writer, line
from labs.problems import LabProblem, recognise
from labs.replay import Replay
from labs.running import Running

ON_STUB = {"PYTHONPATH": str(STUB)}


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    yield from (tmp_path / "runs" for _ in tidy(tmp_path / "runs"))


@pytest.fixture
def here() -> Iterator[None]:
    """For a worker inside the test's own process: what it changes globally is put back."""
    handlers = {which: signal.getsignal(which) for which in (signal.SIGTERM, signal.SIGINT)}
    state = random.getstate()
    yield
    signal.set_wakeup_fd(-1)
    for which, handler in handlers.items():
        signal.signal(which, handler)
    random.setstate(state)
    torch.set_grad_enabled(True)


def work(run: Run, choose_device: Any = choose) -> int:
    return Running(run, torch, choose_device, time.monotonic()).work()


def scores(run: Run) -> dict[str, dict[int, float]]:
    replay = Replay()
    replay.feed(events(run))
    return replay.outcomes["score"]


# ---- training ----------------------------------------------------------------------------------------------


def test_a_run_goes_from_its_start_through_points_and_outcomes_to_its_verdict(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 5})
    assert work(run) == 0
    kinds = [type(event).__name__ for event in events(run)]
    assert kinds == ["Start", *["Point"] * 10, "Outcome", "Outcome", "Verdict", "End"]
    assert run.status() == "done"
    (verdict,) = of_kind(run, Verdict)
    assert (verdict.verdict, verdict.effect, verdict.seeds) == ("supported", pytest.approx(1), 4)
    kept = json.loads(run.verdict_file.read_text())
    assert [one["verdict"] for one in kept["verdicts"]] == ["supported"]


def test_the_start_says_what_a_reader_needs_to_know(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 2})
    work(run)
    start = events(run)[0]
    assert isinstance(start, Start)
    assert (start.run, start.lab, start.arms, start.seeds) == (
        run.id,
        "steady",
        ["low", "high"],
        [0, 1, 2, 3],
    )
    assert start.versions["torch"] == torch.__version__
    assert not start.settles  # two steps are not the lab's own setting


def test_the_same_seeds_give_the_same_outcomes_twice(here: None, runs: Path) -> None:
    first, second = new_run(runs, "steady"), new_run(runs, "steady")
    work(first)
    work(second)
    assert scores(first) == scores(second)


def test_a_seed_gives_the_same_outcome_whichever_seeds_train_beside_it(here: None, runs: Path) -> None:
    together, apart = new_run(runs, "steady", seeds=4), new_run(runs, "steady", seeds=2)
    apart.want(seeds=4)
    work(together)
    work(apart)
    assert [event.seeds for event in of_kind(apart, Seeds)] == [[2, 3]]
    assert scores(apart) == scores(together)


def test_every_point_is_kept_with_mean_and_spread_over_the_seeds(here: None, runs: Path) -> None:
    run = new_run(runs, "diverging", seeds=3, max_seeds=3)
    work(run)
    low = {event.step: event for event in of_kind(run, Point) if event.arm == "low"}
    assert list(low) == list(range(15))
    first = low[0].series["loss"]  # of 4, 9 and 16
    sd = math.sqrt(((4 - 29 / 3) ** 2 + (9 - 29 / 3) ** 2 + (16 - 29 / 3) ** 2) / 2)
    assert (first.mean, first.lo, first.hi) == pytest.approx((29 / 3, 29 / 3 - sd, 29 / 3 + sd))
    assert first.n == 3
    assert low[0].seeds_in_view == 3


def test_a_diverged_run_is_data_in_valid_json(here: None, runs: Path) -> None:
    run = new_run(runs, "diverging", seeds=3, max_seeds=3)
    assert work(run) == 0
    last = [event for event in of_kind(run, Point) if event.arm == "low"][-1].series["loss"]
    assert (last.mean, last.n) == ("NaN", 0)
    outcome = {event.arm: event.values["score"] for event in of_kind(run, Outcome)}
    assert outcome == {"low": ["NaN"] * 3, "high": ["Infinity"] * 3}
    (verdict,) = of_kind(run, Verdict)
    assert (verdict.verdict, verdict.note) == ("undecided", "diverged")
    for raw in run.events_file.read_text().splitlines():
        json.loads(raw, parse_constant=pytest.fail)  # NaN and Infinity as JSON does not know them


def test_an_undecided_run_adds_seeds_until_its_limit(here: None, runs: Path) -> None:
    run = new_run(runs, "wavering", seeds=4, max_seeds=7)
    work(run)
    assert [(event.seeds, event.reason) for event in of_kind(run, Seeds)] == [
        ([4, 5], "undecided"),
        ([6], "undecided"),
    ]
    assert [event.seeds for event in of_kind(run, Verdict)] == [4, 6, 7]
    assert run.status() == "done"


def test_with_other_knobs_an_undecided_run_adds_no_seeds(here: None, runs: Path) -> None:
    run = new_run(runs, "wavering", knobs={"draws": 2}, seeds=4, max_seeds=8)
    work(run)
    assert of_kind(run, Seeds) == []
    assert [event.settles for event in of_kind(run, Verdict)] == [False]


def test_seeds_that_join_train_beside_the_others_and_enter_their_means(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 30}, seeds=4)
    run.want(seeds=6)
    work(run)
    low = [event for event in of_kind(run, Point) if event.arm == "low"]
    in_view = [event.seeds_in_view for event in low]
    assert sorted(in_view) == [4] * 30 + [6] * 30
    assert in_view.index(6) < 3  # in turn, and not one after the other
    last = [event for event in low if event.step == 29][-1].series["loss"]
    assert last.mean == pytest.approx(sum(scores(run)["low"].values()) / 6)
    assert last.n == 6


def test_a_batch_has_its_own_random_state_and_gradient_mode(here: None, runs: Path) -> None:
    alone, beside = new_run(runs, "wavering", seeds=4), new_run(runs, "wavering", seeds=4)
    beside.want(seeds=6)  # each of the two generators yields inside torch.no_grad()
    work(alone)
    work(beside)
    assert beside.status() == "done"
    alone_scores, beside_scores = scores(alone)["low"], scores(beside)["low"]
    assert {seed: beside_scores[seed] for seed in alone_scores} == alone_scores


# ---- going on ----------------------------------------------------------------------------------------------


def test_a_finished_run_trains_only_the_seeds_it_lacks(here: None, runs: Path) -> None:
    run, whole = new_run(runs, "steady", seeds=4), new_run(runs, "steady", seeds=6)
    work(run)
    before = run.events_file.read_bytes()
    run.want(seeds=6)
    assert work(run) == 0
    assert run.events_file.read_bytes().startswith(before)
    assert [event.seeds for event in of_kind(run, Outcome)] == [[0, 1, 2, 3]] * 2 + [[4, 5]] * 2
    assert [event.seeds for event in of_kind(run, Verdict)] == [4, 6]
    work(whole)
    assert scores(run) == scores(whole)
    both, one = Replay(), Replay()
    both.feed(events(run))
    one.feed(events(whole))
    assert both.lines["loss", "low"].n == one.lines["loss", "low"].n
    assert both.lines["loss", "low"].mean == pytest.approx(one.lines["loss", "low"].mean)
    assert both.lines["loss", "low"].hi == pytest.approx(one.lines["loss", "low"].hi)


def test_a_run_cut_off_in_its_second_batch_counts_no_seed_twice(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", seeds=4)
    run.want(seeds=6)
    work(run)
    whole = {(event.arm, event.step): event for event in of_kind(run, Point)}
    told = events(run)
    last_outcome = max(
        i for i, event in enumerate(told) if isinstance(event, Outcome) and event.seeds == [4, 5]
    )
    # As a kill would leave it: the joined seeds have drawn their curves and not delivered.
    run.events_file.write_bytes(b"".join(map(line, told[: last_outcome - 1])) + b'{"event":"poi')
    work(run)
    assert run.status() == "done"
    again = {(event.arm, event.step): event for event in of_kind(run, Point)}
    for place, point in whole.items():
        assert again[place].seeds_in_view == 6
        assert again[place].series["loss"].mean == pytest.approx(point.series["loss"].mean)


def test_a_run_with_nothing_left_to_do_is_left_as_it_is(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 2})
    work(run)
    before = run.events_file.read_bytes()
    assert work(run) == 0
    assert run.events_file.read_bytes() == before


def test_a_run_killed_before_its_verdict_gets_one(here: None, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 2})
    work(run)
    told = events(run)
    run.events_file.write_bytes(b"".join(map(line, told[:-2])))
    work(run)
    assert len(of_kind(run, Verdict)) == 1
    assert len(of_kind(run, Outcome)) == 2
    assert run.status() == "done"


def test_a_lab_edited_meanwhile_goes_on_with_the_code_it_began_with(
    here: None, runs: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(FIXTURES / "steady", tmp_path / "steady"))
    run = new_run(runs, "steady", folder=folder, knobs={"steps": 2})
    work(run)
    (folder / "experiment.py").write_text("raise RuntimeError('half edited')\n")
    run.want(seeds=6)
    work(run)
    assert run.status() == "done"
    (warning,) = [event for event in of_kind(run, Log) if event.level == "warning"]
    assert str(folder / "experiment.py") in warning.text
    assert recognise(warning.text) is not None


# ---- experiments that go wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "key", "words"),
    [
        ("raise", "experiment-raised", "ZeroDivisionError: the learning rate is 0"),
        ("exit", "experiment-raised", "SystemExit: 3"),
        ("memory", "memory-full", "can't allocate memory"),
        ("silent", "experiment-garbage", "ended without an Outcome"),
        ("nothing", "experiment-garbage", "a dict, where a Point or an Outcome is expected"),
        ("series", "experiment-garbage", "series 'accuracy' is not declared"),
        ("arm", "experiment-garbage", "series loss has an arm 'middle'"),
        ("length", "experiment-garbage", "series loss of arm low has 5 values for 4 seeds"),
        ("matrix", "experiment-garbage", "Tensor of shape (4, 2)"),
        ("text", "experiment-garbage", "not a number"),
        ("step", "experiment-garbage", "step nan"),
        ("outcome", "experiment-garbage", "outcome score has no values for arm high"),
        ("function", "experiment-garbage", "returned a Outcome, not a generator"),
    ],
)
def test_an_experiment_that_goes_wrong_is_told_clearly(
    here: None, runs: Path, how: str, key: str, words: str
) -> None:
    run = new_run(runs, "crashing", knobs={"how": how})
    assert work(run) == 1
    last = events(run)[-1]
    assert isinstance(last, End)
    assert last.status == "failed"
    problem = recognise(last.error or "")
    assert problem is not None
    assert problem.key == key
    assert words in str(problem)
    assert str(problem) in [event.text for event in of_kind(run, Log)]
    if how != "function":
        assert {event.step for event in of_kind(run, Point)} == {0, 1}  # what came before is kept


def test_a_traceback_stands_in_the_journal_and_in_the_log(
    here: None, runs: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = new_run(runs, "crashing", knobs={"how": "raise"})
    work(run)
    (first, _) = of_kind(run, Log)
    assert "raise ZeroDivisionError" in first.text
    assert "Traceback" in capfd.readouterr().err


def test_an_accelerator_without_memory_hands_what_is_unfinished_to_the_cpu(
    here: None, runs: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(FIXTURES / "steady", tmp_path / "steady"))
    source = (folder / "experiment.py").read_text()
    source = source.replace(".to(device)", "").replace(
        "        time.sleep(pause)\n",
        "        if step == 3 and device.type != 'cpu':\n"
        "            raise torch.OutOfMemoryError('CUDA out of memory')\n",
    )
    (folder / "experiment.py").write_text(source)
    run = new_run(runs, "steady", folder=folder)
    card: Any = SimpleNamespace(type="cuda")
    assert work(run, lambda wanted, strict: Chosen(card, "H100", None)) == 0
    first, second = of_kind(run, Start)
    assert (first.device_name, second.device_name) == ("H100", "CPU")
    problem = recognise(second.device_reason)
    assert problem is not None
    assert (problem.key, problem.fields) == ("device-left", {"name": "H100"})
    assert {event.seeds_in_view for event in of_kind(run, Point)} == {4}
    assert run.status() == "done"


def test_a_disk_that_refuses_for_a_while_loses_no_event(
    here: None, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, whole = new_run(runs, "steady"), new_run(runs, "steady")
    write, refusals = Writer.write, iter(range(3))

    def refuse(writer: Writer, *told: Any) -> None:
        if next(refusals, None) is not None:
            raise LabProblem("disk-full", folder=run.folder)
        write(writer, *told)

    monkeypatch.setattr(Writer, "write", refuse)
    assert work(run) == 0
    monkeypatch.undo()
    work(whole)
    kinds = [[type(event).__name__ for event in events(one)] for one in (run, whole)]
    assert kinds[0] == kinds[1]
    assert scores(run) == scores(whole)


# ---- the process -------------------------------------------------------------------------------------------


def test_a_real_process_loads_torch_and_trains_the_run(runs: Path) -> None:
    run = new_run(runs, "steady", device="auto", knobs={"steps": 3})
    process = start_worker(run)
    assert process.wait(120) == 0
    assert run.status() == "done"
    assert "the experiment has printed this" in run.log_tail(5)


def test_a_run_is_listed_before_torch_is_loaded(runs: Path, tmp_path: Path) -> None:
    run, gate = new_run(runs, "crashing", knobs={"how": "raise"}), tmp_path / "gate"
    process = start_worker(run, **ON_STUB, STUB_GATE=str(gate))
    wait_until(lambda: run.worker() is not None, "worker.json")
    assert worker_pid(run) == process.pid
    assert run.status() == "running"
    assert events(run) == []
    gate.touch()
    assert process.wait(60) == 1


def test_a_stop_while_torch_is_loading_ends_the_run(runs: Path, tmp_path: Path) -> None:
    run = new_run(runs, "steady")
    process = start_worker(run, **ON_STUB, STUB_GATE=str(tmp_path / "never"))
    wait_until(lambda: run.worker() is not None, "worker.json")
    process.terminate()
    assert process.wait(60) == 0
    assert run.status() == "stopped"


@pytest.mark.parametrize(("stub", "key"), [("missing", "torch-missing"), ("broken", "torch-broken")])
def test_an_interpreter_without_a_working_torch_says_how_to_mend_it(runs: Path, stub: str, key: str) -> None:
    run = new_run(runs, "steady")
    assert start_worker(run, **ON_STUB, STUB_TORCH=stub).wait(60) == 1
    told = events(run)
    assert [type(event).__name__ for event in told] == ["Log", "End"]
    problem = recognise(told[-1].error or "") if isinstance(told[-1], End) else None
    assert problem is not None
    assert problem.key == key
    assert sys.executable in str(problem)
    assert run.status() == "failed"


@pytest.fixture(scope="module")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with nothing installed."""
    folder = tmp_path_factory.mktemp("bare")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    return str(folder / "bin" / "python")


def test_an_interpreter_without_msgspec_says_what_to_install(runs: Path, bare_python: str) -> None:
    run = new_run(runs, "steady")
    assert start_worker(run, bare_python).wait(60) == 1
    problem = recognise(of_kind(run, End)[0].error)
    assert problem is not None
    assert (problem.key, problem.fields["package"]) == ("package-missing", "msgspec")


def test_an_interpreter_that_has_torch_borrows_the_rest_from_the_app(runs: Path, bare_python: str) -> None:
    import msgspec

    run = new_run(runs, "crashing", knobs={"how": "raise"})
    shelf = str(Path(msgspec.__file__).parent.parent)
    start_worker(run, bare_python, **ON_STUB, TORCHPROOF_BORROW=shelf).wait(60)
    assert of_kind(run, Start)[0].versions["torch"] == "stub"
    problem = recognise(of_kind(run, End)[0].error)
    assert problem is not None
    assert problem.key == "experiment-raised"


def test_a_broken_lab_fails_its_run_with_the_place_to_mend(runs: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(FIXTURES / "crashing", tmp_path / "crashing"))
    run = new_run(runs, "crashing", folder=folder)
    (folder / "lab.toml").write_text("id = \n")
    assert start_worker(run, **ON_STUB).wait(60) == 1
    problem = recognise(of_kind(run, End)[0].error)
    assert problem is not None
    assert problem.key == "lab-toml"
    assert str(folder / "lab.toml") in str(problem)


def test_an_experiment_that_kills_its_process_leaves_a_lost_run_with_its_points(runs: Path) -> None:
    run = new_run(runs, "crashing", knobs={"how": "fatal"})
    assert start_worker(run, **ON_STUB).wait(60) == -signal.SIGABRT
    assert run.status() == "lost"


def test_a_device_named_on_the_command_line_that_does_not_work_fails_the_run(runs: Path) -> None:
    run = new_run(runs, "steady", device="mps", by="command")
    from_app = new_run(runs, "steady", device="mps", knobs={"steps": 2})
    for one in (run, from_app):
        start_worker(one, CUDA_VISIBLE_DEVICES="").wait(120)
    problem = recognise(of_kind(run, End)[0].error)
    assert problem is not None
    assert problem.key == "device-unusable"
    (start,) = of_kind(from_app, Start)
    assert start.device == "cpu"
    assert recognise(start.device_reason) is not None


@pytest.mark.parametrize("how", ["sleep", "ops", "call", "stubborn", "swallow"])
def test_a_stop_ends_the_run_in_the_middle_of_a_long_step(runs: Path, how: str) -> None:
    run = new_run(runs, "endless", knobs={"how": how})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert run.status() == "stopped"
    assert {event.step for event in of_kind(run, Point)} >= {0, 1}
    if how in ("sleep", "ops", "swallow"):
        assert "the generator was closed" in run.log_tail(5)


def test_a_stop_that_is_only_written_down_is_heard(runs: Path) -> None:
    run = new_run(runs, "endless", knobs={"how": "sleep"})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    run.want(stop=True)
    assert process.wait(60) == 0
    assert run.status() == "stopped"


@pytest.mark.parametrize("how", ["sleep", "call"])
def test_more_seeds_are_taken_up_in_the_middle_of_a_long_step(runs: Path, how: str) -> None:
    run = new_run(runs, "endless", knobs={"how": how})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    run.want(seeds=6)
    wait_for(run, Seeds)
    assert [(event.seeds, event.reason) for event in of_kind(run, Seeds)] == [([4, 5], "asked")]
    process.terminate()
    assert process.wait(60) == 0


def test_a_stopped_run_goes_on_when_more_seeds_are_wanted(runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 50, "pause": 0.01})
    process = start_worker(run)
    wait_for(run, Point)
    process.terminate()
    process.wait(60)
    assert run.status() == "stopped"
    run.want(seeds=5)
    assert start_worker(run).wait(120) == 0
    assert run.status() == "done"
    assert sorted(scores(run)["low"]) == [0, 1, 2, 3, 4]


def test_a_second_worker_waits_for_the_first_and_finds_nothing_to_do(runs: Path) -> None:
    run = new_run(runs, "endless", knobs={"how": "sleep"})
    first = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    second = start_worker(run, **ON_STUB)
    run.want(stop=True)
    assert first.wait(60) == 0
    assert second.wait(60) == 0
    assert len(of_kind(run, Start)) <= 2
    assert run.status() == "stopped"


def test_a_hang_up_does_not_reach_a_lab(runs: Path) -> None:
    run = new_run(runs, "endless", knobs={"how": "sleep"})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0  # and not -SIGHUP, which came first
    assert run.status() == "stopped"


def test_a_lab_whose_folder_is_deleted_leaves(runs: Path) -> None:
    run = new_run(runs, "endless", knobs={"how": "call"})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    shutil.rmtree(run.folder)
    assert process.wait(60) == 1


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_disk_that_fills_up_and_is_freed_loses_no_line(runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 60, "pause": 0.01})
    process = start_worker(run)
    wait_for(run, Point)
    size = run.events_file.stat().st_size
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))
    wait_until(lambda: any("failed" in said for said in run.log_tail(5)), "the disk to refuse")
    assert run.events_file.read_bytes().endswith(b"\n")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert process.wait(120) == 0
    assert run.status() == "done"
    assert {event.step for event in of_kind(run, Point)} == set(range(60))


def test_a_worker_that_an_experiment_forks_may_be_ended_without_ending_the_lab(
    runs: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(FIXTURES / "endless", tmp_path / "endless"))
    source = (folder / "experiment.py").read_text()
    forks = """
        import os, signal
        lives, says = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(says, b"!")
            signal.pause()
            os._exit(0)
        os.read(lives, 1)
        os.kill(child, signal.SIGTERM)
        print("child ended by", os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""
    source = source.replace("    try:\n", "    try:" + forks, 1)
    (folder / "experiment.py").write_text(source)
    run = new_run(runs, "endless", folder=folder)
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    assert "child ended by 15" in run.log_tail(5)
    assert run.status() == "running"
    process.terminate()
    assert process.wait(60) == 0


def test_a_lab_is_polite(runs: Path) -> None:
    run = new_run(runs, "endless", knobs={"how": "sleep"})
    process = start_worker(run, **ON_STUB)
    wait_for(run, Point, 2)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 10
    process.terminate()
    process.wait(60)


def test_what_is_not_a_run_is_refused(tmp_path: Path) -> None:
    for arguments in ([], ["--help"], ["a", "b"]):
        done = subprocess.run([sys.executable, str(WORKER), *arguments], capture_output=True, text=True)
        assert done.returncode == 2
        assert "usage" in done.stderr


# ---- the spare ---------------------------------------------------------------------------------------------


def spare(**env: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, str(WORKER), "--spare"],
        env={**os.environ, "PYTHONSAFEPATH": "1", **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def test_a_spare_says_ready_and_trains_the_run_it_is_given(runs: Path) -> None:
    run, process = new_run(runs, "steady", knobs={"steps": 3}), spare()
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdin.write(os.fsencode(run.folder) + b"\n")
    process.stdin.close()
    assert process.stdout.read() == b""  # what it prints from here on is in the run's log
    assert process.wait(60) == 0
    assert run.status() == "done"
    assert "the experiment has printed this" in run.log_tail(5)


def test_a_spare_leaves_when_its_input_closes_even_while_it_loads(tmp_path: Path) -> None:
    process = spare(**ON_STUB, STUB_GATE=str(tmp_path / "never"))
    assert process.stdin is not None
    process.stdin.write(b"/half/a/na")
    process.stdin.close()
    assert process.wait(60) == 0


def test_a_broken_spare_says_why_and_says_it_again_in_a_run(runs: Path) -> None:
    run, process = new_run(runs, "steady"), spare(**ON_STUB, STUB_TORCH="missing")
    assert process.stdin is not None
    assert process.stdout is not None
    said = process.stdout.readline().decode().strip()
    assert said.startswith("broken ")
    problem = recognise(said.removeprefix("broken "))
    assert problem is not None
    assert problem.key == "torch-missing"
    process.stdin.write(os.fsencode(run.folder) + b"\n")
    process.stdin.close()
    process.wait(60)
    assert of_kind(run, End)[0].error == str(problem)
    wait_gone(process.pid)

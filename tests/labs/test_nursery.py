"""Runs forked from one process that has torch loaded: real processes, of their own, that depend on nobody."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from trial_runs import new_run, of_kind, start_worker, wait_for, wait_gone, wait_until, worker_pid

from labs.bench import Bench
from labs.journal import End, Outcome, Point, Run
from labs.problems import recognise

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks with torch loaded are for Linux")


def nursery_pid(bench: Bench) -> int:
    assert bench._nursery and bench._nursery._process
    return bench._nursery._process.pid


@linux
async def test_every_run_gets_a_process_forked_from_the_same_one_and_a_session_of_its_own(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    two = [new_run(runs, "endless"), new_run(runs, "endless")]
    for run in two:
        await bench.start_one_of_many(run, False)
    for run in two:
        wait_for(run, Point, 2)
    pids = [worker_pid(run) for run in two]
    assert len({*pids, nursery_pid(bench)}) == 3
    for pid in pids:
        assert psutil.Process(pid).ppid() == nursery_pid(bench)
        assert os.getsid(pid) == os.getpgid(pid) == pid
        autogroup = Path(f"/proc/{pid}/autogroup")
        if autogroup.exists():
            assert autogroup.read_text().split()[-1] == "10"
    for run in two:
        await bench.stop(run)
        assert [end.status for end in of_kind(run, End)] == ["stopped"]
    for pid in pids:
        wait_gone(pid)  # nobody has to wait for it


@linux
async def test_runs_go_on_when_the_proof_is_over_and_the_process_they_came_from_leaves(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless", knobs={"how": "swallow"})
    await bench.start_one_of_many(run, False)
    wait_for(run, Point)
    parent = nursery_pid(bench)
    await bench.close()
    wait_gone(parent)
    before = len(of_kind(run, Point))
    wait_for(run, Point, before + 2)
    assert run.status() == "running"


async def test_on_another_system_every_run_is_started_as_any_other(
    bench: Bench, runs: Path, stub_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    run = new_run(runs, "endless")
    await bench.start_one_of_many(run, False)
    wait_for(run, Point)
    assert psutil.Process(worker_pid(run)).ppid() == os.getpid()
    assert bench._warming is not None  # the next one loads torch meanwhile


async def test_a_run_that_measures_memory_or_time_shares_no_process(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless")
    await bench.start_one_of_many(run, True)
    wait_for(run, Point)
    assert psutil.Process(worker_pid(run)).ppid() == os.getpid()


@linux
async def test_runs_that_were_not_taken_up_when_it_died_are_started_otherwise(
    bench: Bench, runs: Path, stub_torch: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("STUB_GATE", str(gate))
    run, later = new_run(runs, "endless"), new_run(runs, "endless")
    await bench.start_one_of_many(run, False)  # waits behind the import of torch
    os.kill(nursery_pid(bench), signal.SIGKILL)
    gate.touch()
    wait_for(run, Point)
    assert psutil.Process(worker_pid(run)).ppid() == os.getpid()
    wait_until(lambda: bench._nursery is not None and not bench._nursery._usable, "the bench to notice")
    await bench.start_one_of_many(later, False)
    wait_for(later, Point)


async def test_where_torch_has_started_threads_nothing_is_forked(
    bench: Bench, runs: Path, stub_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_THREAD", "1")
    run = new_run(runs, "endless")
    await bench.start_one_of_many(run, False)
    wait_for(run, Point)
    assert psutil.Process(worker_pid(run)).ppid() == os.getpid()


@linux
async def test_when_the_last_was_started_the_process_leaves_and_a_next_proof_gets_another(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    pids = []
    for _ in range(2):
        run = new_run(runs, "steady", knobs={"steps": 3})
        await bench.start_one_of_many(run, False)
        wait_for(run, End)
        pids.append(nursery_pid(bench))
        bench.last_of_many()
        wait_gone(pids[-1])
    assert pids[0] != pids[1]


async def test_what_the_interpreter_lacks_is_told_by_every_run(
    bench: Bench, runs: Path, stub_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_TORCH", "missing")
    two = [new_run(runs, "steady"), new_run(runs, "steady")]
    for run in two:
        await bench.start_one_of_many(run, False)
    for run in two:
        wait_for(run, End)
        problem = recognise(of_kind(run, End)[0].error or "")
        assert problem is not None
        assert problem.key == "torch-missing"


async def test_an_interpreter_that_is_not_there_is_told_by_the_run(runs: Path) -> None:
    bench = Bench(runs, python="/nowhere/python", next_spare_s=3600)
    run = new_run(runs, "steady")
    await bench.start_one_of_many(run, False)
    wait_for(run, End)
    problem = recognise(of_kind(run, End)[0].error or "")
    assert problem is not None
    assert problem.key == "python-missing"
    await bench.close()


@linux
async def test_the_real_torch_measures_the_same_in_a_fork_as_in_a_process_of_its_own(
    bench: Bench, runs: Path
) -> None:
    from labs import catalog

    folder = catalog.EXPERIMENTS / "forward_state"
    forked, own = (new_run(runs, "forward_state", folder=folder, seeds=2, max_seeds=2) for _ in "ab")
    await bench.start_one_of_many(forked, False)
    process = start_worker(own)
    assert process.wait() == 0
    wait_for(forked, End)

    def measured(run: Run) -> list[tuple[str, dict[str, list[float]]]]:
        return [(outcome.arm, outcome.values) for outcome in of_kind(run, Outcome)]

    assert measured(forked) == measured(own)
    assert measured(own)

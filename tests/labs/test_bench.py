"""The app's side, with real processes: spares, runs begun and ended, and who lives on when the app dies."""

import asyncio
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from trial_runs import (
    FIXTURES,
    events,
    lives,
    new_run,
    of_kind,
    start_worker,
    wait_for,
    wait_gone,
    wait_until,
    worker_pid,
)

from labs import bench as bench_module
from labs.bench import Bench, launch
from labs.journal import End, Log, Outcome, Point, Run, Seeds, Start, write_atomic
from labs.problems import LabProblem, recognise

ROOT = Path(bench_module.__file__).parents[1]


async def until_ready(bench: Bench) -> None:
    await bench.warm()
    wait_until(lambda: bench.spare_state != "warming", "the spare to load")


def spare_pid(bench: Bench) -> int:
    process = bench._spare and bench._spare._process
    assert process
    return process.pid


def problem_of(run: Run) -> LabProblem:
    (end,) = of_kind(run, End)
    problem = recognise(end.error or "")
    assert problem is not None, end.error
    return problem


# ---- starting ----------------------------------------------------------------------------------------------


async def test_a_run_is_given_to_the_loaded_spare(bench: Bench, runs: Path) -> None:
    await bench.warm()
    assert bench.spare_state == "warming"
    await until_ready(bench)
    assert bench.spare_state == "ready"
    pid, run = spare_pid(bench), new_run(runs, "steady", knobs={"steps": 3})
    await bench.start(run)
    assert bench.spare_state == "none"
    wait_for(run, End)
    assert worker_pid(run) == pid
    assert run.status() == "done"
    wait_gone(pid)


async def test_a_spare_that_still_loads_takes_a_run_and_lists_it_at_once(
    bench: Bench, runs: Path, stub_torch: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("STUB_GATE", str(gate))
    await bench.warm()
    pid, run = spare_pid(bench), new_run(runs, "endless")
    await bench.start(run)
    wait_until(lambda: run.worker() is not None, "the spare to claim the run")
    assert worker_pid(run) == pid
    assert bench.running() == [run]
    assert events(run) == []
    gate.touch()
    wait_for(run, Point, 2)
    await bench.stop(run)


async def test_without_a_spare_a_run_gets_a_process_of_its_own(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    assert run.status() == "running"
    await bench.stop(run)


async def test_the_next_spare_is_warmed_after_a_start(runs: Path, stub_torch: None) -> None:
    bench = Bench(runs, next_spare_s=0)
    run = new_run(runs, "crashing")
    await bench.start(run)
    assert bench._warming is not None
    await bench._warming
    assert bench.spare_state != "none"
    await bench.close()


@pytest.mark.parametrize(("stub", "key"), [("missing", "torch-missing"), ("abort", "worker-died")])
async def test_a_broken_spare_tells_why_and_a_run_still_gets_its_own_process(
    bench: Bench, runs: Path, stub_torch: None, monkeypatch: pytest.MonkeyPatch, stub: str, key: str
) -> None:
    monkeypatch.setenv("STUB_TORCH", stub)
    await until_ready(bench)
    assert bench.spare_state == "broken"
    problem = recognise(bench.spare_trouble)
    assert problem is not None
    assert problem.key == key
    monkeypatch.delenv("STUB_TORCH")  # mended meanwhile
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    await bench.stop(run)


async def test_a_spare_that_dies_with_a_run_in_its_pipe_is_replaced(
    bench: Bench, runs: Path, stub_torch: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = tmp_path / "gate"
    monkeypatch.setenv("STUB_GATE", str(gate))
    await bench.warm()
    pid, run = spare_pid(bench), new_run(runs, "endless")
    os.kill(pid, signal.SIGSTOP)  # it will never read what it is given
    await bench.start(run)
    os.kill(pid, signal.SIGKILL)
    gate.touch()
    wait_for(run, Point, 2)
    assert worker_pid(run) != pid
    await bench.stop(run)


async def test_a_spare_that_dies_idle_leaves_room_for_another(bench: Bench, stub_torch: None) -> None:
    await until_ready(bench)
    if bench.spare_state == "broken":  # the stand-in cannot train a step, and says so
        pytest.fail(bench.spare_trouble)
    first = spare_pid(bench)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: bench.spare_state == "none", "the bench to notice")
    await until_ready(bench)
    assert bench.spare_state == "ready"
    assert spare_pid(bench) != first


async def test_an_interpreter_that_is_not_there_is_told_by_spare_and_run(runs: Path) -> None:
    bench = Bench(runs, python="/nowhere/python", next_spare_s=3600)
    await bench.warm()
    assert bench.spare_state == "broken"
    problem = recognise(bench.spare_trouble)
    assert problem is not None
    assert (problem.key, problem.fields["python"]) == ("python-missing", "/nowhere/python")
    run = new_run(runs, "steady")
    await bench.start(run)
    assert problem_of(run).key == "python-missing"
    assert run.status() == "failed"
    await bench.close()


async def test_a_run_whose_folder_is_gone_is_refused(bench: Bench, runs: Path) -> None:
    with pytest.raises(LabProblem) as caught:
        await bench.start(Run(runs / "20260101-000000-steady-0000"))
    assert caught.value.key == "cannot-write"


async def test_closing_dismisses_the_spare_and_leaves_labs_running(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    await bench.warm()
    pid = spare_pid(bench)
    await bench.close()
    wait_gone(pid)
    assert run.status() == "running"
    await bench.stop(run)


# ---- stopping ----------------------------------------------------------------------------------------------


async def test_a_stop_ends_the_process_and_keeps_the_points(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless", knobs={"how": "call"})
    await bench.start(run)
    wait_for(run, Point, 2)
    await bench.stop(run)
    assert run.status() == "stopped"
    assert not run.alive()
    assert [event.step for event in of_kind(run, Point)] == [0, 1]
    assert bench.running() == []


async def test_a_stop_need_not_be_awaited(bench: Bench, runs: Path, stub_torch: None) -> None:
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    pid = worker_pid(run)
    bench.stop(run)
    await bench.close()
    wait_gone(pid)
    assert run.status() == "stopped"


async def test_a_run_can_be_stopped_before_its_process_has_taken_it_up(
    bench: Bench, runs: Path, stub_torch: None
) -> None:
    run = new_run(runs, "endless")
    await bench.start(run)
    await bench.stop(run)
    wait_until(lambda: run.status() == "stopped", "the run to stop")
    assert not run.alive()


async def test_a_process_that_does_not_listen_is_killed_and_its_run_counts_as_stopped(
    bench: Bench, runs: Path, stub_torch: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_module, "STOP_S", 0.1)
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    os.kill(worker_pid(run), signal.SIGSTOP)
    await bench.stop(run)
    assert not run.alive()
    assert run.status() == "stopped"


async def test_a_stop_never_touches_a_process_that_is_not_the_runs(bench: Bench, runs: Path) -> None:
    run = new_run(runs, "steady")
    stranger = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    )
    name = os.uname().nodename
    # The run's worker is long gone, and its pid has come to somebody else.
    told = f'{{"pid": {stranger.pid}, "created": {time.time() - 3600}, "host": "{name}"}}'
    write_atomic(run.worker_file, told.encode())
    await bench.stop(run)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


async def test_children_of_an_experiment_end_with_it(
    bench: Bench, runs: Path, stub_torch: None, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(FIXTURES / "endless", tmp_path / "endless"))
    source = (folder / "experiment.py").read_text()
    child = "__import__('subprocess').run(['sleep', '300'], start_new_session=True)"
    source = source.replace("time.sleep(120)", child, 1)
    (folder / "experiment.py").write_text(source)
    run = new_run(runs, "endless", folder=folder)
    await bench.start(run)
    wait_for(run, Point, 2)
    worker = psutil.Process(worker_pid(run))
    wait_until(lambda: bool(worker.children()), "the child")
    (child,) = worker.children()
    await bench.stop(run)
    wait_gone(child.pid)


# ---- more seeds --------------------------------------------------------------------------------------------


async def test_more_seeds_join_a_live_run(bench: Bench, runs: Path, stub_torch: None) -> None:
    run = new_run(runs, "endless")
    await bench.start(run)
    wait_for(run, Point, 2)
    await bench.more_seeds(run, 2)
    await bench.more_seeds(run, 3)
    assert [event.seeds for event in of_kind(run, Seeds)] == [[4, 5], [6, 7, 8]]
    assert len(of_kind(run, Start)) == 1
    await bench.stop(run)


async def test_more_seeds_continue_a_finished_run(bench: Bench, runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 3})
    await bench.start(run)
    wait_for(run, End)
    first = worker_pid(run)
    await bench.more_seeds(run, 2)
    wait_for(run, End, 2)
    assert worker_pid(run) != first
    assert [event.seeds for event in of_kind(run, Outcome)] == [[0, 1, 2, 3]] * 2 + [[4, 5]] * 2
    assert run.status() == "done"


async def test_more_seeds_asked_of_a_worker_that_is_just_leaving_are_not_lost(
    bench: Bench, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(runs, "steady", knobs={"steps": 3})
    process = start_worker(run)
    wait_for(run, End)
    os.kill(process.pid, signal.SIGSTOP)  # alive, but past its last look; or gone already
    asked = asyncio.create_task(bench.more_seeds(run, 2))
    monkeypatch.setattr(bench_module, "ANSWER_S", 60)
    await asyncio.sleep(0)
    os.kill(process.pid, signal.SIGCONT)
    process.wait(60)
    await asked
    wait_for(run, End, 2)
    assert [event.seeds for event in of_kind(run, Outcome)][-1] == [4, 5]


# ---- commands ----------------------------------------------------------------------------------------------


def test_a_launched_run_is_taken_up_when_the_call_returns(runs: Path, stub_torch: None) -> None:
    run = new_run(runs, "endless")
    launch(run)
    assert run.alive()
    os.kill(worker_pid(run), signal.SIGTERM)
    wait_for(run, End)


def test_launching_with_a_wrong_interpreter_raises_and_fails_the_run(runs: Path, tmp_path: Path) -> None:
    not_python = tmp_path / "python"
    not_python.write_text("#!/bin/sh\necho this is no python >&2\nexit 3\n")
    not_python.chmod(0o755)
    for python, key in (("/nowhere/python", "python-missing"), (str(not_python), "worker-died")):
        run = new_run(runs, "steady")
        with pytest.raises(LabProblem) as caught:
            launch(run, python)
        assert caught.value.key == key
        assert str(caught.value) == str(problem_of(run)) == of_kind(run, Log)[0].text
    assert "this is no python" in str(caught.value)
    assert "exit status 3" in str(caught.value)


def test_an_interpreter_may_be_named_from_the_folder_one_is_in(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stub_torch: None
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    monkeypatch.chdir(tmp_path)
    run = new_run(runs, "crashing")
    launch(run, "bin/python")
    wait_for(run, Log)


def test_the_module_loads_neither_torch_nor_asyncio() -> None:
    slow = ("torch", "numpy", "asyncio", "psutil")
    code = f"import sys, labs.bench; print([name for name in {slow} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- orphans -----------------------------------------------------------------------------------------------

APP = """
import asyncio, sys
from pathlib import Path
from labs.bench import Bench
from labs.journal import Run

async def app(runs, *run):
    bench = Bench(Path(runs), next_spare_s=0)
    await bench.warm()
    if run:
        await bench.start(Run(Path(run[0])))
    while not (bench._spare and bench._spare._process):
        await asyncio.sleep(0.01)
    print(bench._spare._process.pid, flush=True)
    await asyncio.sleep(3600)

asyncio.run(app(*sys.argv[1:]))
"""


def an_app(*arguments: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", APP, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE
    )


def first_line(app: "subprocess.Popen[bytes]") -> int:
    assert app.stdout is not None
    return int(app.stdout.readline())


def test_a_spare_dies_with_an_app_that_is_killed_even_while_it_loads(
    runs: Path, stub_torch: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUB_GATE", str(tmp_path / "never"))
    app = an_app(runs)
    spare = first_line(app)
    assert lives(spare)
    app.kill()
    wait_gone(spare)
    app.wait()


def test_a_spare_dies_with_an_app_that_is_killed_while_it_loads_the_real_torch(runs: Path) -> None:
    app = an_app(runs)
    spare = first_line(app)
    app.kill()
    wait_gone(spare)
    app.wait()


def test_a_lab_completes_when_its_app_is_killed(runs: Path) -> None:
    run = new_run(runs, "steady", knobs={"steps": 60, "pause": 0.02})
    app = an_app(runs, run.folder)
    spare = first_line(app)
    wait_for(run, Point)
    app.kill()
    wait_for(run, End)
    assert run.status() == "done"
    assert {event.step for event in of_kind(run, Point)} == set(range(60))
    wait_gone(spare)
    wait_gone(worker_pid(run))
    app.wait()


def test_a_lab_lives_on_when_its_terminal_is_closed(runs: Path, stub_torch: None) -> None:
    run = new_run(runs, "endless")
    app, terminal = pty.fork()
    if app == 0:
        os.chdir(ROOT)
        os.execv(sys.executable, [sys.executable, "-c", APP, str(runs), str(run.folder)])
    wait_for(run, Point, 2)
    os.close(terminal)  # the kernel sends SIGHUP to all of the terminal's session
    os.waitpid(app, 0)
    assert run.status() == "running"
    os.kill(worker_pid(run), signal.SIGTERM)
    wait_for(run, End)

"""A lab on screen: the bet before the results, the run as it comes, the reading before the verdict."""

from __future__ import annotations

from pathlib import Path

import learner
import msgspec
import pytest
from learner import QuietBench, finished, make_app, make_run, points, screen_text, started, take_up, write
from textual.pilot import Pilot

from labs.journal import End, Run, Verdict
from labs.problems import LabProblem
from questions.events import Bet, Readout, Result
from questions.problems import BankProblem
from questions.schedule import fold
from tui.app import TorchproofApp
from tui.runs import RunView
from tui.screens.bench import state as bench_state
from tui.screens.lab import LabScreen
from tui.session import waiting


def lab(app: TorchproofApp) -> LabScreen:
    assert isinstance(app.screen, LabScreen)
    return app.screen


def bench(app: TorchproofApp) -> QuietBench:
    found = app.bench
    assert isinstance(found, QuietBench)
    return found


async def look(app: TorchproofApp, pilot: Pilot[None]) -> str:
    """What the screen says once the page has looked at its run, whatever the clock says."""
    screen = lab(app)
    now = screen.clock() + 5
    screen.clock = lambda: now
    screen.tick()
    await pilot.pause()
    return screen_text(app)


def open_lab(app: TorchproofApp, run: Run | None = None) -> LabScreen:
    app.open_lab("blank_frames", run=run)
    return lab(app)


async def bet_and_run(app: TorchproofApp, pilot: Pilot[None]) -> Run:
    open_lab(app)
    await pilot.pause()
    await pilot.press("2", "4", "r")
    await pilot.pause()
    return bench(app).started[-1]


async def to_verdict(app: TorchproofApp, pilot: Pilot[None]) -> Run:
    run = await bet_and_run(app, pilot)
    write(run, started(run), *points(range(0, 101, 10)), *finished(run))
    await look(app, pilot)
    await pilot.press("2")
    await pilot.pause()
    return run


async def test_r_before_the_bet_explains_that_the_bet_comes_first(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        open_lab(app)
        await pilot.pause()
        await pilot.press("r")
        await pilot.pause()
        assert bench(app).started == []
        assert any("bet" in notice.message.lower() for notice in app._notifications)


async def test_the_bet_is_on_disk_before_the_run_exists(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        open_lab(app)
        await pilot.pause()
        await pilot.press("2", "4")
        await pilot.pause()
        (bet,) = app.progress.events()
        assert isinstance(bet, Bet)
        assert (bet.lab, bet.claim, bet.band, bet.bands, bet.p) == ("blank_frames", "E1.7", 1, 4, 0.9)
        assert not app.paths.runs.exists() and bench(app).started == []
        await pilot.press("r")
        await pilot.pause()
        (run,) = bench(app).started
        assert run.id == bet.run and run.spec.settles and run.spec.seeds == [0, 1, 2, 3]


async def test_results_stay_hidden_until_the_bet_is_locked(tmp_path: Path) -> None:
    """Also those of a run that the command line has started, running or finished."""
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = make_run(app)
        take_up(run)
        write(run, started(run), *points(range(0, 60, 5)))
        screen = open_lab(app, run)
        await pilot.pause()
        assert screen.view.phase == "bet"
        text = await look(app, pilot)
        assert "98" not in text and "step 5" not in text and "%, 9" not in text and "✗" not in text
        write(run, *points(range(60, 101, 5)), *finished(run))
        text = await look(app, pilot)
        assert "98" not in text and "refuted" not in text and screen.view.phase == "bet"
        await pilot.press("2", "4")
        await pilot.pause()
        bet = app.progress.events()[0]
        assert isinstance(bet, Bet) and bet.run == run.id
        assert screen.view.phase == "readout"
        assert "98.05 ± 0.21" in screen_text(app)


async def test_a_bet_that_cannot_be_saved_is_not_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        screen = open_lab(app)
        await pilot.pause()

        def full(event: Bet) -> Bet:
            raise BankProblem("disk-full", file=app.paths.events)

        with monkeypatch.context() as patched:
            patched.setattr(app.progress, "record", full)
            await pilot.press("2", "4")
            await pilot.pause()
        assert screen.view.phase == "bet" and screen.view.stake.option == 1
        await pilot.press("4")
        await pilot.pause()
        assert screen.view.phase == "ready"


async def test_a_live_run_shows_curves_values_steps_and_time(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        run = await bet_and_run(app, pilot)
        assert "starting" in screen_text(app)
        write(run, started(run, reason="No GPU was found."), *points(range(0, 51, 5)))
        text = await look(app, pilot)
        assert "a 55.6 ±5.5" in text and "b 98.0 ±0.4" in text
        assert "running 50%" in text and "step 50 of 100" in text and "4 seeds" in text and "s left" in text
        assert "No GPU was found." in text
        assert "refuted" not in text and "supported" not in text
        await pilot.press("l")
        await pilot.pause()
        assert "运行中 50%" in screen_text(app) and "No GPU" not in screen_text(app)


async def test_switching_language_while_a_lab_runs_loses_nothing(tmp_path: Path) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=(100, 30)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 51, 5)))
        await look(app, pilot)
        await pilot.press("l")
        write(run, *points(range(55, 101, 5)), *finished(run))
        text = await look(app, pilot)
        assert "Read the numbers first" in text and lab(app).view.phase == "readout"


async def test_the_readout_comes_before_the_verdict_and_is_graded_from_the_run(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 101, 10)), *finished(run))
        text = await look(app, pilot)
        assert "larger than the spread" in text and "refuted" not in text and "hit" not in text
        await pilot.press("enter")  # reading comes first
        await pilot.pause()
        assert lab(app).view.phase == "readout"
        assert not any(isinstance(event, Result) for event in app.progress.events())
        await pilot.press("1")
        await pilot.pause()
        bet, readout, result = app.progress.events()
        assert isinstance(bet, Bet) and isinstance(readout, Readout) and isinstance(result, Result)
        assert (readout.run, readout.choice, readout.ok) == (run.id, "first", False)
        assert "✗ Misread; the numbers say: b switched to eval() is higher" in screen_text(app)


async def test_the_verdict_shows_claims_bet_surprise_and_explanation(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        run = await to_verdict(app, pilot)
        text = screen_text(app)
        assert "✗ refuted  E1.7  Feeding inputs changes parameters." in text
        assert "✓ supported" in text and "48.5%, 95% interval 35.2 to 61.9 (4 seeds)" in text
        assert "Your bet: 30 to 70%, 90% sure" in text and "✓ hit" in text
        assert "Surprise 0.2 bits, +10 points" in text
        assert "Many expect the weights to move." in text
        result = app.progress.events()[-1]
        assert isinstance(result, Result)
        assert result.verdicts == {"weights": "refuted", "damage": "supported"}
        assert (result.run, result.band, result.device, result.torch) == (run.id, 1, "CPU", "2.14.1")
        assert result.bits == pytest.approx(0.152, abs=1e-3) and result.points == pytest.approx(9.9)


async def test_a_result_is_recorded_once(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await to_verdict(app, pilot)
        await pilot.press("q")
        open_lab(app, run)
        await pilot.pause()
        open_lab(app)
        await pilot.pause()
        assert lab(app).view.phase == "verdict"
        assert sum(isinstance(event, Result) for event in app.progress.events()) == 1


async def test_a_straddled_edge_is_no_score(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 101, 10)), *finished(run, train=(20.0, 35.0, 25.0, 40.0)))
        await look(app, pilot)
        await pilot.press("2")
        await pilot.pause()
        assert "? the interval straddles two bands: no score" in screen_text(app)
        result = app.progress.events()[-1]
        assert isinstance(result, Result) and result.band is None and result.points is None
        assert lab(app).tally is not None and lab(app).tally.ok is None  # type: ignore[union-attr]


@pytest.mark.parametrize(("sure", "told"), [("1", True), ("5", False)])
async def test_a_hit_that_was_rated_a_guess_is_called_one(tmp_path: Path, sure: str, told: bool) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        open_lab(app)
        await pilot.press("2", sure, "r")  # 30 to 70, where the run's mean lies
        await pilot.pause()
        (run,) = bench(app).started
        write(run, started(run), *finished(run))
        await look(app, pilot)
        await pilot.press("1")
        text = await look(app, pilot)
        assert "✓ hit" in text
        assert ("Counted as a guess" in text) is told


async def test_not_knowing_is_a_bet_too_and_not_seeing_is_a_reading(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        open_lab(app)
        await pilot.pause()
        await pilot.press("0", "r")
        await pilot.pause()
        run = bench(app).started[-1]
        write(run, started(run), *points(range(0, 101, 10)), *finished(run))
        await look(app, pilot)
        await pilot.press("0")
        await pilot.pause()
        text = screen_text(app)
        assert "The numbers say: b switched to eval() is higher" in text
        assert "Your bet: don't know" in text and "it is “30 to 70%”" in text
        assert "Surprise 2 bits, 0 points" in text
        bet, readout, result = app.progress.events()
        assert isinstance(bet, Bet) and bet.band is None and bet.p == 0.25
        assert isinstance(readout, Readout) and readout.choice == "unsure" and not readout.ok
        assert isinstance(result, Result) and result.points == 0


async def test_an_undecided_rule_says_what_may_decide_it(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        run = await bet_and_run(app, pilot)
        ended = [
            msgspec.structs.replace(event, verdict="undecided", note="few-seeds")
            if isinstance(event, Verdict) and event.rule == "damage"
            else event
            for event in finished(run)
        ]
        write(run, started(run), *points(range(0, 101, 10)), *ended)
        await look(app, pilot)
        await pilot.press("2")
        await pilot.pause()
        text = screen_text(app)
        assert "? undecided" in text and "Too few seeds" in text and "+ adds seeds" in text


async def test_other_knobs_explore_and_never_count(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await to_verdict(app, pilot)
        before = app.progress.events()
        await pilot.press("k", "right", "down", "right")
        await pilot.pause()
        assert lab(app).view.values == {"batches": 1000, "frames": "noise"}
        await pilot.press("k", "r")
        await pilot.pause()
        run = bench(app).started[-1]
        assert run.spec.knobs == {"batches": 1000, "frames": "noise"} and not run.spec.settles
        write(run, started(run), *points(range(0, 101, 10)))
        assert "exploring, does not count" in await look(app, pilot)
        write(run, *finished(run))
        text = await look(app, pilot)
        assert lab(app).view.phase == "verdict" and "does not count" in text
        assert "hit" not in text
        assert app.progress.events() == before


async def test_left_and_d_turn_a_knob_back(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        open_lab(app)
        await pilot.pause()
        await pilot.press("2", "4", "k", "right")
        await pilot.pause()
        assert lab(app).view.values["batches"] == 1000 and "registered: 100" in screen_text(app)
        await pilot.press("left", "left")
        await pilot.pause()
        assert lab(app).view.values["batches"] == 10
        await pilot.press("d", "enter")
        await pilot.pause()
        assert not lab(app).view.turned and isinstance(app.screen, LabScreen)


async def test_a_run_again_needs_no_new_bet(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        await to_verdict(app, pilot)
        await pilot.press("r")
        await pilot.pause()
        run = bench(app).started[-1]
        assert len(bench(app).started) == 2 and lab(app).view.phase == "live"
        write(run, started(run), *points(range(0, 101, 10)), *finished(run))
        text = await look(app, pilot)
        assert lab(app).view.phase == "verdict" and "only that one counts" in text
        results = [event for event in app.progress.events() if isinstance(event, Result)]
        assert [result.points is None for result in results] == [False, True]
        assert sum(isinstance(event, Bet) for event in app.progress.events()) == 1


async def test_s_stops_and_plus_asks_for_seeds(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points([0, 5]))
        await look(app, pilot)
        await pilot.press("plus", "s")
        await app.workers.wait_for_complete()
        assert bench(app).more == [(run, 2)] and bench(app).stopped == [run]
        write(run, End(t=1.0, status="stopped", seconds=1.0))
        text = await look(app, pilot)
        assert lab(app).view.phase == "broken" and "Stopped before anything was measured" in text
        await pilot.press("r")  # the same bet holds
        await pilot.pause()
        assert len(bench(app).started) == 2 and bench(app).started[1].id != run.id


async def test_more_seeds_after_the_verdict_go_on_with_the_run(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await to_verdict(app, pilot)
        await pilot.press("plus")
        await app.workers.wait_for_complete()
        assert bench(app).more == [(run, 2)]
        write(run, started(run, t=5.0), learner.more_seeds(run))
        await look(app, pilot)
        assert lab(app).view.phase == "live"


async def test_a_failed_run_says_why_and_offers_its_log(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await bet_and_run(app, pilot)
        error = LabProblem("experiment-raised", lab="blank_frames", error="ValueError: boom")
        run.log_file.write_text("Traceback (most recent call last):\nValueError: boom\n", encoding="utf-8")
        write(run, started(run), End(t=1.0, status="failed", seconds=1.0, error=str(error)))
        text = await look(app, pilot)
        assert "The lab failed." in text and str(error)[:40] in text and "ValueError: boom" in text
        await pilot.press("o")
        await pilot.pause()
        assert type(app.screen).__name__ == "LogScreen"


async def test_a_run_whose_process_is_gone_is_shown_as_interrupted(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points([0, 5, 10]))
        await look(app, pilot)
        learner.take_up(run, pid=2**22 + 1)  # beyond any process id
        text = await look(app, pilot)
        assert lab(app).view.phase == "broken" and "interrupted" in text and "r runs it again" in text


async def test_a_diverged_arm_is_named(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(120, 30)) as pilot:
        run = await bet_and_run(app, pilot)
        broken = [
            learner.Point(
                t=1.0,
                arm="train",
                step=step,
                of=100,
                series={"accuracy": learner.spread(value, 0.0, n)},
                seeds_in_view=4,
            )
            for step, value, n in ((0, 98.0, 4), (10, 50.0, 4), (20, float("nan"), 0))
        ]
        write(run, started(run), *broken)
        text = await look(app, pilot)
        assert "a × diverged at step 20" in text and "×a" in text


async def test_a_lab_that_is_gone_says_so_and_leads_back(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        app.open_lab("nothing")
        await pilot.pause()
        await pilot.pause()
        assert not isinstance(app.screen, LabScreen)


async def test_the_bench_tells_where_every_lab_stands(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 24)) as pilot:
        await pilot.press("b")
        await pilot.pause()
        assert "What blank frames change  E1.7 E1.6  about 4 s  no bet yet" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("2", "4", "q")
        await pilot.pause()
        assert "bet locked" in screen_text(app)
        await pilot.press("enter", "r")
        await pilot.pause()
        run = bench(app).started[-1]
        write(run, started(run), *points(range(0, 51, 10)))
        await pilot.press("q")
        await pilot.pause()
        assert "running 50%" in screen_text(app)
        write(run, *finished(run))
        await pilot.press("enter", "q")
        await pilot.pause()
        assert "result to read" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press("2", "q")
        await pilot.pause()
        assert "E1.7 ✗ E1.6 ✓" in screen_text(app) and "settled" in screen_text(app)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12), (20, 5), (6, 3), (1, 1)])
async def test_a_lab_survives_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=size) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 51, 5)))
        await look(app, pilot)
        for width, height in ((80, 24), (30, 8), size):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
        write(run, *points(range(55, 101, 5)), *finished(run))
        await look(app, pilot)
        await pilot.press("v", "v", "2", "k", "down", "right", "k", "end", "home")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert lab(app).view.phase == "verdict"


async def test_an_idle_lab_reads_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await to_verdict(app, pilot)
        screen = lab(app)
        assert screen._timer is not None and not screen._timer._active.is_set()
        assert screen._eager is not None and not screen._eager._active.is_set()


async def test_a_live_lab_looks_like_this_in_chinese(tmp_path: Path) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=(90, 16)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 61, 3)))
        text = await look(app, pilot)
        lines = text.split("\n")
        assert "\n".join([*lines[:2], *lines[3:]]) == SNAPSHOT_ZH  # the third line tells the time


SNAPSHOT_ZH = """\
 torchproof  喂空白帧，会改变什么                                               E1.7 E1.6
 a 训练模式 train()   b 评估模式 eval()
 测试准确率 %      a 53.4 ±6.4   b 98.0 ±0.4  滑动均值的偏移        a 1.80 ±0.18   b 0.00
  100┤⠶⡖⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒⠒b⠒⠒⠒⠒⠒⠒⠒⠒b                    2┤                    ⠄⠂
     │ ⠉⠧⣄                                        │                  ⠄⣡⠴⠋a
     │   ⠈a⠳⢤⡀                                    │                ⠄⡥⠏⡁⠂⠁
     │       ⠉⠓⠒⠦⣄⣂⣀⠄⠄⡀⡀⡀⡀                        │              ⢤⠵⡋⠅⠁
     │            ⠂⠈⠍⠝⡒⡒⠲⠤⠥⠥a                     │            ⣢⠽⠍⠂
     │                  ⠁⠁⠁⠂                      │         ⢠⠴⠋⠃⠁
     │                                            │       ⣠⠼⠉
     │                                            │     ⡤⠏⠁
     │                                            │  ⣠⠴a⠁
    0┤                                           0┤⣤⣏⣁⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀b⣀⣀⣀⣀⣀⣀⣀⣀b
      0                50              100         0                50              100
 s 停止  + 增加种子  o 日志  l EN  ? 帮助  q 返回"""


# ---- a bet outlives its run


async def stop_and_run_again(app: TorchproofApp, pilot: Pilot[None]) -> tuple[Run, Run]:
    """The run that the bet names is stopped; the next one finishes. Neither has been read."""
    first = await bet_and_run(app, pilot)
    write(first, started(first), *points([0, 5]), End(t=1.0, status="stopped", seconds=1.0))
    await look(app, pilot)
    await pilot.press("r")
    await pilot.pause()
    second = bench(app).started[-1]
    write(second, started(second), *points(range(0, 101, 10)), *finished(second))
    await pilot.press("q")
    await pilot.pause()
    return first, second


async def test_a_bet_carries_over_to_the_next_run_on_every_page(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        first, second = await stop_and_run_again(app, pilot)
        assert waiting(app.unread(), [second, first]) == [second]
        assert waiting(app.unread(), [first, second]) == [second]
        screen = open_lab(app)
        await pilot.pause()
        assert screen.view.run == second and screen.view.phase == "readout"
        await pilot.press("2")
        await pilot.pause()
        assert screen.view.phase == "verdict" and screen.view.outcome is not None
        bet, _, result = app.progress.events()
        assert isinstance(bet, Bet) and isinstance(result, Result)
        assert bet.run == first.id and result.run == second.id and result.points is not None
        assert app.unread() == {}
        assert fold(app.progress.events(), app.bank).open_bets() == []
        assert fold(app.progress.events(), app.bank).tracks["E1.7"].answers == 1


async def test_a_waiting_result_shows_on_the_bench_though_a_later_run_was_stopped(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 44)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 101, 10)), *finished(run))
        later = make_run(app)
        write(later, started(later), End(t=1.0, status="stopped", seconds=1.0))
        done, stopped = (
            RunView(each, status, 1.0, None) for each, status in ((run, "done"), (later, "stopped"))
        )
        log, lab_read = app.progress.events(), app.catalog.labs["blank_frames"]
        word = bench_state(app, lab_read, [stopped, done], log)
        assert word.plain == app.tr("lab.state_waiting")
        await pilot.press("q")


async def test_a_bet_locked_in_another_window_is_not_asked_for_again(tmp_path: Path) -> None:
    one, two = make_app(tmp_path), make_app(tmp_path)
    two.progress.events()  # read before the other window writes
    async with one.run_test(size=(100, 30)) as pilot:
        await bet_and_run(one, pilot)
    async with two.run_test(size=(100, 30)) as pilot:
        assert open_lab(two).view.phase == "live"
        await pilot.pause()


async def test_coming_back_from_help_draws_what_has_come_meanwhile(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 30)) as pilot:
        run = await bet_and_run(app, pilot)
        write(run, started(run), *points(range(0, 21, 5)))
        await look(app, pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        write(run, *points(range(25, 51, 5)))
        await pilot.press("q")
        await pilot.pause()
        assert "step 50 of 100" in await look(app, pilot)
        await pilot.press("question_mark")
        await pilot.pause()
        write(run, *points(range(55, 101, 5)), *finished(run))
        await pilot.press("q")
        await pilot.pause()
        assert lab(app).view.phase == "readout"

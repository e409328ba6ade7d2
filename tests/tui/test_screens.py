"""FAQ, progress, settings, runs, help and log: what they show, what they hold back, which keys work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from markup_strings import STRINGS
from small_app import NOW, MakeApp, MakeRun, opened, screen_text

from labs.catalog import Catalog
from labs.journal import Log
from questions.catalog import Bank, Claim, Text
from questions.progress import Answer, Bet, Event, Progress, Result
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.screens.card import CardScreen
from tui.screens.faq import ClaimScreen, ClaimsScreen, FaqScreen
from tui.screens.help import HelpScreen
from tui.screens.page import Ask
from tui.screens.runs import LogScreen, RunsScreen
from tui.screens.settings import SettingsScreen
from tui.screens.today import TodayScreen
from tui.settings import load
from tui.widgets.choices import Menu

SIZES = [(80, 24), (120, 36), (40, 12), (20, 5)]


def answer(claim: str = "E1.1", *, ok: bool = True, p: float = 0.9) -> Answer:
    number = claim[-1]
    option, belief = ("none", None) if ok else ("all", "weights-move")
    return Answer(
        claim=claim,
        item=f"q{number}",
        kind="choice",
        option=option,
        p=p,
        ok=ok,
        chance=1 / 3,
        misconception=belief,
    )


def record(paths: Paths, *events: Event, at: datetime = NOW) -> None:
    progress = Progress(paths.events, host="other", pid=1, now=lambda: at)
    for event in events:
        progress.record(event)
    progress.close()


# every page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_fits_every_window_and_leads_back(
    make_app: MakeApp, make_run: MakeRun, lang: Lang, size: tuple[int, int]
) -> None:
    make_run.done()
    app = make_app(lang)
    record(app.paths, answer())
    async with app.run_test(size=size) as pilot:
        for key in ("f", "p", "s", "r", "question_mark"):
            page = await opened(pilot, key)
            for _ in LANGUAGES:
                lines = screen_text(app).splitlines()
                assert len(lines) == size[1]
                assert page.heading() in lines[0]
                assert "q" in lines[-1]
                await pilot.press("l")
                await pilot.pause()
            await pilot.press("q")
            await pilot.pause()
            assert isinstance(app.screen, TodayScreen)


@pytest.mark.parametrize("key", ["escape", "left", "backspace", "q"])
async def test_any_of_four_keys_leads_back(make_app: MakeApp, key: str) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "p")
        await pilot.press(key)
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)


@pytest.mark.parametrize("key", ["f", "p", "s", "r"])
async def test_a_window_that_became_too_small_says_so_and_recovers(make_app: MakeApp, key: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, key)
        for size in ((19, 24), (80, 4), (1, 1), (2, 3), (10, 3)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert app.screen.has_class("-too-small")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert not app.screen.has_class("-too-small")
        assert "torchproof" in screen_text(app).splitlines()[0]


# help


async def test_help_lists_the_keys_of_the_page_it_was_opened_from(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 60)) as pilot:
        page = await opened(pilot, "r", "question_mark")
        assert isinstance(page, HelpScreen)
        text = screen_text(app)
        for key, label in (("enter", "open"), ("s", "stop"), ("o", "log"), ("?", "help"), ("q", "back")):
            assert any(line.split() == [key, label] for line in text.splitlines())
        assert "10 × (2·o·p − p²)" in text
        await pilot.press("question_mark")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)


# FAQ


async def test_the_verdict_of_a_claim_is_held_back_until_it_was_answered(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 30)) as pilot:
        page = await opened(pilot, "f", "enter", "enter")
        assert isinstance(page, ClaimScreen)
        assert "Claim 1: eval() changes weights." in screen_text(app)
        for held_back in ("false", "Reason 1", "torch.nn source 1"):
            assert held_back not in screen_text(app)
        assert "show once you have answered" in screen_text(app)
        app.progress.record(answer("E1.1", ok=False))
        page.relabel()
        await pilot.pause()
        for shown in (
            "Verdict: false",
            "Reason 1: only buffers change.",
            "torch.nn source 1",
            "right on 0 of 1 day",
        ):
            assert shown in screen_text(app)
        assert "a forward pass moves weights" in screen_text(app)


async def test_only_the_answered_claim_is_revealed(make_app: MakeApp) -> None:
    app = make_app()
    record(app.paths, answer("E1.1"))
    async with app.run_test(size=(120, 30)) as pilot:
        page = await opened(pilot, "f", "enter")
        assert isinstance(page, ClaimsScreen)
        assert "Reason 1" in screen_text(app)
        await pilot.press("down")
        await pilot.pause()
        assert "Reason 1" not in screen_text(app)
        assert "Reason 2" not in screen_text(app)


async def test_a_narrow_window_tells_of_a_claim_on_a_page_of_its_own(make_app: MakeApp) -> None:
    app = make_app()
    record(app.paths, answer("E1.1"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter")
        assert "Reason 1" not in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "Reason 1" in screen_text(app)
        await pilot.press("q", "q", "q")
        await pilot.pause()
        assert isinstance(app.screen, TodayScreen)


async def test_a_claim_names_its_labs_and_whether_the_faq_makes_it(make_app: MakeApp) -> None:
    app = make_app("zh")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter", "enter")
        assert "样例实验" in screen_text(app)
        assert "打开实验" in screen_text(app).splitlines()[-1]
        await pilot.press("q", "end", "enter")
        await pilot.pause()
        assert "由 torchproof 补充" in screen_text(app).replace("\n", "")
        assert isinstance(app.screen, ClaimScreen)
        assert "打开实验" not in screen_text(app).splitlines()[-1]


async def test_an_entry_shows_a_mark_for_each_claim(make_app: MakeApp) -> None:
    app = make_app()
    record(app.paths, answer("E1.2"))
    async with app.run_test() as pilot:
        page = await opened(pilot, "f")
        assert isinstance(page, FaqScreen)
        assert "○◐○" in screen_text(app)


async def test_an_entry_without_claims_opens_an_empty_page_that_says_so(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "f", "down", "enter")
        assert "no questions yet" in screen_text(app)
        await pilot.press("enter", "down")
        assert app.crash is None


async def test_claims_show_as_they_are_written(make_app: MakeApp, bank: Bank) -> None:
    texts = [text for text in STRINGS if "`" not in text]
    claims = {
        f"E1.{n}": Claim(
            id=f"E1.{n}",
            entry="E1",
            order=n,
            text=Text(text, text),
            verdict="true",
            why=Text(text, text),
            source=text,
        )
        for n, text in enumerate(texts)
    }
    strange = Bank(entries=bank.entries, claims=claims, by_claim=dict.fromkeys(claims, ()))
    app = make_app()
    vars(app)["bank"] = strange
    async with app.run_test(size=(110, 60)) as pilot:
        await opened(pilot, "f", "enter")
        for text in texts:
            assert text in screen_text(app)


# progress


async def test_progress_without_answers_says_how_to_begin(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "p")
        assert "press enter" in screen_text(app)
        assert "%" not in screen_text(app)


async def test_progress_counts_answers_bets_and_days(make_app: MakeApp, paths: Paths) -> None:
    record(paths, answer("E1.1"), answer("E1.2", ok=False), at=NOW - timedelta(days=1))
    record(paths, answer("E1.3"), Bet(lab="sample", claim="E1.1", band=0, bands=3, p=0.5, run="r"))
    app = make_app()
    async with app.run_test(size=(90, 50)) as pilot:
        await opened(pilot, "p")
        text = screen_text(app)
        assert "3 questions answered, 2 right (67%); 1 bet" in text
        assert "Answers on 2 days, the last 2 in a row." in text
        await pilot.press("4")
        await pilot.pause()
        rows = [line.split() for line in screen_text(app).splitlines() if "2026-11-2" in line]
        assert rows == [
            ["2026-11-24", "Tue", "1", "1", "1", "·", "□"],
            ["2026-11-23", "Mon", "2", "1", "·", "·", "□□"],
        ]


async def test_a_level_with_few_answers_is_not_judged(make_app: MakeApp, paths: Paths) -> None:
    for n in range(9):
        record(paths, answer("E1.1", ok=False, p=0.9), at=NOW - timedelta(days=20 - n))
    app = make_app()
    async with app.run_test(size=(90, 50)) as pilot:
        page = await opened(pilot, "p", "2")
        row = next(line for line in screen_text(app).splitlines() if line.split()[:2] == ["90%", "9"])
        assert "not enough answers" in row
        record(paths, answer("E1.1", ok=False, p=0.9))
        app.progress.refresh()
        page.relabel()
        await pilot.pause()
        row = next(line for line in screen_text(app).splitlines() if line.split()[:2] == ["90%", "10"])
        assert row.split()[2:] == ["0%", "0%", "…", "28%", "overconfident"]
        assert "90 percentage points above" in screen_text(app)


# settings


async def test_a_change_holds_at_once_and_is_kept(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "s", "down")
        assert "(●) 15" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "(●) 25" in screen_text(app)
        assert app.settings.minutes == 25
        assert load(app.paths.settings)[0].minutes == 25
        await pilot.press("right")
        await pilot.pause()
        assert "(●) 5" in screen_text(app)


async def test_the_language_is_a_setting_too(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test() as pilot:
        page = await opened(pilot, "s", "enter")
        assert isinstance(page, SettingsScreen)
        assert "(●) 中文" in screen_text(app)
        assert page.heading() == "设置"
        assert load(app.paths.settings)[0].language == "zh"


async def test_a_theme_shows_at_once(make_app: MakeApp) -> None:
    app = make_app(theme="dark")
    async with app.run_test() as pilot:
        await opened(pilot, "s", "down", "down", "down", "enter")
        assert app.theme == "torchproof-light"
        await pilot.press("enter", "enter")
        assert app.theme == "torchproof-terminal"


async def test_a_device_named_in_the_file_stands_beside_the_usual_ones(make_app: MakeApp) -> None:
    app = make_app(device="cuda:1")
    async with app.run_test() as pilot:
        await opened(pilot, "s")
        assert "(●) cuda:1  ( ) auto" in screen_text(app)


async def test_settings_that_cannot_be_saved_hold_until_the_end_and_say_so(
    make_app: MakeApp, paths: Paths
) -> None:
    paths.config.write_text("a file where the folder should be", "utf-8")
    app = make_app()
    async with app.run_test(notifications=True) as pilot:
        await opened(pilot, "s", "down", "enter")
        assert app.settings.minutes == 25
        await pilot.pause()
        assert str(paths.config) in " ".join(notice.message for notice in app._notifications)


async def test_the_page_says_where_things_are_kept(make_app: MakeApp, paths: Paths) -> None:
    app = make_app()
    async with app.run_test(size=(200, 24)) as pilot:
        await opened(pilot, "s")
        for path in (paths.settings, paths.events, paths.runs):
            assert str(path) in screen_text(app)


# runs


async def test_runs_show_their_state_lab_device_and_age(make_app: MakeApp, make_run: MakeRun) -> None:
    make_run(make_run.start(), lost=True, at=NOW - timedelta(days=3))
    make_run.done(steps=5, at=NOW - timedelta(hours=2))
    make_run(make_run.start(), *make_run.half(), alive=True, at=NOW - timedelta(minutes=4))
    app = make_app()
    async with app.run_test(size=(100, 24)) as pilot:
        page = await opened(pilot, "r")
        assert isinstance(page, RunsScreen)
        rows = [line for line in screen_text(app).splitlines() if "A sample lab" in line]
        for row, words in zip(
            rows,
            (("running", "50%", "4 min ago"), ("done", "own knobs", "2 h ago"), ("interrupted", "3 d ago")),
            strict=True,
        ):
            assert all(word in row for word in (*words, "cpu"))
        assert "3 in all" in screen_text(app).splitlines()[0]


async def test_a_verdict_is_hidden_until_it_was_read_in_the_lab(make_app: MakeApp, make_run: MakeRun) -> None:
    run = make_run.done(verdict="refuted")
    app = make_app()
    async with app.run_test() as pilot:
        page = await opened(pilot, "r")
        assert isinstance(page, RunsScreen)
        assert "bet first" in screen_text(app)
        assert "refuted" not in screen_text(app)
        app.progress.record(Bet(lab="sample", claim="E1.1", band=0, bands=3, p=0.5, run=run.id))
        page.show()
        await pilot.pause()
        assert "to be read" in screen_text(app)
        assert "refuted" not in screen_text(app)
        app.progress.record(Result(lab="sample", run=run.id, claim="E1.1", band=0))
        page.show()
        await pilot.pause()
        assert "refuted" in screen_text(app)


async def test_stopping_a_run_asks_first(make_app: MakeApp, make_run: MakeRun, stopped: list[str]) -> None:
    run = make_run(make_run.start(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "r")
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(app.screen, Ask)
        await pilot.press("escape")
        await pilot.pause()
        assert stopped == []
        await pilot.press("s")
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert stopped == [run.id]


async def test_a_run_that_has_ended_is_not_stopped(
    make_app: MakeApp, make_run: MakeRun, stopped: list[str]
) -> None:
    make_run.done()
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "r", "s")
        assert isinstance(app.screen, RunsScreen)
        assert stopped == []


async def test_enter_opens_the_lab_with_this_run(
    make_app: MakeApp, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run.done(at=NOW - timedelta(hours=2))
    newest = make_run.done()
    calls: list[tuple[str, str]] = []
    app = make_app()
    monkeypatch.setattr(app, "open_lab", lambda lab, *, run: calls.append((lab, run.id)))
    async with app.run_test() as pilot:
        await opened(pilot, "r", "enter")
        assert calls == [("sample", newest.id)]


async def test_a_run_of_a_lab_that_is_gone_still_has_a_log(
    make_app: MakeApp, make_run: MakeRun, catalog: Catalog
) -> None:
    run = make_run.done(Log(t=1.0, level="info", text="hello"))
    run.log_file.write_text("\n".join(STRINGS), "utf-8")
    catalog.labs.clear()
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "r", "enter")
        assert isinstance(app.screen, RunsScreen)
        await pilot.press("o")
        await pilot.pause()
        assert isinstance(app.screen, LogScreen)
        for text in STRINGS:
            assert text in screen_text(app)


async def test_the_list_follows_new_runs_and_keeps_the_cursor_on_its_run(
    make_app: MakeApp, make_run: MakeRun
) -> None:
    old = make_run.done(at=NOW - timedelta(hours=3))
    make_run.done(at=NOW - timedelta(hours=2))
    app = make_app()
    async with app.run_test() as pilot:
        page = await opened(pilot, "r", "down")
        assert isinstance(page, RunsScreen)
        make_run(make_run.start(), alive=True)
        page._look()
        assert len(page.views) == 3
        assert page.query_one(Menu).cursor == 2
        assert page.views[2].run.id == old.id


async def test_a_run_that_ends_while_one_looks_is_shown_as_done(make_app: MakeApp, make_run: MakeRun) -> None:
    from labs.journal import End, Writer

    run = make_run(make_run.start(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        page = await opened(pilot, "r")
        assert isinstance(page, RunsScreen)
        assert "running" in screen_text(app)
        Writer(run).write(End(t=2.0, status="failed", seconds=2.0, error="x"))
        page._look()
        await pilot.pause()
        assert "✗ failed" in screen_text(app)


async def test_any_claim_can_be_asked_out_of_turn_and_leads_back(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "enter", "down", "a")
        assert isinstance(app.screen, CardScreen)
        assert app.screen.question.claim == "E1.2"
        await pilot.press("0", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ClaimsScreen)
        await pilot.press("enter")
        await pilot.pause()
        assert "Reason 2" in screen_text(app)
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, CardScreen)
        assert [event.item for event in app.progress.events() if isinstance(event, Answer)] == ["q2"]

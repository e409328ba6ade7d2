"""Today says what there is to do, how things stand and what runs, in any window and either language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from markup_strings import STRINGS
from small_app import NOW, MakeApp, MakeRun, screen_text

from questions.progress import Answer, Bet, Result
from tui.app import TorchproofApp
from tui.i18n import LANGUAGES, Lang, Translator
from tui.screens.today import TodayScreen
from tui.widgets.board import Board, EntryLine, LabLine, Offer, Overview, PlanLine, board, time_left

FULL = Overview(
    PlanLine(minutes=12, due=3, new=5, cards=8),
    (
        EntryLine("E1", "训练模式与评估模式", ("holding", "learning", "unseen", "unseen"), due=2),
        *(EntryLine(f"E{n}", f"Entry {n}", ()) for n in range(2, 9)),
    ),
    (LabLine("Batch composition", 62, 8), LabLine("Dropout scaling", 0, None)),
    ("Frames of nothing",),
    1,
)


def lines(view: Overview, width: int, height: int, lang: Lang = "en") -> list[str]:
    return [line.plain for line in board(view, Translator(lang), width, height)]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    "view",
    [
        Overview(),
        FULL,
        FULL._replace(plan=PlanLine(left=4)),
        FULL._replace(entries=()),
        FULL._replace(offer=Offer(None, 20, 8)),
        FULL._replace(offer=Offer(3, 20, 8), running=(), waiting=()),
    ],
)
def test_no_line_is_wider_than_the_window(view: Overview, lang: Lang) -> None:
    for width in (*range(1, 60), 78, 118, 300):
        for line in board(view, Translator(lang), width, 10):
            assert line.cell_length <= max(width, 2)


def test_everything_fits_a_usual_window_with_room_between() -> None:
    shown = lines(FULL, 78, 22)
    assert len(shown) <= 22
    assert shown[0] == ""
    assert "About 12 min: 3 due, 5 new" in shown
    assert any("●◐○○" in line and "2 due" in line for line in shown)
    assert any("62%" in line and "8 s left" in line for line in shown)
    assert any("Frames of nothing" in line and "result to read" in line for line in shown)


def test_a_low_window_drops_blank_lines_and_headings_before_entries() -> None:
    shown = lines(FULL._replace(running=(), waiting=(), lost=0), 38, 10)
    assert len(shown) == 10
    assert "" not in shown
    assert [line[:2] for line in shown[2:]] == [f"E{n}" for n in range(1, 9)]


def test_what_runs_comes_before_the_entries_where_not_all_fits() -> None:
    shown = lines(FULL, 18, 3)
    assert shown.index(next(line for line in shown if line.startswith("▸"))) < shown.index(
        next(line for line in shown if line.startswith("E1"))
    )


@pytest.mark.parametrize(
    ("plan", "said", "enter"),
    [
        (PlanLine(minutes=6, new=6, cards=6, fresh=True), "About 6 min: 6 new", "answer first"),
        (PlanLine(minutes=6, due=6, cards=6), "About 6 min: 6 due", "start"),
        (PlanLine(minutes=3, cards=2), "About 3 min: 2 labs on what you missed", "start"),
        (
            PlanLine(minutes=9, due=4, new=1, cards=6),
            "About 9 min: 4 due, 1 new, 1 lab on what you missed",
            "start",
        ),
        (PlanLine(left=1), "1 card left", "go on"),
        (PlanLine(left=3), "3 cards left", "go on"),
        (PlanLine(tomorrow=9, more=True), "about 9 min tomorrow", "a few more"),
        (PlanLine(), "nothing is due tomorrow", None),
        (PlanLine(idle=True, tomorrow=2), "Nothing is due today; about 2 min tomorrow", None),
        (PlanLine(idle=True), "Nothing is due today or tomorrow", None),
        (PlanLine(fresh=True), "no questions yet", None),
    ],
)
def test_the_first_line_says_what_enter_will_do(plan: PlanLine, said: str, enter: str | None) -> None:
    shown = lines(Overview(plan), 78, 22)
    assert any(said in line for line in shown)
    hint = next((line for line in shown if line.startswith("enter ")), None)
    assert (hint is None) == (enter is None)
    assert enter is None or (hint is not None and enter in hint)


def test_the_marks_of_all_entries_line_up_however_long_the_words() -> None:
    crowded = EntryLine("E2", "Crowded", ("holding",) * 12 + ("learning",) * 15, due=10)
    shown = lines(Overview(PlanLine(), (crowded, EntryLine("E3", "Quiet", ("unseen",) * 4))), 78, 22)
    ends_at = [max(map(line.rfind, "●◐○")) for line in shown if line[:2] in ("E2", "E3")]
    assert ends_at[0] == ends_at[1]


@pytest.mark.parametrize(
    ("offer", "said", "no"),
    [
        (Offer(None, 20, 8), "t placement, at most 20 questions or 8 minutes", "n no, thanks"),
        (Offer(0, 20, 8), "t go on with the placement: 0 of at most 20 asked", "n no, thanks"),
        (Offer(3, 20, 8), "t go on with the placement: 3 of at most 20 asked", "n end it"),
    ],
)
def test_a_placement_has_a_line_of_its_own_where_there_is_room(offer: Offer, said: str, no: str) -> None:
    shown = lines(FULL._replace(offer=offer), 78, 22)
    (line,) = [line for line in shown if line.startswith("t ")]
    assert said in line and line.endswith(no)
    assert "enter start" in shown


def test_a_low_window_names_a_placement_in_the_line_of_enter() -> None:
    for lang, said in (
        ("en", "enter start  t placement  n no, thanks"),
        ("zh", "enter 开始  t 摸底  n 不用"),
    ):
        plan = PlanLine(minutes=6, new=6, cards=6, fresh=True)
        view = Overview(plan, FULL.entries, offer=Offer(None, 20, 8))
        shown = lines(view, 38, 10, lang)  # type: ignore[arg-type]
        assert len(shown) == 10
        assert shown[1] == said


def test_an_entry_says_it_in_words_too_and_says_when_it_has_nothing() -> None:
    shown = lines(FULL, 78, 22)
    assert any("2 due, 1 holding, 1 learning" in line for line in shown)
    assert sum("no questions yet" in line for line in shown) == 7


@pytest.mark.parametrize(
    ("seconds", "said"), [(None, ""), (0.4, ""), (1.2, "1 s left"), (99, "99 s left"), (100, "2 min left")]
)
def test_the_time_left_is_said_in_seconds_or_minutes(seconds: float | None, said: str) -> None:
    assert time_left(Translator("en"), seconds) == said


@pytest.mark.parametrize("text", STRINGS)
def test_titles_show_as_they_are_written(text: str) -> None:
    view = Overview(PlanLine(), (EntryLine("E1", text, ("unseen",)),), (LabLine(text, 1, 1),), (text,))
    assert sum(text in line for line in lines(view, 120, 30)) == 3


# the page itself


def today(app: TorchproofApp) -> TodayScreen:
    assert isinstance(app.screen, TodayScreen)
    return app.screen


async def loaded(app: TorchproofApp, pilot: object) -> None:
    """Until the page has read everything."""
    while not today(app).loaded:
        assert app.crash is None
        await pilot.pause()  # type: ignore[attr-defined]
    await app.workers.wait_for_complete()
    await pilot.pause()  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", [(80, 24), (120, 36), (40, 12), (20, 5)])
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_it_shows_the_plan_in_every_window(
    make_app: MakeApp, lang: Lang, size: tuple[int, int]
) -> None:
    app = make_app(lang)
    async with app.run_test(size=size) as pilot:
        await loaded(app, pilot)
        text = screen_text(app)
        assert ("分钟" if lang == "zh" else "min") in text
        assert "enter" in text.splitlines()[-1]
        assert "q" in text.splitlines()[-1]
        assert len(text.splitlines()) == size[1]


async def test_the_frame_is_there_before_anything_is_read(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test():
        assert "bank" not in vars(app) or today(app).loaded
        assert "torchproof  Today" in screen_text(app).splitlines()[0]
        assert "enter" in screen_text(app).splitlines()[-1]


async def test_the_language_switches_at_once_and_is_kept(make_app: MakeApp) -> None:
    app = make_app("en")
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        await pilot.press("l")
        await pilot.pause()
        assert "八个条目" in screen_text(app)
        assert "帮助" in screen_text(app)
        assert 'language = "zh"' in app.paths.settings.read_text("utf-8")
        await pilot.press("l")
        await pilot.pause()
        assert "The eight entries" in screen_text(app)


async def test_a_lab_that_runs_is_shown_with_its_progress(make_app: MakeApp, make_run: MakeRun) -> None:
    make_run(make_run.start(), *make_run.half(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        assert "▸ A sample lab" in screen_text(app)
        assert "50%" in screen_text(app)


async def test_nothing_is_drawn_while_nothing_changes(make_app: MakeApp, make_run: MakeRun) -> None:
    make_run(make_run.start(), *make_run.half(), alive=True)
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        page = today(app)
        assert page.run_watch is not None
        page.run_watch.clock = lambda: NOW.timestamp()
        page._look()
        before = page.query_one(Board).view
        page._look()
        assert page.query_one(Board).view is before


async def test_a_lost_run_is_told_of_for_a_day(make_app: MakeApp, make_run: MakeRun) -> None:
    make_run(make_run.start(), lost=True)
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        assert "1 interrupted; press r" in screen_text(app)
    app = make_app(now=NOW + timedelta(days=2))
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        assert "interrupted" not in screen_text(app)


async def test_a_result_waits_from_the_bet_until_it_is_read(make_app: MakeApp, make_run: MakeRun) -> None:
    run = make_run.done()
    app = make_app()
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        assert "result to read" not in screen_text(app)
        app.progress.record(Bet(lab="sample", claim="E1.1", band=0, bands=3, p=0.5, run=run.id))
        today(app).show()
        await pilot.pause()
        assert "✓ A sample lab" in screen_text(app)
        assert "result to read" in screen_text(app)
        app.progress.record(Result(lab="sample", run=run.id, claim="E1.1", band=0))
        today(app).show()
        await pilot.pause()
        assert "result to read" not in screen_text(app)


async def test_no_more_is_called_due_than_the_plan_holds(make_app: MakeApp) -> None:
    before = make_app(now=NOW - timedelta(days=40))
    for n in (1, 2, 3):
        answer = Answer(
            claim=f"E1.{n}", item=f"q{n}", kind="choice", option="none", p=0.9, ok=True, chance=1 / 3
        )
        before.progress.record(answer)
    app = make_app(minutes=1)
    async with app.run_test() as pilot:
        await loaded(app, pilot)
        text = screen_text(app)
        assert "1 due" in text.split("The eight entries")[0]
        assert "1 due, 3 learning" in text
        await pilot.press("enter", "1", "1", "q")
        await pilot.pause()
        assert "due" not in screen_text(app)


async def test_answers_of_another_window_show_when_one_comes_back(make_app: MakeApp) -> None:
    one, two = make_app(), make_app()
    async with one.run_test() as pilot:
        await loaded(one, pilot)
        assert "○○○" in screen_text(one)
        await pilot.press("s")
        two.progress.record(
            Answer(claim="E1.1", item="q1", kind="choice", option="none", p=0.9, ok=True, chance=1 / 3)
        )
        await pilot.press("q")
        await pilot.pause()
        assert "◐○○" in screen_text(one)


async def test_the_machine_is_named_in_the_title(make_app: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    from labs import hardware

    card = hardware.Gpu(index=0, uuid="GPU-1", name="NVIDIA H100 80GB HBM3", total_mb=81920, free_mb=72704)
    monkeypatch.setattr(hardware, "describe", lambda: hardware.Hardware(cores=8, gpus=(card,)))
    for lang, said in (("en", "H100, 71 of 80 GB free"), ("zh", "H100，空闲 71 / 80 GB")):
        app = make_app(lang)
        async with app.run_test() as pilot:
            await loaded(app, pilot)
            assert said in screen_text(app).splitlines()[0]

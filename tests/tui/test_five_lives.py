"""Five lives through the real app, by keys, with the shipped bank and labs: what each learner is shown makes sense, in
both languages."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from answering import Knower, Learner, Misled, Ordinary
from lives import MINUTES, Clock, Life, ended, press
from textual.pilot import Pilot

from labs import hardware
from questions import mastery
from questions.plan import Ask, Wager
from questions.rests import is_leech
from tui.progresswords import SECTIONS
from tui.screens.card import CardScreen
from tui.screens.done import DoneScreen
from tui.screens.lab import LabScreen

START = datetime(2026, 3, 2, 19, 30, tzinfo=timezone(timedelta(hours=8)))  # a Monday
PRAISE = re.compile("✓ Right|✓ Read right|✓ hit|答对了|读对了|押中")
NONSENSE = (
    re.compile(r"Traceback|\b(shell|card|lab)\.[a-z]+_"),
    re.compile(
        r"\b(in|for|Answers on|rests,|paused,) 1 days"
        r"|(?<![\d.])1 (cards|days|labs|points|bits|bets|reviews|questions)\b"
    ),
    re.compile(r"\b0 (min|cards|due|new|in a row)\b|(?<!\d)0 (分钟|张|条)"),
)


@pytest.fixture(autouse=True)
def _any_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same machine everywhere, and a pilot that waits 2 ms instead of 20 for the app to fall idle after a key."""
    monkeypatch.setattr(hardware, "describe", lambda: hardware.Hardware(cores=8, gpus=()))
    monkeypatch.setattr("textual._wait.SLEEP_GRANULARITY", 1 / 500)


def born(name: str, home: Path, learner: Learner) -> Life:
    return Life(name, home, learner, Clock(START))


async def keep_progress(life: Life, pilot: Pilot[None], moment: str) -> None:
    """The sections of the progress page, and back to Today."""
    await press(pilot, "p")
    for n, name in enumerate(SECTIONS, 1):
        await press(pilot, str(n))
        await life.keep(pilot, f"{moment}-progress-{n}-{name}")
    await press(pilot, "q")


async def keep_entry(life: Life, pilot: Pilot[None], claim: str, moment: str) -> dict[str, str]:
    """The FAQ, the entry of a claim and the claim itself, and back to Today."""
    entry, _, number = claim.removeprefix("E").partition(".")
    await press(pilot, "f", *["down"] * (int(entry) - 1))
    await life.keep(pilot, f"{moment}-faq")
    await press(pilot, "enter", *["down"] * (int(number) - 1))
    await life.keep(pilot, f"{moment}-entry")
    await press(pilot, "enter")
    shown = await life.keep(pilot, f"{moment}-claim")
    await press(pilot, "q", "q", "q")
    return shown


async def first_day(life: Life) -> None:
    """A whole day by keys; the first card's verdict and the first lab's are kept."""
    async with life.app() as pilot:
        await life.keep(pilot, "1-today")
        await press(pilot, "enter")
        kept: set[type] = set()
        while not isinstance(pilot.app.screen, DoneScreen):
            kind = type(pilot.app.screen)
            await life.answer(pilot)
            if kind not in kept:
                kept.add(kind)
                await life.keep(pilot, "2-verdict" if kind is CardScreen else "3-lab")
            await life.goes_on(pilot)
        await life.keep(pilot, "4-done")
    life.sleeps()


def assert_sensible(life: Life) -> None:
    assert len(life.shown) > 40
    for text in life.shown:
        for nonsense in NONSENSE:
            assert not nonsense.search(text), text
    for plan in life.plans:
        assert plan.minutes <= MINUTES
        assert plan.tomorrow_minutes <= MINUTES


async def test_a_week_of_nothing_but_enter_one_three(tmp_path: Path) -> None:
    life = born("enter-1-3", tmp_path, Learner())
    told = 0
    for day in range(1, 8):
        async with life.app() as pilot:
            if day in (1, 2):
                await life.keep(pilot, f"{day}-today")
            await press(pilot, "enter")
            while not isinstance(pilot.app.screen, DoneScreen):
                await press(pilot, "1", "3")
                if isinstance(screen := pilot.app.screen, LabScreen):
                    await ended(pilot, screen)
                life.look(pilot)
                if isinstance(screen, CardScreen) and screen.guessed:
                    told += 1
                    if told == 1:
                        await life.keep(pilot, "guess")
                life.clock.goes_on(4)
                await press(pilot, "enter")
            if day in (1, 7):
                await life.keep(pilot, f"{day}-done")
        life.sleeps()
    async with life.app() as pilot:
        await life.keep(pilot, "8-today")
        await keep_progress(life, pilot, "8")
        await keep_entry(life, pilot, "E1.1", "8")
    assert any("overconfident" in text for text in life.shown)
    hits = [rated for track in life.fold().tracks.values() for rated in track.rated if rated.ok]
    lucky = [rated for rated in hits if rated.rating == "again"]
    # those of bets are told where they are read
    assert told == sum(rated.kind != "bet" for rated in lucky) > 5
    assert sum(rated.rating == "good" for rated in hits) < len(hits) / 4
    assert_sensible(life)


async def test_who_is_always_right_comes_to_hold_what_was_asked_a_week_apart(tmp_path: Path) -> None:
    life = born("right", tmp_path, Knower())
    await first_day(life)
    life.lives(20)
    state, today = life.fold(), life.today
    standing = mastery.standings_from(state, today, MINUTES)
    for claim, track in state.tracks.items():
        days = [(rated.day, rated.item) for rated in track.rated]
        apart = any(
            later - first >= timedelta(days=7) and one != other
            for first, one in days
            for later, other in days
        )
        open_form = any(rated.kind not in ("choice", "two-step") for rated in track.rated)
        holds = standing[claim].state in ("holding", "durable")
        assert holds == (apart and open_form), (claim, standing[claim], track.rated)
    async with life.app() as pilot:
        await life.keep(pilot, "21-today")
        await keep_progress(life, pilot, "21")
        held = next(claim for claim, stand in standing.items() if stand.state == "holding")
        shown = await keep_entry(life, pilot, held, "21")
        assert "● holding" in shown["en"] and "● 掌握" in shown["zh"]
    assert not any(state.beliefs.held())
    assert_sensible(life)


async def test_who_is_always_sure_and_wrong_is_asked_again_and_then_left_in_peace(tmp_path: Path) -> None:
    life = born("wrong", tmp_path, Misled())
    await first_day(life)
    assert any(isinstance(item, Ask) and item.why == "recheck" for item in life.plan(life.fold()).items)
    while not (last := about_to_rest(life)):
        life.lives(1)
    async with life.app() as pilot:
        await press(pilot, "enter")
        while True:
            screen = pilot.app.screen
            await life.answer(pilot)
            if isinstance(screen, CardScreen) and screen.question.claim in last:
                break
            await life.goes_on(pilot)
        leech = screen.question.claim
        shown = await life.keep(pilot, "leech")
        assert "rests for 14 days" in shown["en"] and "搁置 14 天" in shown["zh"]
        await life.goes_on(pilot)
        while not isinstance(pilot.app.screen, DoneScreen):
            await life.item(pilot)
        await life.keep(pilot, "done")
    life.sleeps()
    async with life.app() as pilot:
        await life.keep(pilot, "after-today")
        await keep_progress(life, pilot, "after")
        shown = await keep_entry(life, pilot, leech, "after")
        assert "13 days" in shown["en"] and "13 天" in shown["zh"]
    assert life.fold().beliefs.held()
    for _ in range(13):
        assert leech not in [item.claim for item in life.plan(life.fold()).items if isinstance(item, Ask)]
        life.lives(1)
    assert not [text for text in life.shown if PRAISE.search(text)]
    assert_sensible(life)


def about_to_rest(life: Life) -> list[str]:
    """Planned claims that one more miss makes leeches."""
    state = life.fold()
    found = []
    for item in life.plan(state).items:
        track = state.tracks[item.claim]
        if isinstance(item, Ask) and is_leech([r.ok for r in track.rated[track.watched :]] + [False]):
            found.append(item.claim)
    return found


async def test_who_never_knows_is_taught_and_not_accused(tmp_path: Path) -> None:
    life = born("dont-know", tmp_path, Learner())
    await first_day(life)
    life.lives(6)
    async with life.app() as pilot:
        await life.keep(pilot, "8-today")
        await press(pilot, "enter")
        while not isinstance(pilot.app.screen, DoneScreen):
            await life.item(pilot)
        await life.keep(pilot, "8-done")
        await press(pilot, "enter")
        await keep_progress(life, pilot, "8")
        await keep_entry(life, pilot, "E1.1", "8")
    assert not life.fold().beliefs.held()
    accused = re.compile(
        "overconfident|often behind this choice|You may believe|把握偏高|往往以为|可能的误解"
    )
    assert not [text for text in life.shown if accused.search(text) or PRAISE.search(text)]
    assert_sensible(life)


async def test_who_was_away_for_a_month_warms_up_and_meets_no_pile(tmp_path: Path) -> None:
    life = born("away", tmp_path, Ordinary())
    await first_day(life)
    life.lives(7)
    life.sleeps(30)
    state = life.fold()
    plan = life.plan(state)
    bets = [item.claim for item in plan.items if isinstance(item, Wager)]
    due = sorted(
        (m for m in state.memory(life.today, MINUTES).values() if m.due and m.due <= life.today),
        key=lambda m: (-m.recall, m.claim),
    )
    due = [m for m in due if m.claim not in bets and not m.rest]
    assert len(due) > 2 * plan.due, "too little is due to see a pile"
    asked = [item.claim for item in plan.items if isinstance(item, Ask) and item.why == "due"]
    across = [due[round(n * (len(due) - 1) / 4)].claim for n in range(5)]
    best = [m.claim for m in due if m.claim not in across]
    assert set(asked[:5]) == set(across)
    assert set(asked[5:]) < set(best[: len(asked)])  # but for those that take longer than the minutes left
    assert [item.why for item in plan.items if isinstance(item, Ask)][: len(asked)] == ["due"] * len(asked)
    async with life.app() as pilot:
        await life.keep(pilot, "39-today")
        await keep_progress(life, pilot, "39")
        await press(pilot, "enter")
        first = True
        while not isinstance(pilot.app.screen, DoneScreen):
            await life.answer(pilot)
            if first:
                await life.keep(pilot, "39-verdict")
            first = False
            await life.goes_on(pilot)
        await life.keep(pilot, "39-done")
    life.sleeps()
    async with life.app() as pilot:
        await life.keep(pilot, "40-today")
        await press(pilot, "p", "5")
        await life.keep(pilot, "40-ahead")
    assert_no_number_like_the_pile(life, len(due))
    assert_sensible(life)


def assert_no_number_like_the_pile(life: Life, pile: int) -> None:
    """On no page does a word for what is due stand beside more than some day's plan holds."""
    most = max(plan.due for plan in life.plans)
    assert most < pile
    for text in life.shown:
        for number in re.findall(
            r"(\d+) (?:cards |claims )?(?:are )?(?:due|waiting|overdue)\b|(\d+) 条(?:到期|待)", text
        ):
            assert int("".join(number)) <= most, text

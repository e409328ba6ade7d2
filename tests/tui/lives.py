"""Learners' lives on the shipped bank and labs: a clock of their own, and days through the app by keys alone or, where
nobody looks, through planner, grade and log as the app would take them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import snapshots
from answering import Learner
from learner import screen_text
from reference_runs import ReferenceBench, band
from textual.pilot import Pilot

from labs import catalog as labs_catalog
from labs.catalog import Catalog
from questions import catalog as questions_catalog
from questions.events import Bet, Reason, Result, Session, local_day
from questions.grade import answered, probability
from questions.kept_fold import KeptFold
from questions.plan import LabRef, Plan, Wager, plan_from
from questions.progress import Progress
from questions.schedule import Fold
from questions.shapes import Bank
from tui.app import TorchproofApp
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.screens.card import CardScreen
from tui.screens.done import DoneScreen
from tui.screens.lab import LabScreen
from tui.screens.today import TodayScreen
from tui.settings import Settings
from tui.widgets.bet import CERTAINTIES

MINUTES = 15
READS = 15.0  # seconds on a verdict


@cache
def bank() -> Bank:
    return questions_catalog.load()


@cache
def catalog() -> Catalog:
    return labs_catalog.find(labs_catalog.EXPERIMENTS)


class Clock:
    """Moves only when it is told to."""

    def __init__(self, start: datetime) -> None:
        self.at = start

    def now(self) -> datetime:
        return self.at

    def seconds(self) -> float:
        return self.at.timestamp()

    def goes_on(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def sleeps(self, days: int = 1) -> None:
        """To the evening `days` later, at the hour of the start."""
        self.at = (self.at + timedelta(days=days)).replace(hour=19, minute=30, second=0, microsecond=0)


@dataclass
class Life:
    """One learner's home, clock and days."""

    name: str
    home: Path
    learner: Learner
    clock: Clock
    day: int = 0
    shown: list[str] = field(default_factory=list)  # every screen looked at
    plans: list[Plan] = field(default_factory=list)  # at the start of each day

    @property
    def today(self) -> date:
        return local_day(self.clock.now())

    @property
    def paths(self) -> Paths:
        return Paths(*(self.home / name for name in ("data", "state", "cache", "config")))

    def sleeps(self, days: int = 1) -> None:
        self.clock.sleeps(days)
        self.day += days

    # through the app

    @asynccontextmanager
    async def app(self, lang: Lang = "en") -> AsyncIterator[Pilot[None]]:
        """The app as it starts, with everything read."""
        app = TorchproofApp(
            self.paths,
            Settings(theme="dark", minutes=MINUTES),
            lang,
            now=self.clock.now,
            clock=self.clock.seconds,
            spare=False,
        )
        app.__dict__["bank"] = bank()
        app.__dict__["catalog"] = catalog()
        app.__dict__["bench"] = ReferenceBench(self.paths.runs, catalog())
        async with app.run_test(size=(80, 24)) as pilot:
            today = app.screen
            assert isinstance(today, TodayScreen)
            while not today.loaded or today.device is None:
                assert app.crash is None
                await pilot.pause()
            self.plans.append(app.plan())
            yield pilot
            assert app.crash is None

    async def session(self, pilot: Pilot[None]) -> None:
        """From Today to the summary, by keys."""
        await press(pilot, "enter")
        while not isinstance(pilot.app.screen, DoneScreen):
            await self.item(pilot)

    async def item(self, pilot: Pilot[None]) -> None:
        """The card or lab on screen, and on to the next one."""
        await self.answer(pilot)
        await self.goes_on(pilot)

    async def goes_on(self, pilot: Pilot[None]) -> None:
        """Reads the verdict."""
        self.look(pilot)
        self.clock.goes_on(READS)
        await press(pilot, "enter")

    async def answer(self, pilot: Pilot[None]) -> None:
        """The card or lab on screen, up to its verdict."""
        screen = pilot.app.screen
        self.look(pilot)
        self.clock.goes_on(self.learner.thinks)
        if isinstance(screen, CardScreen):
            await press(pilot, *self.keys_of(screen))
            if screen.phase == "reason":
                self.look(pilot)
                key = screen.question.reason_key
                n = self.learner.reason(screen.question.reasons(screen.order_seed), key)
                await press(pilot, "enter" if n is None else str(n + 1))
            assert screen.phase == "verdict", screen.question_id
        else:
            assert isinstance(screen, LabScreen)
            lab = screen.lab
            n = self.learner.band(band(lab).band or 0, len(lab.bet.bands))
            await press(pilot, *(("0",) if n is None else (str(n + 1), str(self.learner.level))))
            await ended(pilot, screen)
            if screen.view.phase == "readout" and (asked := screen.view.readout):
                self.look(pilot)
                n = self.learner.reading(asked.readings.index(asked.key), len(asked.readings))
                await press(pilot, "0" if n is None else str(n + 1))
            assert screen.view.phase == "verdict", screen.lab_id

    def keys_of(self, card: CardScreen) -> tuple[str, ...]:
        question, choices = card.question, card.choices
        pick = self.learner.pick(question, choices, self.day)
        sure = str(self.learner.level)
        if pick is None:
            return ("enter",) if question.kind == "number" else ("0",)
        if question.kind == "number":
            named = {".": "full_stop", "-": "minus"}
            return (*(named.get(character, character) for character in pick), "enter", sure)
        ids = [choice.id for choice in choices]
        steps = pick.split(">")[:-1] if question.kind == "order" else [pick]
        return (*(str(ids.index(step) + 1) for step in steps), sure)

    # what is on screen

    def look(self, pilot: Pilot[None]) -> str:
        app = pilot.app
        assert isinstance(app, TorchproofApp)
        text = screen_text(app)
        if isinstance(app.screen, CardScreen):
            assert_whole(app.screen)
        elif isinstance(app.screen, TodayScreen):
            assert_no_pile(text, app.plan())
        self.shown.append(text)
        return text

    async def keep(self, pilot: Pilot[None], moment: str) -> dict[str, str]:
        """Holds the screen against its snapshots in both languages, and sees that switching takes nothing away."""
        app = pilot.app
        assert isinstance(app, TorchproofApp)
        app.clear_notifications()
        await settled(pilot)
        shown = {}
        for _ in LANGUAGES:
            lang = app.tr.lang
            shown[lang] = self.look(pilot)
            await press(pilot, "l")
        assert screen_text(app) == shown[app.tr.lang], "switching there and back has changed the screen"
        for lang, text in shown.items():
            snapshots.check(f"{self.name}/{moment}.{lang}", text)
        return shown

    # where nobody looks

    def fold(self) -> Fold:
        progress = Progress(self.paths.events, host="test", pid=1, now=self.clock.now)
        return KeptFold(progress, bank(), self.paths.cache).look()

    def plan(self, state: Fold) -> Plan:
        refs = [LabRef(lab.id, lab.bet.claim, lab.claims) for lab in catalog().labs.values()]
        return plan_from(state, refs, self.today, MINUTES)

    def lives(self, days: int) -> None:
        """Days of whole plans, and nights."""
        for _ in range(days):
            self._day()
            self.sleeps()

    def _day(self) -> None:
        progress = Progress(self.paths.events, host="test", pid=1, now=self.clock.now)
        kept = KeptFold(progress, bank(), self.paths.cache)
        plan = self.plan(kept.look())
        self.plans.append(plan)
        began = self.clock.seconds()
        for item in plan.items:
            for event in self._wager(item) if isinstance(item, Wager) else ():
                progress.record(event)
            if not isinstance(item, Wager):
                self._ask(item.question_id, item.order_seed, progress, kept)
            self.clock.goes_on(READS)
        done = len(plan.items)
        progress.record(Session(planned=done, done=done, seconds=self.clock.seconds() - began))
        progress.close()

    def _ask(self, question_id: str, seed: int, progress: Progress, kept: KeptFold) -> None:
        question = bank().question(question_id).drawn(seed)
        self.clock.goes_on(self.learner.thinks)
        pick = self.learner.pick(question, question.choices(seed), self.day)
        asked = kept.now().tracks[question.claim].asked
        _, answer = answered(
            question,
            pick,
            probability(self.learner.level - 1, question.chance),
            latency_ms=round(1000 * self.learner.thinks),
            lang="en",
            order_seed=seed,
            variant=sum(times for times, _ in asked.values()),
        )
        answer = progress.record(answer)
        if question.kind == "two-step" and pick is not None:
            offered = question.reasons(seed)
            n = self.learner.reason(offered, question.reason_key)
            if n is not None:
                chosen = offered[n].id
                progress.record(Reason(answer=answer.id, option=chosen, ok=chosen == question.reason_key))

    def _wager(self, item: Wager) -> Iterator[Any]:
        lab = catalog().labs[item.lab_id]
        self.clock.goes_on(self.learner.thinks)
        found, bands = band(lab), len(lab.bet.bands)
        chosen = self.learner.band(found.band or 0, bands)
        p = 1 / bands if chosen is None or self.learner.level == 1 else CERTAINTIES[self.learner.level - 2]
        run = f"test-{lab.id}"
        yield Bet(lab=lab.id, claim=lab.bet.claim, band=chosen, bands=bands, p=p, run=run)
        yield Result(lab=lab.id, claim=lab.bet.claim, run=run, band=found.band)


def assert_whole(card: CardScreen) -> None:
    """Every option can be read to its end, if not without scrolling."""
    options = card.commit.options
    drawn = bare("".join(options.render_line(y).text for y in range(options.size.height)))
    for label in card.given.labels(card.tr.lang):
        assert bare(label) in drawn, (card.question_id, label)
    assert options.virtual_region.bottom <= card.scroll.virtual_size.height


def bare(text: str) -> str:
    """Text without white space and what an option adds."""
    return re.sub(r"[\s`›●()]", "", text)


DUE = re.compile(r"(\d+) (?:due|条到期)")


def assert_no_pile(today: str, plan: Plan) -> None:
    """Neither the first lines nor the entries together call more due than is planned."""
    first, _, entries = today.partition("○")
    assert sum(map(int, DUE.findall(first))) <= plan.due, today
    assert sum(map(int, DUE.findall(entries))) <= plan.due, today


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Presses keys and waits for what they set off."""
    await pilot.press(*keys)
    await settled(pilot)


async def settled(pilot: Pilot[None]) -> None:
    """Until every message has been handled, and those that followed from them: a key moves a choice, the choice a
    layout, the layout a scroll bar."""
    assert isinstance(pilot.app, TorchproofApp)
    before = ""
    while (now := screen_text(pilot.app)) != before:
        before = now
        for _ in range(3):
            await pilot.pause(0)


async def ended(pilot: Pilot[None], screen: LabScreen) -> None:
    """Until the page has seen its run end."""
    while screen.view.phase in ("bet", "ready", "live"):
        await pilot.pause(0.01)
    await settled(pilot)

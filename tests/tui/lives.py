"""Learners' lives on the shipped bank and labs: a clock of their own, days taken through the app by keys alone or,
where nobody looks, through planner, grade and log as the app would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import snapshots
from learner import screen_text
from reference_runs import ReferenceBench, band
from textual.pilot import Pilot

from labs import catalog as labs_catalog
from labs.catalog import Catalog
from questions import catalog as questions_catalog
from questions.events import Bet, Reason, Result, Session
from questions.grade import answered, probability
from questions.kept_fold import KeptFold
from questions.plan import LabRef, Plan, Wager, plan_from
from questions.progress import Progress
from questions.schedule import Fold
from questions.shapes import Bank, Choice, Question
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


class Learner:
    """How somebody answers; this one says "I don't know". `level`: the confidence key, 1 to 5."""

    level = 5
    thinks = 20.0  # seconds

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        """A pick as `Question.read` takes it; None: don't know."""
        return None

    def band(self, measured: int, bands: int) -> int | None:
        """The band to bet on, where `measured` is right."""
        return None

    def reading(self, key: int, readings: int) -> int | None:
        """How the numbers of a lab are read, where `key` is right."""
        return None

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return None


class Knower(Learner):
    """Right about everything."""

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        return question.key

    def band(self, measured: int, bands: int) -> int | None:
        return measured

    def reading(self, key: int, readings: int) -> int | None:
        return key

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return next(n for n, reason in enumerate(offered) if reason.id == key)


class Misled(Learner):
    """Wrong about everything, where one can with a known misconception."""

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        if question.kind == "number":
            tempting = [f"{slip.value:g}" for slip in question.slips]
            return next(typed for typed in [*tempting, "4321"] if not question.read(typed).ok)
        if question.kind == "order":
            steps = [step.id for step in question.options]
            wrong = [">".join(steps[n:] + steps[:n]) for n in range(1, len(steps))]
            return next((pick for pick in wrong if question.read(pick).misconception), wrong[0])
        return next(choice.id for choice in shown if choice.id != question.key)

    def band(self, measured: int, bands: int) -> int | None:
        return (measured + 1) % bands

    def reading(self, key: int, readings: int) -> int | None:
        return (key + 1) % readings

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return next(n for n, reason in enumerate(offered) if reason.id != key)


class Ordinary(Knower):
    """Right about two in three, more often as the days go by, and roughly as sure as that."""

    def _knows(self, what: str, day: int) -> bool:
        return sum(map(ord, what)) * 7 % 10 < 5 + min(day, 3)

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        knows = self._knows(question.id, day)
        self.level = (2, 3, 4)[len(question.id) % 3] if knows else (2, 3)[len(question.id) % 2]
        return super().pick(question, shown, day) if knows else Misled().pick(question, shown, day)


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
        assert isinstance(pilot.app, TorchproofApp)
        self.shown.append(screen_text(pilot.app))
        return self.shown[-1]

    async def keep(self, pilot: Pilot[None], moment: str) -> dict[str, str]:
        """Holds the screen against its snapshots in both languages, and sees that switching takes nothing away."""
        app = pilot.app
        assert isinstance(app, TorchproofApp)
        app.clear_notifications()
        await pilot.pause()
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
        return plan_from(state, refs, (self.clock.now() - timedelta(hours=4)).date(), MINUTES)

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


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await pilot.pause()


async def ended(pilot: Pilot[None], screen: LabScreen) -> None:
    """Until the page has seen its run end."""
    while screen.view.phase in ("bet", "ready", "live"):
        await pilot.pause(0.01)

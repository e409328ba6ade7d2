"""Where one lab stands for this learner: the bet, the run, what came out. No widgets."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from labs.journal import Follower, Point, Run, Status, create, runs
from labs.replay import Replay
from labs.verdict import BandResult, bet_points, measured_band, surprise_bits
from questions.events import Bet, Readout, Result
from tui import __version__
from tui.session import Tally, last_bet
from tui.widgets.bet import CERTAINTIES, Stake
from tui.widgets.readout import Question, question

if TYPE_CHECKING:
    from labs.catalog import Lab, Value
    from questions.progress import Progress

# bet: nothing is locked. ready: no run yet. live: starting or running. readout: ended, the numbers are to be
# read before the verdict. verdict: ended with outcomes. broken: ended without.
Phase = Literal["bet", "ready", "live", "readout", "verdict", "broken"]
LIVE = ("starting", "running")


class Settled(NamedTuple):
    """How a bet came out."""

    measured: BandResult
    bits: float | None
    points: float | None


class LabView:
    """One lab, the bet on it, and the run that is looked at. Owns what has been read of that run."""

    def __init__(
        self,
        lab: Lab,
        progress: Progress,
        folder: Path,
        *,
        run: Run | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.lab = lab
        self.progress = progress
        self.folder = folder
        self.clock = clock
        self.values: dict[str, Value] = lab.defaults
        self.stake = Stake(len(lab.bet.bands))
        self.bet = last_bet(progress.events(), lab.id)
        if self.bet is not None:
            self._recall(self.bet)
        self.run: Run | None = None
        self.replay = Replay()
        self.status: Status | None = None
        self.until = 0.0  # the last step
        self.read_as: str | None = None  # the readout question, as it was answered on this page
        self.guessed = False  # the bet was hit, and rated as a guess
        self._follower: Follower | None = None
        self._read = {(e.lab, e.run) for e in progress.events() if isinstance(e, Readout)}
        self._results = [e for e in progress.events() if isinstance(e, Result) and e.lab == lab.id]
        if (found := run or self._newest()) is not None:
            self.attach(found)

    # where it stands

    @property
    def phase(self) -> Phase:
        if self.bet is None:
            return "bet"
        if self.run is None or self.status is None:
            return "ready"
        if self.status in LIVE:
            return "live"
        if not self.measured:
            return "broken"
        if self.counts and self.readout is not None and (self.lab.id, self.run.id) not in self._read:
            return "readout"
        return "verdict"

    @property
    def measured(self) -> bool:
        """Whether the run ended with every outcome the bet needs."""
        by_arm = self.replay.outcomes.get(self.lab.bet.outcome, {})
        return self.status == "done" and bool(by_arm.get(self.lab.bet.arm))

    @property
    def explores(self) -> bool:
        """Whether the run on screen has other knobs than the registered ones: it never counts."""
        return self.run is not None and not self.run.spec.settles

    @property
    def turned(self) -> bool:
        """Whether the knobs for the next run differ from the registered ones."""
        return self.values != self.lab.defaults

    @property
    def settled(self) -> bool:
        """Whether a result of this lab has been read."""
        return bool(self._results)

    @property
    def counts(self) -> bool:
        """Whether the run on screen settles the bet, now or when it was read."""
        if self.run is None or self.explores or self.bet is None:
            return False
        return not self._results or self._results[0].run == self.run.id

    @property
    def readout(self) -> Question | None:
        return question(self.lab, self.replay.outcomes)

    @property
    def outcome(self) -> Settled | None:
        """How the bet came out, where this run settles it."""
        if not self.measured or not self.counts:
            return None
        bands = len(self.lab.bet.bands)
        found = measured_band(self.lab.bet, self.lab.declared, self.replay.outcomes, self.lab.seeds)
        stake = self.stake
        return Settled(
            found,
            surprise_bits(stake.option, stake.p, found.band, bands),
            bet_points(stake.option, stake.p, found.band, bands),
        )

    @property
    def tally(self) -> Tally | None:
        """What this lab adds to a session's count."""
        if (settled := self.outcome) is None or self.phase != "verdict":
            return None
        ok = None if settled.measured.band is None else settled.measured.band == self.stake.option
        return Tally(ok, self.stake.stated, settled.points or 0.0)

    def seconds(self) -> float:
        """Seconds since the run began, as far as its events tell."""
        start, end = self.replay.start, self.replay.end
        if end is not None:
            return end.seconds
        if start is None:
            return 0.0
        try:
            began = datetime.fromisoformat(start.at).timestamp() - start.t
        except ValueError:
            return 0.0
        return max(0.0, self.clock() - began)

    # what happens

    def attach(self, run: Run) -> None:
        """Looks at this run from its first event on."""
        self.run = run
        self.replay = Replay()
        self.read_as = None
        self.until = 0.0
        self._follower = Follower(run)
        self.look()

    def look(self) -> bool:
        """Reads what is new and how the run stands; True when the status changed."""
        self.poll()
        before = self.status
        self.status = self.run.status(self.clock()) if self.run is not None else None
        if self.status != before:
            self.poll()  # written between the two looks
        return self.status != before

    def poll(self) -> bool:
        """Reads new events; True when there were any."""
        events = self._follower.poll() if self._follower is not None else []
        self.replay.feed(events)
        self.until = max((event.of for event in events if isinstance(event, Point)), default=self.until)
        return bool(events)

    def lock(self) -> None:
        """Puts the bet on disk. On failure the confidence is asked again and BankProblem raised.

        The bet names its run before that run exists, so that nothing can be measured without a bet.
        """
        run = self.run if self.run is not None and self.run.spec.settles else None
        stake = self.stake
        bet = Bet(
            lab=self.lab.id,
            claim=self.lab.bet.claim,
            band=stake.option,
            bands=stake.options,
            p=stake.p,
            run=run.id if run is not None else self._planned_id(),
        )
        try:
            self.bet = self.progress.record(bet)
        except ValueError:
            stake.reopen()
            raise

    def create(self, *, device: str, python: str, now: datetime, datasets: Path | None = None) -> Run:
        """A new run's folder with the knobs as they stand. Raises LabProblem."""
        id = self.bet.run if self.bet is not None and not self.turned else ""
        moment, token = _parts(id)
        if not id or (self.folder / id).exists() or moment is None:
            moment, token = now, ""
        run = create(
            self.folder,
            self.lab,
            knobs=self.values,
            seeds=list(range(self.lab.seeds.start)),
            max_seeds=self.lab.seeds.max,
            device=device,
            by="app",
            now=moment,
            python=python,
            version=__version__,
            datasets=datasets,
            token=lambda: token or secrets.token_hex(2),
        )
        self.attach(run)
        return run

    def read_out(self, choice: str) -> None:
        """Puts down what the learner read off the numbers. Raises BankProblem."""
        asked = self.readout
        if asked is None or self.run is None:
            return
        ok = choice == asked.key
        self.progress.record(Readout(lab=self.lab.id, run=self.run.id, choice=choice, ok=ok))
        self._read.add((self.lab.id, self.run.id))
        self.read_as = choice

    def settle(self) -> bool:
        """Puts the result down, once a run, when its verdict is shown. Raises BankProblem."""
        run, replay = self.run, self.replay
        if run is None or self.explores or self.bet is None or not self.measured:
            return False
        if any(result.run == run.id for result in self._results):
            return False
        found = self.outcome
        start = replay.start
        result = Result(
            lab=self.lab.id,
            run=run.id,
            claim=self.lab.bet.claim,
            verdicts={rule: event.verdict for rule, event in replay.verdicts.items()},
            effect=_finite(found.measured.effect) if found else None,
            interval=(_finite(found.measured.interval[0]), _finite(found.measured.interval[1]))
            if found
            else None,
            band=found.measured.band if found else None,
            bits=_finite(found.bits) if found else None,
            points=found.points if found else None,
            device=start.device_name if start else "",
            torch=start.versions.get("torch", "") if start else "",
            seeds=len(replay.seeds),
        )
        self._results.append(self.progress.record(result))
        return True

    # inside

    def _recall(self, bet: Bet) -> None:
        stake = self.stake
        if bet.band is None or bet.band >= stake.options:
            stake.dont_know = True
            return
        stake.option = bet.band
        distances = [abs(bet.p - p) for p in (stake.chance, *CERTAINTIES)]
        stake.level = 1 + distances.index(min(distances))

    def _newest(self) -> Run | None:
        """The run to show when none is named: a live one, else the one that settled the bet, else the newest
        with a verdict, else the one that the bet names, which has failed or was stopped."""
        mine = [run for run in runs(self.folder) if run.spec.lab == self.lab.id]
        states = {run.id: run.status(self.clock()) for run in mine}
        live = [run for run in mine if states[run.id] in LIVE]
        counted = [run for run in mine if self._results and run.id == self._results[0].run]
        done = [run for run in mine if states[run.id] == "done" and run.spec.settles]
        own = [run for run in mine if self.bet is not None and run.id == self.bet.run]
        return next(iter([*live, *counted, *done, *own]), None)

    def _planned_id(self) -> str:
        moment = datetime.fromtimestamp(self.clock(), UTC)
        return f"{moment:%Y%m%d-%H%M%S}-{self.lab.id}-{secrets.token_hex(2)}"


def _parts(run_id: str) -> tuple[datetime | None, str]:
    """The moment and the token that make up a run's id."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC), run_id[-4:]
    except ValueError:
        return None, ""


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None

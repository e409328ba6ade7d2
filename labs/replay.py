"""What a run's events add up to: curves, outcomes, verdicts, progress. A pure fold, events in."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

from labs.journal import AnyEvent, End, Log, Outcome, Point, Seeds, Start, Verdict, as_float


class Line:
    """One series of one arm: five lists of equal length, by rising step. Values may be NaN or infinite."""

    __slots__ = ("hi", "lo", "mean", "n", "steps")

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.mean: list[float] = []
        self.lo: list[float] = []
        self.hi: list[float] = []
        self.n: list[int] = []

    def put(self, step: float, mean: float, lo: float, hi: float, n: int) -> None:
        """Appends the point; a step that is already there is replaced, an earlier one goes in its place."""
        steps = self.steps
        if not steps or step > steps[-1]:
            steps.append(step)
            self.mean.append(mean)
            self.lo.append(lo)
            self.hi.append(hi)
            self.n.append(n)
            return
        i = bisect_left(steps, step)
        if steps[i] == step:
            self.mean[i], self.lo[i], self.hi[i], self.n[i] = mean, lo, hi, n
            return
        steps.insert(i, step)
        self.mean.insert(i, mean)
        self.lo.insert(i, lo)
        self.hi.insert(i, hi)
        self.n.insert(i, n)


class Replay:
    """Where a run stands after the events fed so far."""

    def __init__(self) -> None:
        self.start: Start | None = None
        self.arms: list[str] = []
        self.seeds: list[int] = []
        self.lines: dict[tuple[str, str], Line] = {}  # (series id, arm id)
        self.outcomes: dict[str, dict[str, dict[int, float]]] = {}  # outcome id -> arm id -> seed -> value
        self.verdicts: dict[str, Verdict] = {}  # rule id -> the latest
        self.logs: list[Log] = []
        self.end: End | None = None
        self._t = 0.0
        self._leg = (0.0, 0.0)  # time and progress when the worker took up the run or got its last seeds
        self._finished_before: dict[str, int] = {}  # arm -> seeds that an earlier worker finished
        self._reached: dict[str, dict[int, float]] = {}  # arm -> seeds in view -> furthest share of the steps

    def feed(self, events: Iterable[AnyEvent]) -> None:
        for event in events:
            self._t = event.t
            match event:
                case Point():
                    self._point(event)
                case Outcome():
                    self._join(event.seeds)
                    for id, values in event.values.items():
                        by_seed = self.outcomes.setdefault(id, {}).setdefault(event.arm, {})
                        by_seed.update(zip(event.seeds, map(as_float, values), strict=False))
                case Verdict():
                    self.verdicts[event.rule] = event
                case Log():
                    self.logs.append(event)
                case End():
                    self.end = event
                case Start():
                    self.start, self.arms = event, event.arms
                    self._reached.clear()  # a new worker trains what is not finished from its beginning
                    self._finished_before = {arm: self._finished(arm) for arm in self.arms}
                    self._take_up(event.seeds, event.t)
                case Seeds():
                    self._take_up(event.seeds, event.t)

    def _point(self, point: Point) -> None:
        arm, step = point.arm, point.step
        for id, spread in point.series.items():
            line = self.lines.get((id, arm))
            if line is None:
                line = self.lines[id, arm] = Line()
            line.put(step, as_float(spread.mean), as_float(spread.lo), as_float(spread.hi), spread.n)
        share = step / point.of if point.of > 0 else 0.0
        reached = self._reached.setdefault(arm, {})
        if share > reached.get(point.seeds_in_view, 0.0):
            reached[point.seeds_in_view] = min(share, 1.0)

    def _take_up(self, seeds: list[int], t: float) -> None:
        self.end = None
        self._join(seeds)
        self._leg = (t, self.progress)

    def _join(self, seeds: list[int]) -> None:
        known = set(self.seeds)
        self.seeds.extend(seed for seed in dict.fromkeys(seeds) if seed not in known)

    @property
    def progress(self) -> float:
        """The share of all seeds' steps that is done, 0 to 1. It falls when more seeds join."""
        if self.end is not None and self.end.status == "done":
            return 1.0
        if not self.arms or not self.seeds:
            return 0.0
        return sum(map(self._arm_progress, self.arms)) / len(self.arms)

    def _arm_progress(self, arm: str) -> float:
        """A point with n seeds in view says that n of this worker's seeds have come that far."""
        total = len(self.seeds)
        to_train = total - self._finished_before.get(arm, 0)
        finished = self._finished(arm) - (total - to_train)
        reached = self._reached.get(arm, {})
        done, share, upper = 0.0, 0.0, to_train
        for n in [*sorted((n for n in reached if n < to_train), reverse=True), 0]:
            share = max(share, *(far for view, far in reached.items() if view >= upper), 0.0)
            complete = max(0, min(upper, finished) - n)
            done += complete + share * (upper - n - complete)
            upper = n
        return (total - to_train + done) / total

    def _finished(self, arm: str) -> int:
        return max((len(by_arm.get(arm, ())) for by_arm in self.outcomes.values()), default=0)

    def eta_s(self, now: float) -> float | None:
        """Seconds to the end, as it looks at `now` (seconds since the epoch); None before the start."""
        if self.end is not None:
            return 0.0
        if self.start is None:
            return None
        began = _seconds(self.start.at)
        elapsed = self._t if began is None else max(self._t, self.start.t + now - began)
        progress = self.progress
        since, before = self._leg
        gained, spent = progress - before, self._t - since
        if gained > 0.02 and spent > 0:
            at_last_event = (1 - progress) * spent / gained
        else:
            at_last_event = (1 - progress) * self.start.estimate_s
        return max(0.0, at_last_event - (elapsed - self._t))


def _seconds(iso: str) -> float | None:
    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return None

"""Writes a run's journal while it trains: points ten times a second, from two threads, past a full disk."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from labs.curves import Curves
from labs.journal import AnyEvent, Point, Run, Writer
from labs.problems import LabProblem
from labs.report import Point as Seen
from labs.yielded import plain

WRITE_EVERY_S = 0.1  # a person sees no more than ten changes a second, and the disk is spared the rest
AGAIN_EVERY_S = 0.5  # how often a disk that refused is asked again


class _Collected(NamedTuple):
    """A point yielded and not yet written; its tensors are read when it is."""

    t: float
    batch: int
    seen: Seen


class Recorder:
    """Events and points in, lines in events.jsonl out. Every method may be called from any thread.

    trouble: what went wrong while reading a point's values, for the training thread to raise.
    unwritten: events that the disk has refused so far.
    """

    def __init__(self, run: Run, torch: Any, clock: Callable[[], float], zero: float) -> None:
        """zero: what `clock` said at t = 0 of the run. Raises LabProblem: see Writer."""
        self.lock = threading.RLock()
        self.trouble: Exception | None = None
        self.unwritten: list[AnyEvent] = []
        self._writer = Writer(run)
        self._torch = torch
        self._clock = clock
        self._zero = zero
        self._curves = Curves()
        self._collected: list[_Collected] = []
        self._written_at = self._again_at = -math.inf

    def now(self) -> float:
        """Seconds of work on this run."""
        return round(self._clock() - self._zero, 4)

    def recall(self, point: Point) -> None:
        """Goes on from a point that an earlier worker wrote."""
        self._curves.recall(point)

    def collect(self, batch: int, seen: Seen) -> None:
        """Takes a point in; it is written with the next batch, at once if the last one is old enough."""
        with self.lock:
            self._collected.append(_Collected(self.now(), batch, seen))
            self.write_if_due()

    def write_if_due(self) -> None:
        """Writes what has been collected, unless something was written just now; asks a full disk again."""
        with self.lock:
            if self._collected and self._clock() - self._written_at >= WRITE_EVERY_S:
                self.write()
            elif self.unwritten:
                self._append()

    def write(self, *events: AnyEvent) -> None:
        """Writes all points collected, then the events, in one piece."""
        with self.lock:
            self.unwritten += self._points()
            self.unwritten += events
            self._append()

    def forget(self, *batches: int) -> None:
        """Drops what these batches have told: they start again from their beginning."""
        with self.lock:
            self._collected = [one for one in self._collected if one.batch not in batches]
            for batch in batches:
                self._curves.forget(batch)
            self.trouble = None

    def close(self) -> None:
        self._writer.close()

    def _points(self) -> list[AnyEvent]:
        """The lines for what has been collected. The first value that cannot be read ends the collection."""
        collected, self._collected = self._collected, []
        if not collected:
            return []
        self._written_at = self._clock()
        try:
            told = self._numbers(collected)
        except (
            Exception
        ) as error:  # no number, or a GPU without memory: not for the watching thread to die of
            self.trouble = error
            told = []
            with suppress(Exception):
                for one in collected:
                    told += self._numbers([one])
        events: list[AnyEvent] = []
        for one, series in zip(collected, told, strict=False):
            step, of = float(one.seen.step), float(one.seen.of)
            events += self._curves.add(one.batch, step, of, series, one.t)
        return events

    def _numbers(self, collected: list[_Collected]) -> list[dict[str, dict[str, list[float]]]]:
        """Series id -> arm id -> one float a seed, for each point; all of them in one go."""
        places = [
            (i, id, arm)
            for i, one in enumerate(collected)
            for id, by_arm in one.seen.series.items()
            for arm in by_arm
        ]
        lists = plain(self._torch, [collected[i].seen.series[id][arm] for i, id, arm in places])
        told: list[dict[str, dict[str, list[float]]]] = [{} for _ in collected]
        for (i, id, arm), values in zip(places, lists, strict=True):
            told[i].setdefault(id, {})[arm] = values
        return told

    def _append(self) -> None:
        """To the journal, or kept here until the disk takes it: no event is lost to a disk that is full."""
        if not self.unwritten or self._clock() < self._again_at:
            return
        try:
            self._writer.write(*self.unwritten)
        except LabProblem as problem:
            if self._again_at == -math.inf:
                with suppress(OSError):
                    print(problem, file=sys.stderr, flush=True)
            self._again_at = self._clock() + AGAIN_EVERY_S
        else:
            self.unwritten = []
            self._again_at = -math.inf

"""When each claim is due again. Pure: events, bank and clock in, memory of every claim out.

The memory model (forgetting.py) is FSRS-6, for 90 % wanted retention, with three additions: answers rate themselves
(rating.py); one scalar keeps the model's predictions honest about this learner; a confident error is looked at again
after 1 and after 7 days. Parameters fitted to the learner (fitting.py) are in force from their event on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import Final, Literal
from zlib import crc32

from msgspec import Struct

from questions.beliefs import CONFIDENT, Beliefs
from questions.events import Answer, Bet, Event, Pause, Placement, Reason, Result, Skip, Weights, local_day
from questions.forgetting import LONGEST, Forgetting, Seen, usable
from questions.placed import Placed
from questions.rating import Habits, Name, Shown
from questions.rests import WINDOW, Rest, Rests, is_leech
from questions.shapes import Bank
from questions.track import Rated, Track

DEFAULT_MINUTES: Final = 15
RECENT: Final = 0.03  # weight of the newest answer in `Fold.kept`

_READING: Final = {True: 6.0, False: 25.0}  # seconds after the verdict
_DAY: Final = timedelta(days=1)

State = Literal["unseen", "seen", "recheck"]


class Memory(Struct, frozen=True, kw_only=True):
    """What is held about one claim on one day."""

    claim: str
    state: State  # recheck: the next look is owed to a confident error
    due: date | None  # None: never answered, or resting without an end
    stability: float  # days until recall falls to 90 %, calibrated; 0 before the first rated answer
    recall: (
        float  # probability to know it today; before the first answer, what the entry's first asks suggest
    )
    last: date | None  # last day its truth was seen, rated or not
    rating: Name | None  # of the last rated answer
    guessed: bool  # that answer was right, but counted as a guess
    answers: int  # all answers and settled bets
    lapses: int  # rated errors after the claim was once right
    streak: int  # rated right answers in a row
    checks: int  # looks still owed to a confident error
    lure: str | None  # misconception the next look should offer again
    seconds: float  # what an answer takes here
    rest: Rest | None  # why it is not to be asked today


class Fold:
    """State after a run of events. Reads the bank, never the clock; `feed` goes on where it stopped."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.tracks = {claim.id: Track(claim.id, claim.entry) for claim in bank.claims.values()}
        self.habits = Habits()
        self.model = Forgetting()
        self.fitted: Weights | None = None  # brought the parameters in force; None: the defaults are
        self.latest_fit: Weights | None = None  # whatever came of it
        self.tried = 0  # reviews there were at that time
        self.kept = 0.5  # of what is asked again, the share that was still known, less what guessing explains
        self.day: date | None = None  # latest day with an event
        self.settled: dict[str, date] = {}  # lab: day of its first result
        self.wagered: dict[date, int] = {}  # bets locked on a day
        self.spent: dict[date, float] = {}  # seconds of answers on a day
        self.spent_on_new: dict[date, float] = {}
        self.started: dict[date, int] = {}  # claims answered for the first time on a day
        self.skipped: dict[date, set[str]] = {}
        self._bets: dict[str, Bet] = {}  # lab: its latest locked bet
        self._loads: dict[date, float] = {}  # seconds due at the start of a day
        self._place = 0
        self.beliefs = Beliefs(bank)
        self.rests = Rests()
        self.placed = Placed(bank)
        self.foreseen: list[tuple[float, bool]] = []  # predicted probability of a right answer, and what came

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            self._place += 1
            if self.day is None or event.day > self.day:
                self._roll_over(event.day)
            match event:
                case Answer():
                    if track := self.tracks.get(event.claim):
                        self._answer(track, event)
                case Reason():
                    self.beliefs.reasoned(event)
                case Bet():
                    self._bets[event.lab] = event
                    self.wagered[event.day] = self.wagered.get(event.day, 0) + 1
                case Result():
                    self._result(event)
                case Pause():
                    self.rests.said(event)
                case Weights():
                    self._take_up(event)
                case Skip():
                    self.skipped.setdefault(event.day, set()).add(event.item)
                case Placement():
                    self.placed.placed(event)
                case _:
                    pass

    @property
    def reviews(self) -> int:
        """Rated answers but the first ones to a claim: those that say how memory lasts."""
        return sum(max(0, len(track.rated) - 1) for track in self.tracks.values())

    def open_bets(self) -> list[Bet]:
        """Locked bets whose lab has no result yet, the latest of each lab."""
        return [bet for lab, bet in self._bets.items() if lab not in self.settled]

    # what a claim is worth on a day

    def recall(self, track: Track, day: date) -> float:
        """Probability to know the claim on `day`: the model's, put right by this learner's own record."""
        modelled = self.modelled(track, day)
        if not track.rated or modelled == 1:  # its truth was seen today
            return modelled
        right = self.model.right(modelled, track.chance, track.record)
        return max(0.0, (right - track.chance) / (1 - track.chance))

    def modelled(self, track: Track, day: date) -> float:
        """The same by the memory model alone; before the first rated answer, what first asks of the entry suggest."""
        if track.card is None:
            return self.habits.topic_prior(track.entry)
        return self.model.recall(track.card, max(0, (day - track.rated[-1].day).days))

    def stability(self, track: Track) -> float:
        """Calibrated days until recall falls to 90 %; 0 before the first rated answer."""
        return 0.0 if track.card is None else self.model.stability(track.card)

    def load(self, day: date) -> float:
        """Seconds due by `day` under the memory model alone, if nothing is answered before."""
        due = [t for t in self.tracks.values() if t.due is not None and t.due <= day]
        if self.rests:
            due = [t for t in due if not self.rests.of(t.claim, t.entry, day)]
        return sum(t.seconds for t in due)

    def rest(self, track: Track, day: date) -> Rest | None:
        """Why a claim is not to be asked on `day`, if it is not."""
        return self.rests.of(track.claim, track.entry, day) if self.rests else None

    def mean_load(self, today: date) -> float:
        """Mean of the loads at the start of the seven days up to today, in seconds."""
        week = [today - n * _DAY for n in range(7)]
        if self.day is None:
            return 0.0
        return sum(self.load(d) if d > self.day else self._loads.get(d, 0.0) for d in week) / 7

    def rechecks(self, today: date, minutes: float) -> bool:
        """Whether confident errors get their extra looks: not while more than the budget is due day after day."""
        return self.mean_load(today) <= minutes * 60

    def memory(self, today: date, minutes: float) -> dict[str, Memory]:
        """Memory of every claim; `minutes` is the daily budget."""
        rechecks = self.rechecks(today, minutes)
        return {claim: self._memory(track, today, rechecks) for claim, track in self.tracks.items()}

    def _memory(self, track: Track, today: date, rechecks: bool) -> Memory:
        due = track.due
        state: State = "seen" if track.answers else "unseen"
        if rechecks and due is not None and track.check_due is not None:
            due = min(due, track.check_due)
            state = "recheck"
        if (rest := self.rest(track, today)) and due is not None:
            due = None if rest.until is None else max(due, rest.until)
        latest = track.rated[-1] if track.rated else None
        return Memory(
            claim=track.claim,
            state=state,
            due=due,
            stability=self.stability(track),
            recall=self.recall(track, today),
            last=track.last,
            rating=latest.rating if latest else None,
            guessed=latest is not None and latest.ok and latest.rating == "again",
            answers=track.answers,
            lapses=track.lapses,
            streak=track.streak,
            checks=track.checks,
            lure=track.lure if track.checks else None,
            seconds=track.seconds,
            rest=rest,
        )

    # events in

    def _roll_over(self, day: date) -> None:
        start = day if self.day is None else max(self.day + _DAY, day - 6 * _DAY)
        while start <= day:
            self._loads[start] = self.load(start)
            start += _DAY
        self.day = day

    def _answer(self, track: Track, answer: Answer) -> None:
        seconds = min(max(answer.latency_ms / 1000, 3.0), 180.0) + _READING[answer.ok]
        charged = max(seconds, track.seconds)  # who is quick is done early, not given more
        self.spent[answer.day] = self.spent.get(answer.day, 0.0) + charged
        if track.answers == 0:
            self.started[answer.day] = self.started.get(answer.day, 0) + 1
            self.spent_on_new[answer.day] = self.spent_on_new.get(answer.day, 0.0) + charged
        if answer.latency_ms:
            track.seconds += 0.3 * (seconds - track.seconds)
        times, _ = track.asked.get(answer.item, (0, 0))
        track.asked[answer.item] = (times + 1, self._place)
        track.last_item = answer.item
        self.beliefs.answered(answer)
        self.placed.answered(answer, first=track.answers == 0)
        shown = Shown(
            ok=answer.ok,
            p=answer.p,
            chance=answer.chance,
            knows_not=answer.option is None,
            kind=answer.kind,
            latency_ms=answer.latency_ms,
        )
        if (track.last is None or answer.day > track.last) and not self.habits.rapid(shown):
            self._rate(track, answer.day, answer.item, shown, answer.misconception)
        self._touch(track, answer.day)

    def _result(self, result: Result) -> None:
        """A lab's first result settles its bet, whichever run gave it: the run that the bet names may have
        failed or been stopped. Who has seen the lab's outcome is not betting any more."""
        bet = self._bets.get(result.lab)
        seen_before = result.lab in self.settled
        self.settled.setdefault(result.lab, result.day)
        track = self.tracks.get(bet.claim) if bet else None
        if bet is None or track is None or seen_before:
            return
        if result.band is not None and (track.last is None or result.day > track.last):
            shown = Shown(
                ok=bet.band == result.band,
                p=bet.p,
                chance=1 / bet.bands,
                knows_not=bet.band is None,
                kind="bet",
            )
            self._rate(track, result.day, f"lab:{bet.lab}", shown, None)
        self._touch(track, result.day)  # an interval across an edge grades nobody, but it was seen

    def _touch(self, track: Track, day: date) -> None:
        """Any answer shows the truth, so the claim is not due again before the next day."""
        track.answers += 1
        track.last = day if track.last is None else max(track.last, day)
        tomorrow = track.last + _DAY
        track.due = tomorrow if track.due is None else max(track.due, tomorrow)
        if track.check_due is not None:
            track.check_due = max(track.check_due, tomorrow)

    def _rate(self, track: Track, day: date, item: str, shown: Shown, misconception: str | None) -> None:
        first = track.card is None
        known = self.modelled(track, day)
        rating = self.habits.rate(shown, known, first=first)
        if not first:
            still_known = 1.0 if shown.ok else 0.0 if shown.knows_not else -shown.chance / (1 - shown.chance)
            self.kept += RECENT * (still_known - self.kept)
        self.habits.note(shown, track.entry, first=first)
        if shown.ok:
            track.streak += 1
        else:
            track.lapses += any(r.ok for r in track.rated)
            track.streak = 0
        predicted = self._remember(track, day, known, shown, shown.p, rating)
        if predicted is not None:
            self.foreseen.append((predicted, shown.ok))
        track.due = day + self._interval(track, day)
        track.rated.append(
            Rated(
                day,
                item,
                shown.kind,
                shown.ok,
                shown.p,
                rating,
                predicted,
                shown.chance,
                shown.knows_not,
                self._place,
            )
        )
        self._owe_checks(track, day, shown, rating, misconception)
        if not shown.ok:
            watched = track.rated[max(track.watched, len(track.rated) - WINDOW) :]
            if is_leech([r.ok for r in watched]):
                self.rests.slipped(track.claim, day)
                track.watched = len(track.rated)

    def _remember(
        self, track: Track, day: date, known: float, seen: Seen, p: float, rating: Name
    ) -> float | None:
        """What a rated answer, stated with `p` where the recall `known` was modelled, does to all that rests on the
        memory model. Returns the probability of a right answer as foreseen; None on the first ask."""
        predicted: float | None = None
        if track.card is not None:
            predicted = self.model.learn(known, track.record, seen)
        days = (day - track.rated[-1].day).days if track.rated else 0
        track.card = self.model.review(track.card, rating, days)
        n = len(track.rated)  # one more answer, counted as neither, keeps a single one from saying too much
        track.record = (track.record * (n + 1) + (p if seen.ok else -p)) / (n + 2)
        track.chance = seen.chance
        return predicted

    def _take_up(self, event: Weights) -> None:
        """Puts parameters in force: all that rests on the memory model becomes what it had been under them from the
        first answer on. Ratings stay, and so does what was foreseen. Numbers that cannot be parameters are passed
        over; those in force already say that a fit was tried."""
        if event.weights and not usable(event.weights):
            return
        self.latest_fit, self.tried = event, self.reviews
        if event.weights == self.model.weights:
            return
        self.fitted = event if event.weights else None
        # Scalar and foresight start over: they had learnt what the old parameters got wrong.
        self.model = Forgetting(event.weights)
        tracks = [track for track in self.tracks.values() if track.rated]
        history = [(rated.place, rated, track) for track in tracks for rated in track.rated]
        history.sort(key=itemgetter(0))
        latest = {track.claim: track.rated[-1] for track in tracks}
        for track in tracks:
            track.card, track.record, track.rated = None, 0.0, []
        for _, rated, track in history:
            day = rated.day
            self._remember(track, day, self.modelled(track, day), rated, rated.p, rated.rating)
            track.rated.append(rated)
            if rated is latest[track.claim] and track.last is not None:  # seen again since then, perhaps
                track.due = max(day + self._interval(track, day), track.last + _DAY)

    def _interval(self, track: Track, day: date) -> timedelta:
        """Whole days until recall falls to 90 %; beyond a week spread by up to 5 % so that claims that were
        learnt together do not come back together."""
        assert track.card is not None
        days = self.model.wait(track.card)
        if days > 7:
            days *= 0.95 + 0.1 * crc32(f"{track.claim}:{day.isoformat()}".encode()) / 2**32
        return timedelta(days=min(max(round(days), 1), LONGEST))

    def _owe_checks(
        self, track: Track, day: date, shown: Shown, rating: Name, misconception: str | None
    ) -> None:
        """A confident error that is corrected and then forgotten comes back, so look after 1 and 7 days."""
        if not shown.ok and not shown.knows_not and shown.p >= CONFIDENT:
            track.checks, track.check_due, track.lure = 2, day + _DAY, misconception
            track.confident_error = day
        elif track.checks and shown.ok:
            if rating in ("good", "easy"):
                track.checks -= 1
            wait = {2: 1, 1: 7}.get(track.checks)
            track.check_due = None if wait is None else day + timedelta(days=wait)
        elif track.checks:
            track.check_due = day + _DAY


_latest: list[tuple[Bank, list[Event], Fold]] = []


def fold(events: Sequence[Event], bank: Bank) -> Fold:
    """State after `events`, which are sorted as `Progress.events` gives them.

    The last fold is kept: the usual call has one event more than the one before. It is used again only where
    the earlier events are the same, so that the result depends on the arguments alone.
    """
    given = list(events)
    if _latest:
        held_bank, held, state = _latest[0]
        if held_bank is bank and given[: len(held)] == held:
            state.feed(given[len(held) :])
            _latest[0] = (bank, given, state)
            return state
    state = Fold(bank)
    state.feed(given)
    _latest[:] = [(bank, given, state)]
    return state


def memory(
    events: Sequence[Event], bank: Bank, now: datetime, *, minutes: float = DEFAULT_MINUTES
) -> dict[str, Memory]:
    """Memory of every claim at `now`, a time in the learner's zone; `minutes` is the daily budget."""
    return fold(events, bank).memory(local_day(now), minutes)

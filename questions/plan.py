"""What to do today, within the minutes given. Pure: bank, labs, events and clock in, a list of items out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence, Set
from datetime import date, datetime, timedelta
from math import ceil
from typing import Final, Literal

from msgspec import Struct

from questions.arranging import Arranging
from questions.events import Event, local_day
from questions.schedule import Fold, Memory, fold
from questions.shapes import Bank, Question
from questions.track import SECONDS
from questions.variants import at_first_sight, shuffle_seed, variant

Why = Literal["due", "new", "recheck", "extra"]

WAGER_SECONDS: Final = 90.0  # of the learner's time: the bet, the readout and the explanation
LAB_SHARE: Final = 0.3  # of the budget, at most
NEW_A_DAY: Final = 10
NEW_SHARE: Final = 0.65  # of the budget, for claims never asked while there are any
KEEPS: Final = 0.2  # of what is asked again: who still knows less of it meets new claims more slowly,
SLOWEST: Final = 0.4  # at most by this factor
SPACED: Final = 12  # days since the last look after which half of the benefit of waiting is there
_DAY: Final = timedelta(days=1)


class LabRef(Struct, frozen=True):
    """What the plan needs to know of a lab: its id, the claim of its bet, all claims it settles."""

    id: str
    claim: str
    claims: tuple[str, ...] = ()


class Ask(Struct, frozen=True):
    """A question to ask; `order_seed` shuffles its options."""

    question_id: str
    claim: str
    why: Why
    order_seed: int


class Wager(Struct, frozen=True):
    """A lab to bet on and run."""

    lab_id: str
    claim: str


Item = Ask | Wager


class Plan(Struct, frozen=True, kw_only=True):
    """Items in the order to take them. `due` and `new` count items of this plan, never a backlog."""

    items: tuple[Item, ...]
    seconds: float
    due: int  # re-checks among them
    new: int  # labs on unseen claims among them
    tomorrow_minutes: int
    waiting: int  # due claims that did not fit
    more: bool  # nothing is planned any more, but there is something to go on with

    @property
    def minutes(self) -> int:
        return ceil(self.seconds / 60)


def plan(
    bank: Bank,
    labs: Sequence[LabRef],
    events: Sequence[Event],
    now: datetime,
    minutes: float,
    *,
    extra: bool = False,
) -> Plan:
    """Today's plan: re-checks of confident errors, labs where they say most, new claims, what else is due.

    What was answered today already counts against the budget. `extra` is for a learner who goes on after
    that: a fresh budget, filled up with the least certain claims and more new ones.
    """
    return plan_from(fold(events, bank), labs, local_day(now), minutes, extra=extra)


def plan_from(
    state: Fold, labs: Sequence[LabRef], today: date, minutes: float, *, extra: bool = False
) -> Plan:
    """The same for a caller who keeps the fold: `benchmarks.learning` plans tens of thousands of days."""
    return _Planner(state.bank, labs, state, today, minutes * 60, extra).plan()


def entry_of_next_new(state: Fold, today: date, entries: Container[str]) -> str | None:
    """Which of these entries the next new claim of any of them belongs to; None where none of their claims is left."""
    claims = _Planner(state.bank, (), state, today, 0, extra=True).next_new()
    return next((entry for claim in claims if (entry := state.bank.claims[claim].entry) in entries), None)


def _by_least_known(state: Fold, entries: Iterable[str]) -> list[str]:
    """The entries in the order in which they are begun: first the one of whose claims the smallest share is met or,
    going by its first asks, known already. So one whose first asks went badly comes earlier, by no more than its lead
    makes up for; and where nothing was asked they come in the bank's order."""
    places = {entry: n for n, entry in enumerate(state.bank.entries)}

    def known(entry: str) -> float:
        claims = state.bank.claims_of(entry)
        met = sum(state.tracks[c.id].answers > 0 for c in claims) / len(claims)
        return met + (1 - met) * state.habits.topic_prior(entry)

    return sorted(entries, key=lambda entry: (known(entry), places[entry]))


class _Planner:
    """One plan in the making: what is chosen, and what is left of the budgets."""

    def __init__(
        self, bank: Bank, labs: Sequence[LabRef], state: Fold, today: date, budget: float, extra: bool
    ) -> None:
        self.bank = bank
        self.state = state
        self.today = today
        self.budget = budget
        self.extra = extra
        self.memories = state.memory(today, budget / 60)
        wagered = state.wagered.get(today, 0)
        self.left = budget if extra else budget - state.spent.get(today, 0.0) - wagered * WAGER_SECONDS
        self.wagers_left = (1 if budget < 15 * 60 else 2) - wagered
        self.lab_left = LAB_SHARE * budget - wagered * WAGER_SECONDS
        self.lab_of: dict[str, LabRef] = {}
        for lab in labs:
            if lab.id not in state.settled and lab.claim in bank.claims:
                self.lab_of.setdefault(lab.claim, lab)
        self.put_off = {bank.questions[q].claim for q in state.skipped.get(today, ()) if q in bank.questions}
        self.put_off |= {bet.claim for bet in state.open_bets() if bet.day == today}  # its run is on
        self.items: list[Item] = []
        self.cost: dict[str, float] = {}  # by claim
        self.new = 0
        self.due = 0
        self.waiting = 0

    def plan(self) -> Plan:
        free = self._free()
        due = [m for m in free if m.due is not None and m.due <= self.today]
        for memory in sorted((m for m in due if m.state == "recheck"), key=lambda m: (m.due, m.claim)):
            self._ask_or_wait(memory, "recheck")
        owed = {m.claim for m in due}
        self._take_labs(owed)
        unseen = [m.claim for m in free if m.state == "unseen"]
        self._take_new(unseen, self._new_share())
        for memory in self._queue([m for m in due if m.state != "recheck" and m.claim not in self.cost]):
            self._ask_or_wait(memory, "due")
        if self._away():  # one comes back to what one has met, then goes on
            self.items.sort(key=lambda item: not (isinstance(item, Ask) and item.why == "due"))
        seen = [m for m in free if m.state != "unseen" and m.claim not in self.cost]
        if self.extra:
            for memory in sorted((m for m in seen if m.claim not in owed), key=self._worth):
                self._ask(memory, "extra")
            self._take_new([c for c in unseen if c not in self.cost], self.left)
        rest = any(self._can_be_asked(m.claim) for m in free if m.claim not in self.cost)
        items = self._arranged()
        return Plan(
            items=tuple(items),
            seconds=sum(self.cost.values()),
            due=self.due,
            new=self.new,
            tomorrow_minutes=self._tomorrow(),
            waiting=self.waiting,
            more=not items and rest,
        )

    def next_new(self) -> Iterator[str]:
        """Unseen claims in the order in which they are taken, whatever the minutes."""
        return self._in_teaching_order([m.claim for m in self._free() if m.state == "unseen"])

    # choosing

    def _free(self) -> list[Memory]:
        """Claims whose truth was not seen today and that are not put off."""
        return [
            m
            for m in self.memories.values()
            if (m.last is None or m.last < self.today) and m.claim not in self.put_off and not m.rest
        ]

    def _new_share(self) -> float:
        """Seconds for claims never asked, whatever is due. Where forgetting is fast nearly everything seen is due
        every day, and a share that shrank with that left half of a bank unasked (benchmarks.learning)."""
        share = NEW_SHARE * min(max(self.state.kept / KEEPS, SLOWEST), 1.0)
        return share * self.budget - (0.0 if self.extra else self.state.spent_on_new.get(self.today, 0.0))

    def _take_new(self, unseen: Sequence[str], seconds: float) -> None:
        if seconds <= 0 or not unseen:
            return
        started = 0 if self.extra else self.state.started.get(self.today, 0)
        cheapest = min(self.memories[claim].seconds for claim in unseen)
        for claim in self._in_teaching_order(unseen):
            if self.new + started >= NEW_A_DAY:
                return
            if min(seconds, self.left) < cheapest and not (self.lab_of and self._room_for_a_lab()):
                return
            lab = self.lab_of.get(claim)
            if lab and self._wager(lab):
                self.new += 1
            elif self.memories[claim].seconds <= seconds and self._ask(self.memories[claim], "new"):
                self.new += 1
                seconds -= self.cost[claim]

    def _in_teaching_order(self, unseen: Sequence[str]) -> Iterator[str]:
        """Unseen claims whose prerequisites were met or chosen, one entry after the other, the entry of which
        least is known first. Reads what is chosen while it goes."""
        rows: dict[str, list[str]] = {}
        for claim in unseen:
            rows.setdefault(self.bank.claims[claim].entry, []).append(claim)
        order = _by_least_known(self.state, rows)
        moved = True
        while moved:
            moved = False
            for entry in order:
                ready = next((c for c in rows[entry] if self._ready(c)), None)
                if ready is not None:
                    rows[entry].remove(ready)
                    moved = True
                    yield ready

    def _ready(self, claim: str) -> bool:
        return all(
            self.state.tracks[needed].answers
            or needed in self.cost
            or needed in self.put_off  # its bet is locked, or it was skipped: neither holds the rest up
            or self.memories[needed].rest
            or not self._can_be_asked(needed)
            for needed in self.bank.claims[claim].requires
        )

    def _can_be_asked(self, claim: str) -> bool:
        """Whether `_question` finds one."""
        questions = self.bank.by_claim[claim]
        if self.state.tracks[claim].asked:
            return bool(questions)
        return bool(at_first_sight(questions))

    def _queue(self, due: list[Memory]) -> list[Memory]:
        """What is most worth a look first. After a week away: five across the range, which tells how much is left, then
        what is best remembered, so that coming back starts well."""
        if not self._away() or len(due) <= 5:
            return sorted(due, key=self._worth)
        by_recall = sorted(due, key=lambda m: (-m.recall, m.claim))
        warm_up = [by_recall[round(n * (len(due) - 1) / 4)] for n in range(5)]
        return warm_up + [m for m in by_recall if m not in warm_up]

    def _away(self) -> bool:
        return self.state.day is not None and self.today - self.state.day >= 7 * _DAY

    def _worth(self, memory: Memory) -> tuple[float, str]:
        """Sort key: likely forgotten, and not seen just now. A look soon after the last one adds little under every
        law of forgetting, so each day between counts, with diminishing returns."""
        assert memory.last is not None
        days = (self.today - memory.last).days
        return -(1 - memory.recall) * days / (days + SPACED), memory.claim

    def _ask_or_wait(self, memory: Memory, why: Why) -> None:
        if self._ask(memory, why):
            self.due += 1
        else:
            self.waiting += self._can_be_asked(memory.claim)

    def _ask(self, memory: Memory, why: Why) -> bool:
        question = self._question(memory.claim) if memory.seconds <= self.left else None
        if question is None:
            return False
        self.items.append(self._asking(question, why))
        self._pay(memory.claim, memory.seconds)
        return True

    def _asking(self, question: Question, why: Why) -> Ask:
        track = self.state.tracks[question.claim]
        return Ask(question.id, question.claim, why, shuffle_seed(question, track, self.today))

    def _question(self, claim: str) -> Question | None:
        """Its turn's variant; for a re-check one that offers the same lure."""
        memory = self.memories[claim]
        lure = memory.lure if memory.state == "recheck" else None
        return variant(self.bank.by_claim[claim], self.state.tracks[claim], lure)

    def _take_labs(self, due: Set[str]) -> None:
        """Labs on claims that were seen, where an experiment says more than another question. They choose before new
        claims do: a lab on a confident error takes more misconceptions away (benchmarks.learning)."""
        if self.wagers_left < 1 or self.lab_left < WAGER_SECONDS:
            return
        misled = {claim for held in self.state.beliefs.held() for claim in held.claims}
        scored = [(self._lab_score(claim, claim in misled), lab) for claim, lab in self.lab_of.items()]
        for _, lab in sorted((s for s in scored if s[0] >= 2), key=lambda s: -s[0]):
            asked = next((i for i in self.items if isinstance(i, Ask) and i.claim == lab.claim), None)
            refund = self.cost.get(lab.claim, 0.0)
            self.left += refund
            if self._wager(lab):
                if asked:
                    self.items.remove(asked)
                else:
                    self.due += lab.claim in due
            else:
                self.left -= refund

    def _lab_score(self, claim: str, misled: bool) -> int:
        track = self.state.tracks[claim]
        if track.answers == 0 or claim in self.put_off or (track.last and track.last >= self.today):
            return 0
        slipped = track.confident_error is not None and self.today - track.confident_error <= 7 * _DAY
        twice = [r.rating for r in track.rated[-2:]] == ["again", "again"]
        rest = self.memories[claim].rest
        if rest and rest.why == "asked":
            return 0
        leech = rest is not None  # gets its lab, not a question
        return 1 + 3 * slipped + 2 * misled + twice + 2 * leech

    def _wager(self, lab: LabRef) -> bool:
        if not self._room_for_a_lab():
            return False
        if any(isinstance(i, Wager) and i.claim == lab.claim for i in self.items):
            return False
        self.items.append(Wager(lab.id, lab.claim))
        self.wagers_left -= 1
        self.lab_left -= WAGER_SECONDS
        self._pay(lab.claim, WAGER_SECONDS)
        return True

    def _room_for_a_lab(self) -> bool:
        return self.wagers_left >= 1 and min(self.lab_left, self.left) >= WAGER_SECONDS

    def _pay(self, claim: str, seconds: float) -> None:
        self.cost[claim] = seconds
        self.left -= seconds

    # arranging

    def _arranged(self) -> list[Item]:
        """See `Arranging`; after a week away topics are not mixed, since the order of `_queue` has its reasons then. A
        learner's very first item is a question."""
        queued = self._away()
        arranging = Arranging(
            self.items,
            self.bank.claims,
            is_lab=lambda item: isinstance(item, Wager),
            urgency=lambda item: item.why if isinstance(item, Ask) and not queued else item,
        )
        arranged = arranging.arranged()
        fresh = not any(t.answers for t in self.state.tracks.values())
        if fresh and arranged and isinstance(arranged[0], Wager):
            self._question_first(arranged)
        return arranged

    def _question_first(self, arranged: list[Item]) -> None:
        """Asks about the first claim instead of opening its lab, where only labs are ready."""
        first = arranged[0]
        question = self._question(first.claim)
        if question is not None:
            arranged[0] = self._asking(question, "new")
            self.cost[first.claim] = min(self.memories[first.claim].seconds, self.cost[first.claim])

    def _tomorrow(self) -> int:
        """Minutes that will be due tomorrow if today's plan is done: what is due by then, what today's items
        are expected to get wrong, and new claims."""
        tomorrow = self.today + _DAY
        seconds = 0.0
        unseen = 0.0
        for memory in self.memories.values():
            if memory.claim in self.cost:
                seconds += (1 - memory.recall) * memory.seconds
            elif memory.due is not None and memory.due <= tomorrow:
                seconds += memory.seconds
            elif memory.state == "unseen" and not memory.rest and self._can_be_asked(memory.claim):
                unseen += SECONDS
        seconds += min(unseen, NEW_SHARE * self.budget, NEW_A_DAY * SECONDS)
        return ceil(min(seconds, self.budget) / 60)

"""Section 8 of the learning loop's specification, written down once more: slowly, plainly, and not from our code.

Events go in one by one; everything is worked out anew from lists of all that was ever rated. Where the specification
leaves a number open, the one chosen by `questions` stands in OPEN, with the reason beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import fmean

from fsrs.scheduler import DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS

from questions.events import Answer, Bet, Event, Pause, Placement, Reason, Result, Weights
from questions.shapes import Bank

OPEN = {
    "topic_prior": 0.3,  # 8.5 says "shrunk", not towards what
    "pseudo": 4,  # 8.5 gives it for levels; it serves topics too
    "window": 51,  # 8.5 says "own median": of the newest answers of that kind
    "times_for_easy": 5,  # 8.5 does not say how many times make a median
    "prior_edges": (0.02, 0.98),  # odds of 0 and 1 are no odds
    "lapse": "any miss but that of the first meeting",  # 8.10 counts lapses without saying what one is
    "a after a fit": "as if the new weights had always been there",  # 8.6 does not say; ratings stay as they were given
}
DEFAULTS = (0.05, 0.33, 1.0, 4.3, 16.0)  # 8.5
LEVELS = (0.5, 0.7, 0.9, 0.97)  # 8.4, after chance
NOT_MCQ = {"band", "output", "number", "bug", "order", "bet"}  # 8.8 (2)
AGAIN, HARD, GOOD, EASY = 1, 2, 3, 4


def clamp(low: float, x: float, high: float) -> float:
    return max(low, min(high, x))


def odds(p: float) -> float:
    return p / (1 - p)


def level_of(p: float, chance: float) -> int:
    """8.4: which of chance, 50, 70, 90, 97 % was stated."""
    if p <= chance or p < 0.45:
        return 0
    return min(range(4), key=lambda n: abs(LEVELS[n] - p)) + 1


@dataclass
class Fact:
    """The first answer to a claim on a day."""

    day: date
    item: str
    kind: str
    ok: bool
    p: float
    chance: float
    knows_not: bool
    rating: int


@dataclass
class Card:
    """What is known of a claim."""

    entry: str
    facts: list[Fact] = field(default_factory=list)
    answers: int = 0
    seen: date | None = None
    stability: float = 0.0  # of FSRS, not calibrated
    difficulty: float = 0.0
    due: date | None = None  # without fuzz
    checks: int = 0
    check_due: date | None = None
    leech: date | None = None  # asked again from that day on
    fresh: int = 1  # facts before this place count for no leech


class Specification:
    """The state after events."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank
        self.cards = {claim.id: Card(claim.entry) for claim in bank.claims.values()}
        self.a = 0.0
        self.times: dict[str, list[int]] = {}
        self.picks: dict[str, list[tuple[date, str, bool]]] = {}  # misconception: day, claim, confident
        self.passed: dict[str, set[date]] = {}
        self.cleared: list[tuple[str, date]] = []
        self.bets: dict[str, Bet] = {}
        self.settled: set[str] = set()
        self.asked: dict[str, Answer] = {}
        self.pauses: list[Pause] = []
        self.placing: date | None = None  # day of the placement that is open
        self.placed: list[Answer] = []  # what was answered first in the latest one
        self.moments: list[datetime] = []
        self.placement_over = False  # ended or declined, ever
        self.order: list[tuple[Card, Fact]] = []
        self.weigh(DEFAULT_PARAMETERS)

    def weigh(self, weights: tuple[float, ...]) -> None:
        self.w, self.decay = weights, -weights[20]
        self.factor = 0.9 ** (1 / self.decay) - 1

    def feed(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Answer):
                self.answer(event)
            elif isinstance(event, Reason):
                self.reason(event)
            elif isinstance(event, Bet):
                self.bets[event.lab] = event
            elif isinstance(event, Result):
                self.result(event)
            elif isinstance(event, Pause):
                self.pauses.append(event)
                if not event.on and event.what in self.cards:
                    self.cards[event.what].leech = None
            elif isinstance(event, Placement) and event.over:
                self.placing, self.placement_over = None, True
            elif isinstance(event, Placement):
                self.placing, self.placed, self.moments = event.day, [], [event.at]
            elif isinstance(event, Weights):
                self.refit(event.weights or DEFAULT_PARAMETERS)

    # 8.3, 8.5: what counts

    def answer(self, answer: Answer) -> None:
        card = self.cards[answer.claim]
        self.asked[answer.id] = answer
        if card.answers == 0 and self.placing == answer.day:
            self.placed.append(answer)
            self.moments.append(answer.at)
        if answer.ok:
            self.resist(self.lures(answer.item), answer.day)
        elif answer.misconception:
            self.pick(answer.misconception, answer.claim, answer.day, answer.p >= 0.7)
        knows_not = answer.option is None
        usual = self.median(answer.kind) or 0
        rapid = not knows_not and answer.p <= 0.5 and 0 < answer.latency_ms < max(2000, 0.1 * usual)
        if card.seen != answer.day and not rapid:
            fact = Fact(
                answer.day, answer.item, answer.kind, answer.ok, answer.p, answer.chance, knows_not, 0
            )
            self.rate(card, fact, answer.latency_ms)
        self.see(card, answer.day)

    def result(self, result: Result) -> None:
        bet, first = self.bets.get(result.lab), result.lab not in self.settled
        self.settled.add(result.lab)
        if bet is None or not first:
            return
        card = self.cards[bet.claim]
        if result.band is not None and card.seen != result.day:
            ok, item = bet.band == result.band, f"lab:{bet.lab}"
            self.rate(card, Fact(result.day, item, "bet", ok, bet.p, 1 / bet.bands, bet.band is None, 0), 0)
        self.see(card, result.day)

    def see(self, card: Card, day: date) -> None:
        """Whoever has seen the truth is not asked again on the same day."""
        card.answers += 1
        card.seen = day
        tomorrow = day + timedelta(days=1)
        card.due = max(card.due or tomorrow, tomorrow)
        if card.check_due:
            card.check_due = max(card.check_due, tomorrow)

    # 8.5: rating

    def median(self, kind: str) -> float | None:
        times = sorted(self.times.get(kind, [])[-OPEN["window"] :])
        return times[len(times) // 2] if times else None

    def known_share(self, facts: Iterable[Fact]) -> tuple[int, float]:
        """How many, and how many of them were known once guessing is taken off."""
        values = [0.0 if f.knows_not else 1.0 if f.ok else -f.chance / (1 - f.chance) for f in facts]
        return len(values), sum(values)

    def topic_prior(self, entry: str) -> float:
        firsts = [card.facts[0] for card in self.cards.values() if card.entry == entry and card.facts]
        n, known = self.known_share(firsts)
        pseudo = OPEN["pseudo"]
        return clamp(0.05, (pseudo * OPEN["topic_prior"] + known) / (pseudo + n), 0.95)

    def confidence_ratio(self, level: int) -> float:
        """P(level | known) / P(level | not known), from personal counts that start as the defaults."""
        facts = [fact for card in self.cards.values() for fact in card.facts]
        pseudo, start = OPEN["pseudo"], [ratio / (1 + ratio) for ratio in DEFAULTS]
        n, known = self.known_share(f for f in facts if level_of(f.p, f.chance) == level)
        here = clamp(0.02, (pseudo * start[level] + known) / (pseudo + n), 0.98)
        n, known = self.known_share(facts)
        overall = clamp(0.05, (5 * pseudo * fmean(start) + known) / (5 * pseudo + n), 0.95)
        return odds(here) / odds(overall) * odds(fmean(start))

    def rate(self, card: Card, fact: Fact, latency: int) -> None:
        first = not card.facts
        prior = self.topic_prior(card.entry) if first else self.recall(card, fact.day)
        if not fact.ok or fact.knows_not:
            fact.rating = AGAIN
        else:
            ratio = self.confidence_ratio(level_of(fact.p, fact.chance))
            after = (
                odds(clamp(*(OPEN["prior_edges"][0], prior, OPEN["prior_edges"][1]))) / fact.chance * ratio
            )
            known = after / (1 + after)
            fact.rating = AGAIN if known < 0.5 else HARD if known < 0.75 else GOOD
            quick = 0 < latency <= (self.median(fact.kind) or 0)
            enough = len(self.times.get(fact.kind, [])) >= OPEN["times_for_easy"]
            if first and known > 0.98 and fact.p >= 0.9 and fact.kind != "bet" and quick and enough:
                fact.rating = EASY
        self.remember(card, fact)
        self.order.append((card, fact))
        if latency:
            self.times.setdefault(fact.kind, []).append(latency)
        self.owe(card, fact)
        if not fact.ok and [f.ok for f in card.facts[card.fresh :][-8:]].count(False) == 4:
            card.leech, card.fresh = fact.day + timedelta(days=14), len(card.facts)

    # 8.11: placement

    def placement_seconds(self, now: datetime) -> float:
        """From its begin to now, with at most three minutes between one thing and the next."""
        gaps = [(b - a).total_seconds() for a, b in pairwise([*self.moments, now])]
        return sum(clamp(0, gap, 180) for gap in gaps)

    def ability(self, entry: str) -> tuple[float, float]:
        """Posterior mean and standard deviation after the latest placement, by the midpoint rule on [-6, 6]."""
        thetas = [-6 + 0.02 * (n + 0.5) for n in range(600)]
        density = [math.exp(-t * t / 2) for t in thetas]
        for answer in self.placed:
            question = self.bank.questions[answer.item]
            if question.entry != entry:
                continue
            b = {1: -1.5, 2: -0.75, 3: 0.0, 4: 0.75, 5: 1.5}[question.difficulty]
            for n, theta in enumerate(thetas):
                p = answer.chance + (1 - answer.chance) / (1 + math.exp(-(theta - b)))
                density[n] *= p if answer.ok else 1 - p
        mean = sum(d * t for d, t in zip(density, thetas, strict=True)) / sum(density)
        square = sum(d * t * t for d, t in zip(density, thetas, strict=True)) / sum(density)
        return mean, math.sqrt(square - mean * mean)

    # 8.6: FSRS-6, rechecks
    # 8.6: recalibration, FSRS-6, fits, rechecks

    def remember(self, card: Card, fact: Fact) -> None:
        """What a rated fact does to a, to the card and to its due day."""
        if card.facts:
            known = self.recall(card, fact.day)
            right = known if fact.knows_not else known + (1 - known) * fact.chance
            self.a = clamp(-4, self.a + 0.08 * (fact.ok - right), 2)
            self.review(card, fact.rating, (fact.day - card.facts[-1].day).days, False)
        else:
            self.review(card, fact.rating, 0, True)
        card.facts.append(fact)
        card.due = fact.day + timedelta(days=clamp(1, round(self.stability(card)), 365))

    def refit(self, weights: tuple[float, ...]) -> None:
        """Tells the whole story again under other weights; the ratings are part of the story."""
        within = [
            low <= weight <= high
            for low, weight, high in zip(
                LOWER_BOUNDS_PARAMETERS, weights, UPPER_BOUNDS_PARAMETERS, strict=False
            )
        ]
        if len(weights) != 21 or not all(within) or weights == self.w:
            return
        self.weigh(weights)
        self.a = 0.0
        for card in self.cards.values():
            card.facts = []
        for card, fact in self.order:
            self.remember(card, fact)
        for card in self.cards.values():
            if card.facts and card.seen:
                card.due = max(card.due or card.seen, card.seen + timedelta(days=1))

    def review(self, card: Card, rating: int, elapsed: int, first: bool) -> None:
        w = self.w
        start = {g: w[4] - math.exp(w[5] * (g - 1)) + 1 for g in (AGAIN, HARD, GOOD, EASY)}
        if first:
            card.stability, card.difficulty = max(w[rating - 1], 0.001), clamp(1, start[rating], 10)
            return
        d, s = card.difficulty, card.stability
        r = (1 + self.factor * elapsed / s) ** self.decay
        if rating == AGAIN:
            lapsed = w[11] * d ** -w[12] * ((s + 1) ** w[13] - 1) * math.exp((1 - r) * w[14])
            new = min(lapsed, s / math.exp(w[17] * w[18]))
        else:
            factor = w[15] if rating == HARD else w[16] if rating == EASY else 1.0
            new = s * (1 + math.exp(w[8]) * (11 - d) * s ** -w[9] * (math.exp((1 - r) * w[10]) - 1) * factor)
        damped = d - w[6] * (rating - 3) * (10 - d) / 9
        card.difficulty = clamp(1, w[7] * start[EASY] + (1 - w[7]) * damped, 10)
        card.stability = max(new, 0.001)

    def stability(self, card: Card) -> float:
        return card.stability * math.exp(self.a)

    def recall(self, card: Card, today: date) -> float:
        elapsed = max(0, (today - card.facts[-1].day).days)
        return (1 + self.factor * elapsed / self.stability(card)) ** self.decay

    def owe(self, card: Card, fact: Fact) -> None:
        day = timedelta(days=1)
        if not fact.ok and not fact.knows_not and fact.p >= 0.7:
            card.checks, card.check_due = 2, fact.day + day
        elif card.checks and fact.ok:
            card.checks -= fact.rating >= GOOD
            card.check_due = {2: fact.day + day, 1: fact.day + 7 * day}.get(card.checks)
        elif card.checks:
            card.check_due = fact.day + day

    # 8.10: pauses and leeches

    def rest(self, claim: str, today: date) -> tuple[str, date | None] | None:
        """Why a claim is left alone today, and until when (None: no end is set)."""
        card = self.cards[claim]
        reasons: list[tuple[str, date | None]] = []
        said = [pause for pause in self.pauses if pause.what in (claim, card.entry)]
        if said and said[-1].on:
            reasons.append(("asked", said[-1].until))
        if card.leech:
            reasons.append(("leech", card.leech))
        reasons = [reason for reason in reasons if reason[1] is None or today < reason[1]]
        return max(reasons, key=lambda reason: reason[1] or date.max, default=None)

    # 8.2: misconceptions

    def lures(self, item: str) -> set[str]:
        return {choice.misconception for choice in self.bank.questions[item].options if choice.misconception}

    def reason(self, reason: Reason) -> None:
        answer = self.asked[reason.answer]
        reasons = self.bank.questions[answer.item].authored_reasons
        carried = {choice.id: choice.misconception for choice in reasons}
        if reason.ok:
            self.resist({m for m in carried.values() if m}, reason.day)
        elif belief := carried[reason.option]:
            self.pick(belief, answer.claim, reason.day, False)

    def pick(self, belief: str, claim: str, day: date, confident: bool) -> None:
        self.picks.setdefault(belief, []).append((day, claim, confident))
        self.passed[belief] = set()

    def resist(self, lures: set[str], day: date) -> None:
        for belief in sorted(lures & set(self.misconceived())):
            if day > self.picks[belief][-1][0]:
                self.passed[belief].add(day)
            if len(self.passed[belief]) == 2:
                del self.picks[belief], self.passed[belief]
                self.cleared.append((belief, day))

    def misconceived(self) -> list[str]:
        return [m for m, picks in self.picks.items() if len(picks) >= 2 or any(sure for _, _, sure in picks)]

    # 8.2, 8.8: states

    def state(self, claim: str, today: date, recall: float | None = None) -> str:
        card = self.cards[claim]
        if card.answers <= 1:
            return ("unseen", "asked")[card.answers]
        facts, good = card.facts, [f for f in card.facts if f.ok and f.p >= 0.5]
        pairs = [(a, b) for a in good for b in good if (b.day - a.day).days >= 7 and a.item != b.item]
        mixed = any(a.kind in NOT_MCQ or b.kind in NOT_MCQ for a, b in pairs)
        open_here = any(claim in {c for _, c, _ in self.picks[m]} for m in self.misconceived())
        slips = any(not f.ok and not f.knows_not and f.p >= 0.7 for f in facts[-2:])
        if not facts or not facts[-1].ok or not mixed or open_here or slips:
            return "learning"
        if (self.recall(card, today) if recall is None else recall) < 0.85 or self.stability(card) < 14:
            return "learning"
        gap = any((b.day - a.day).days >= 21 and b.ok for a, b in pairwise(facts))
        return "durable" if self.stability(card) >= 60 and gap else "holding"


# 8.13


def wilson(right: int, n: int) -> tuple[float, float]:
    """The two roots of (x - p)^2 = z^2 x (1 - x) / n."""
    z2, p = 1.96**2, right / n
    a, b, c = 1 + z2 / n, -(2 * p + z2 / n), p * p
    root = math.sqrt(b * b - 4 * a * c)
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def said(events: list[Event]) -> list[tuple[int, float, bool]]:
    """(level, p, right) of every answer and settled bet with a pick."""
    rows, bets, settled = [], {}, set()
    for event in events:
        if isinstance(event, Answer) and event.option is not None:
            rows.append((level_of(event.p, event.chance), event.p, event.ok))
        elif isinstance(event, Bet):
            bets[event.lab] = event
        elif isinstance(event, Result) and event.lab not in settled:
            settled.add(event.lab)
            bet = bets.get(event.lab)
            if bet and bet.band is not None and event.band is not None:
                rows.append((level_of(bet.p, 1 / bet.bands), bet.p, bet.band == event.band))
    return rows

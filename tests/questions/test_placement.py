"""A placement: what it asks next, when it is over, what it says, and what it leaves as it was."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from itertools import combinations
from math import exp, sqrt
from pathlib import Path
from random import Random
from statistics import correlation, fmean

import numpy as np
import pytest
import section8
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sample_clock import CHINA
from sample_events import START, answer, logs, wrong
from sample_life import Life

from questions import catalog
from questions.ability import GRID, Tried, known, posterior
from questions.events import Bet, Event, Pause, Placement, Skip, local_day
from questions.grade import answered
from questions.placement import (
    AN_ENTRY,
    FEW,
    MOST,
    SECONDS,
    WANTED,
    Findings,
    findings,
    nearest,
    next_ask,
    next_question,
    offered,
    settled,
)
from questions.plan import Ask, plan_from
from questions.schedule import Fold
from questions.shapes import Bank, Question
from questions.variants import TYPED

TODAY = local_day(START)
EASY, MIDDLE, HARD = 1, 3, 5


@cache
def real() -> Bank:
    return catalog.load(catalog.BANK)


def tried(*answers: tuple[int, float, bool], entry: str = "E1") -> list[Tried]:
    return [Tried(entry, difficulty, chance, ok) for difficulty, chance, ok in answers]


any_answers = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from([0.01, 1 / 5, 1 / 4, 1 / 3]), st.booleans()), max_size=12
)


# ability


@given(any_answers)
@settings(deadline=None)
def test_mean_and_error_are_those_of_gauss_hermite_quadrature(answers: list[tuple[int, float, bool]]) -> None:
    thetas, weights = np.polynomial.hermite_e.hermegauss(60)  # exact for N(0, 1) up to degree 119
    density = weights.copy()
    for difficulty, chance, ok in answers:
        b = (-1.5, -0.75, 0, 0.75, 1.5)[difficulty - 1]
        p = chance + (1 - chance) / (1 + np.exp(b - thetas))
        density *= p if ok else 1 - p
    density /= density.sum()
    mean = float((density * thetas).sum())
    se = float(np.sqrt((density * (thetas - mean) ** 2).sum()))
    found = posterior(tried(*answers))
    assert found.mean == pytest.approx(mean, abs=1e-4)
    assert found.se == pytest.approx(se, abs=1e-4)


def test_before_any_answer_an_ability_is_standard_normal() -> None:
    found = posterior([])
    assert (found.mean, found.se) == pytest.approx((0, 1), abs=1e-3)
    assert [found.quantile(q) for q in (0.1, 0.5, 0.9)] == pytest.approx([-1.2816, 0, 1.2816], abs=5e-3)


def test_the_middle_difficulty_is_known_by_half_and_each_step_counts_the_same() -> None:
    assert known(0, MIDDLE) == 0.5
    assert known(0, EASY) == pytest.approx(1 / (1 + exp(-1.5)))
    assert known(0, HARD) == pytest.approx(1 / (1 + exp(1.5)))


def test_a_right_answer_says_less_where_it_is_easily_guessed() -> None:
    sure, guessed = (posterior(tried((MIDDLE, chance, True))) for chance in (0.01, 0.5))
    assert 0 < guessed.mean < sure.mean
    assert guessed.se > sure.se


@given(any_answers, st.integers(1, 5), st.sampled_from([1 / 4, 1 / 3]))
@settings(deadline=None)
def test_right_answers_raise_and_wrong_ones_lower_what_is_expected(
    answers: list[tuple[int, float, bool]], difficulty: int, chance: float
) -> None:
    before = posterior(tried(*answers))
    after = [posterior(tried(*answers, (difficulty, chance, ok))) for ok in (False, True)]
    assert after[0].mean < before.mean < after[1].mean
    assert chance < before.right(difficulty, chance) < 1
    for ability in (before, *after):
        assert sum(ability.weights) == pytest.approx(1)
        assert GRID[0] < ability.quantile(0.1) < ability.quantile(0.9) < GRID[-1]


def test_an_entry_is_settled_after_six_questions_or_once_its_error_is_below_a_half() -> None:
    unsure = posterior([])
    assert not settled(AN_ENTRY - 1, unsure)
    assert settled(AN_ENTRY, unsure)
    sure = posterior(tried(*[(MIDDLE, 0.01, ok) for ok in (True, False)] * 15))
    assert sure.se < 0.5 and settled(1, sure)


# what is asked


class Course:
    """A placement of somebody with these abilities, answering at this pace."""

    def __init__(
        self, bank: Bank, seed: int, *, abilities: dict[str, float] | None = None, pace: float = 20.0
    ) -> None:
        self.bank, self.random, self.pace = bank, Random(seed), pace
        self.abilities = abilities or {entry: self.random.gauss(0, 1) for entry in bank.entries}
        self.state = Fold(bank)
        self.log: list[Event] = []
        self.asked: list[Ask] = []
        self.expected: list[float] = []
        self.now = START
        self.record(Placement(asked=0, seconds=0.0, over=False))

    def record(self, event: Event) -> None:
        stamped = replace(event, id=f"{len(self.log):04}", at=self.now, day=local_day(self.now))
        self.log.append(stamped)
        self.state.feed([stamped])

    def step(self) -> bool:
        """Asks one question; whether there was one."""
        ask = next_ask(self.state, TODAY, self.now)
        if ask is None:
            return False
        question = self.bank.question(ask.question_id)
        of_entry = [t for t in self.state.placed.tried if t.entry == question.entry]
        self.expected.append(posterior(of_entry).right(question.difficulty, question.chance))
        p = known(self.abilities[question.entry], question.difficulty)
        p += (1 - p) * question.chance
        self.now += timedelta(seconds=self.pace)
        self.answer(question, self.random.random() < p)
        self.asked.append(ask)
        return True

    def answer(self, question: Question, ok: bool) -> None:
        drawn = question.drawn(1)
        pick = drawn.key if ok else None
        _, event = answered(drawn, pick, 0.7, latency_ms=9000, lang="en", order_seed=1)
        self.record(event)

    def whole(self) -> Course:
        while self.step():
            pass
        return self

    @property
    def questions(self) -> list[Question]:
        return [self.bank.question(ask.question_id) for ask in self.asked]


def test_it_ends_after_twenty_questions() -> None:
    course = Course(real(), 1).whole()
    assert len(course.asked) == MOST
    assert len({ask.claim for ask in course.asked}) == MOST


@pytest.mark.parametrize(("pace", "asked"), [(60, 8), (47, 11), (100, 5)])
def test_it_ends_after_eight_minutes(pace: float, asked: int) -> None:
    course = Course(real(), 1, pace=pace).whole()
    assert len(course.asked) == asked
    assert course.state.placed.seconds(course.now) >= SECONDS
    assert course.state.placed.seconds(course.now) - pace < SECONDS


def test_who_leaves_the_terminal_for_an_hour_has_lost_three_minutes() -> None:
    course = Course(real(), 1)
    course.step()
    course.now += timedelta(hours=1)
    assert course.state.placed.seconds(course.now) == 20 + 180
    course.step()
    assert course.state.placed.seconds(course.now) == 20 + 180


@pytest.mark.parametrize("seed", range(6))
def test_every_entry_has_its_turn_before_any_has_another(seed: int) -> None:
    course = Course(real(), seed)
    while course.step():
        counts = Counter(q.entry for q in course.questions)
        assert max(counts.values()) - min(counts[e] for e in real().entries) <= 1
    assert sorted(counts.values()) == [2, 2, 2, 2, 3, 3, 3, 3]


@pytest.mark.parametrize("seed", range(4))
def test_in_each_turn_the_entry_comes_first_that_least_is_known_of(seed: int) -> None:
    course = Course(real(), seed)
    errors: list[dict[str, float]] = []
    while len(course.asked) < MOST:
        of = {e: [t for t in course.state.placed.tried if t.entry == e] for e in real().entries}
        errors.append({e: posterior(answers).se for e, answers in of.items()})
        course.step()
    entries = [q.entry for q in course.questions]
    for place in range(8, 20):
        turn = place // 8 * 8
        waiting = set(real().entries) - set(entries[turn:place])
        assert errors[place][entries[place]] == max(errors[place][e] for e in waiting)


@pytest.mark.parametrize("seed", range(4))
def test_of_an_entry_the_question_comes_whose_answer_is_nearest_to_six_in_ten(seed: int) -> None:
    course = Course(real(), seed)
    met: set[str] = set()
    while course.step():
        question, expected = course.questions[-1], course.expected[-1]
        of_entry = [t for t in course.state.placed.tried if t.entry == question.entry][:-1]
        mean = posterior(of_entry)
        others = [
            q
            for q in real().questions.values()
            if q.entry == question.entry and q.claim not in met and q.kind not in (*TYPED, "two-step")
        ]
        assert question in others
        best = min(abs(mean.right(q.difficulty, q.chance) - WANTED) for q in others)
        assert abs(expected - WANTED) == best
        met.add(question.claim)


def test_a_claim_that_can_only_be_typed_is_asked_where_nothing_else_is_left() -> None:
    bank = real()
    typed = {c: tuple(q for q in qs if q.kind in TYPED) for c, qs in bank.by_claim.items()}
    course = Course(replace(bank, by_claim=typed), 1).whole()
    assert {q.kind for q in course.questions} <= set(TYPED)
    assert course.asked


def test_the_same_log_gives_the_same_next_question() -> None:
    course = Course(real(), 3)
    while course.step():
        fresh = Fold(real())
        fresh.feed(course.log)
        assert next_ask(fresh, TODAY, course.now) == next_ask(course.state, TODAY, course.now)
        assert next_ask(fresh, TODAY, course.now) == next_ask(fresh, TODAY, course.now)


def test_what_was_answered_before_is_not_asked_nor_what_is_paused_bet_on_or_put_off() -> None:
    course = Course(real(), 1)
    first = next_ask(course.state, TODAY, course.now)
    assert first is not None
    other = next(q for q in real().by_claim[first.claim] if q.id != first.question_id)
    for event in (
        answered(other.drawn(1), None, 0.5, latency_ms=9000, lang="en", order_seed=1)[1],
        Pause(what=first.claim),
        Bet(lab="l", claim=first.claim, band=0, bands=4, p=0.5, run="r"),
    ):
        course = Course(real(), 1)
        course.record(event)
        after = next_ask(course.state, TODAY, course.now)
        assert after is not None and after.claim != first.claim
    course = Course(real(), 1)
    course.record(Skip(item=first.question_id))
    assert next_ask(course.state, TODAY, course.now) != first


# when it may be begun, and gone on with


def test_it_is_offered_to_somebody_new_until_it_is_done_or_declined(bank: Bank) -> None:
    state = Fold(bank)
    assert offered(state, TODAY)
    assert next_ask(state, TODAY, START) is None  # not before it is begun
    few = [answer("E1.1", n) for n in range(FEW - 1)]
    state.feed(few)
    assert offered(state, TODAY)
    state.feed([answer("E1.1", FEW)])
    assert not offered(state, TODAY)
    declined = Fold(bank)
    declined.feed([Placement(id="p", at=START, day=TODAY, asked=0, seconds=0.0)])
    assert not offered(declined, TODAY)


def test_where_everything_was_asked_none_is_offered(bank: Bank) -> None:
    state = Fold(bank)
    state.feed([answer(c, 0) for c in ("E1.1", "E1.2", "E1.3", "E2.1", "E2.2")])
    assert next_question(state, (), TODAY) is None  # E1.4 has nothing to be met by
    assert not offered(state, TODAY)


def test_what_was_left_is_gone_on_with_the_same_day_and_lapses_with_it() -> None:
    course = Course(real(), 1)
    for _ in range(3):
        course.step()
    assert course.state.placed.running(TODAY)
    tomorrow = TODAY + timedelta(days=1)
    assert not course.state.placed.running(tomorrow)
    assert offered(course.state, tomorrow)
    assert next_ask(course.state, tomorrow, course.now + timedelta(days=1)) is None


def test_once_it_is_over_nothing_is_asked_and_answers_count_no_more() -> None:
    course = Course(real(), 1)
    course.step()
    course.record(Placement(asked=1, seconds=20.0))
    assert next_ask(course.state, TODAY, course.now) is None
    course.answer(next(q for q in real().questions.values() if q.entry == "E8"), True)
    assert len(course.state.placed.tried) == 1
    course.record(Placement(asked=0, seconds=0.0, over=False))
    assert course.state.placed.tried == [] and next_ask(course.state, TODAY, course.now) is not None


def test_a_first_answer_counts_whichever_page_asked_and_a_second_one_does_not() -> None:
    course = Course(real(), 1)
    question = real().by_claim["E3.2"][0]
    course.answer(question, True)
    course.answer(question, False)
    assert course.state.placed.tried == [Tried("E3", question.difficulty, question.drawn(1).chance, True)]


# what it says


def simulated(n: int) -> list[Course]:
    return [Course(real(), seed).whole() for seed in range(n)]


@cache
def courses() -> list[Course]:
    return simulated(60)


def levels(course: Course) -> dict[str, float]:
    tried = course.state.placed.tried
    return {e: posterior(t for t in tried if t.entry == e).mean for e in course.bank.entries}


def test_estimates_go_with_the_truth_as_far_as_so_few_answers_can() -> None:
    """A mean after two or three answers has a standard error of about 0.9 beside an ability of variance 1, so that
    their correlation can be sqrt(1 - 0.9 ** 2) = 0.44; 480 pairs tell it from 0 by nine standard errors."""
    pairs = [(course.abilities[e], mean) for course in courses() for e, mean in levels(course).items()]
    errors = [
        posterior(t for t in c.state.placed.tried if t.entry == e).se for c in courses() for e in levels(c)
    ]
    foreseen = sqrt(1 - fmean(se * se for se in errors))
    assert correlation(*zip(*pairs, strict=True)) == pytest.approx(foreseen, abs=3 / sqrt(len(pairs)))
    assert foreseen > 0.35


def test_questions_are_answered_rightly_about_six_times_in_ten() -> None:
    """1200 answers: a standard error of 0.014."""
    oks = [t.ok for course in courses() for t in course.state.placed.tried]
    assert fmean(oks) == pytest.approx(fmean(e for c in courses() for e in c.expected), abs=0.045)
    assert fmean(oks) == pytest.approx(WANTED, abs=0.06)


def test_four_intervals_in_five_hold_the_truth() -> None:
    """480 of them: a standard error of 0.018."""
    held = []
    for course in courses():
        for row in findings(course.state, TODAY).rows:
            assert row.known is not None
            low, high = row.known
            of = [q.difficulty for q in real().questions.values() if q.entry == row.entry]
            held.append(low <= fmean(known(course.abilities[row.entry], d) for d in of) <= high)
    assert fmean(held) == pytest.approx(0.8, abs=0.055)


def test_it_counts_what_was_asked_and_says_nothing_of_one_answer() -> None:
    course = Course(real(), 2)
    for _ in range(9):
        course.step()
    found = findings(course.state, TODAY)
    assert found.asked == 9
    assert sum(row.right for row in found.rows) == sum(t.ok for t in course.state.placed.tried)
    assert sorted(row.asked for row in found.rows) == [1] * 7 + [2]
    assert [row.asked for row in found.rows if row.known is not None] == [2]


def strong_but(weak: str) -> Course:
    """Knows all there is but this entry."""
    return Course(real(), 5, abilities={e: -9.0 if e == weak else 9.0 for e in real().entries}).whole()


def asked_next(course: Course, minutes: float) -> list[str]:
    """Entries of the new claims in tomorrow's plan."""
    made = plan_from(course.state, (), TODAY + timedelta(days=1), minutes)
    return [real().claims[i.claim].entry for i in made.items if isinstance(i, Ask) and i.why == "new"]


@pytest.mark.parametrize("weak", ["E4", "E8"])
def test_the_entry_that_went_worst_is_begun_first_and_the_page_says_so(weak: str) -> None:
    course = strong_but(weak)
    found = findings(course.state, TODAY)
    assert found.begin is not None and found.begin.entry == weak
    assert found.begin.right < found.begin.asked
    assert found.behind and weak not in found.behind
    assert asked_next(course, 2) == [weak]  # there is time for one
    assert asked_next(course, 15).count(weak) == 2  # for ten
    (first,) = plan_from(Fold(real()), (), TODAY, 2).items
    assert first.claim == "E1.1"


def test_all_other_entries_still_have_their_turn_the_next_day() -> None:
    assert set(asked_next(strong_but("E5"), 15)) == set(real().entries)


def test_an_entry_that_goes_badly_for_days_does_not_hold_up_the_others() -> None:
    """Five minutes a day are three or four new claims for eight entries."""
    course = strong_but("E2")
    met: Counter[str] = Counter()
    for day in range(1, 13):
        course.now = START + timedelta(days=day)
        for item in plan_from(course.state, (), TODAY + timedelta(days=day), 5).items:
            question = real().question(item.question_id)  # type: ignore[union-attr]
            met[question.entry] += not course.state.tracks[question.claim].answers
            course.answer(question, question.entry != "E2")
    assert set(met) == set(real().entries)
    assert met.most_common(1)[0][0] == "E2"
    assert min(met.values()) >= 2


def test_an_entry_said_to_be_behind_others_is_so_four_times_in_five() -> None:
    """Bayes: each is said with a probability of 0.8 at least, and 60 courses say about a hundred."""
    true = []
    for course in courses():
        found: Findings = findings(course.state, TODAY)
        assert found.begin is not None
        weak = course.abilities[found.begin.entry]
        true += [weak < course.abilities[entry] for entry in found.behind]
    assert len(true) > 50
    assert fmean(true) > 0.8 - 2 * sqrt(0.8 * 0.2 / len(true))


def test_which_of_two_abilities_is_less_is_an_integral_over_both() -> None:
    one, other = (
        posterior(tried((MIDDLE, 0.25, False))),
        posterior(tried((MIDDLE, 0.25, True), (HARD, 0.25, True))),
    )
    pairs = [
        a * b * (1 if x < y else 0.5 if x == y else 0)
        for a, x in zip(one.weights, GRID, strict=True)
        for b, y in zip(other.weights, GRID, strict=True)
    ]
    assert one.below(other) == pytest.approx(sum(pairs))
    assert one.below(one) == pytest.approx(0.5)


def test_nothing_is_left_out_because_of_it() -> None:
    """Whoever knew everything is asked the other claims all the same."""
    course = Course(real(), 1, abilities=dict.fromkeys(real().entries, 9.0)).whole()
    unmet = {c for c, track in course.state.tracks.items() if not track.answers}
    assert len(unmet) == len(real().claims) - MOST
    now = START
    for day in range(1, 30):
        now = START + timedelta(days=day)
        for item in plan_from(course.state, (), local_day(now), 25).items:
            course.now = now
            course.answer(real().question(item.question_id), True)  # type: ignore[union-attr]
    assert all(track.answers for c, track in course.state.tracks.items() if real().by_claim[c])


# against the specification


@given(logs(), st.integers(0, 200 * 24 * 60))
@settings(deadline=None)
def test_any_log_gives_what_section_8_gives(bank: Bank, events: list[Event], minutes: int) -> None:
    kept = [
        e for e in events if getattr(e, "claim", "E1.1") in bank.claims and getattr(e, "item", "") != "gone"
    ]
    assert_as_specified(bank, kept, START + timedelta(minutes=minutes))


def test_lives_with_placements_give_what_section_8_gives(bank: Bank, tmp_path: Path) -> None:
    placements = 0
    for seed in range(5):
        life = Life(tmp_path / f"{seed}", bank, start=datetime(2026, 9, 20, 21, 0, tzinfo=CHINA), seed=seed)
        life.live(12)
        places = [n for n, event in enumerate(life.events) if isinstance(event, Placement)]
        placements += len(places)
        for n in {*places, len(life.events)}:
            assert_as_specified(bank, life.events[:n], life.clock)
    assert placements > 5


def assert_as_specified(bank: Bank, events: list[Event], now: datetime) -> None:
    state, reference = Fold(bank), section8.Specification(bank)
    state.feed(events)
    for event in events:
        if not isinstance(event, section8.Reason):  # random ones answer nothing
            reference.feed([event])
    assert state.placed.ended == reference.placement_over
    assert len(state.placed.tried) == len(reference.placed)
    if reference.moments:
        assert state.placed.seconds(now) == pytest.approx(reference.placement_seconds(now))
    for entry in bank.entries:
        found = posterior(t for t in state.placed.tried if t.entry == entry)
        assert (found.mean, found.se) == pytest.approx(reference.ability(entry), abs=1e-4)


def test_the_nearest_of_equals_is_the_first(bank: Bank) -> None:
    twins = [bank.question("e11-which"), bank.question("e12-which")]
    for one, other in combinations(twins, 2):
        assert nearest([one, other], posterior([])) is one
        assert nearest([other, one], posterior([])) is other


def test_a_wrong_answer_and_not_knowing_weigh_the_same(bank: Bank) -> None:
    started = Placement(id="p", at=START, day=TODAY, asked=0, seconds=0.0, over=False)
    picked, not_known = Fold(bank), Fold(bank)
    picked.feed([started, wrong("E1.1", 0, item="e11-which")])
    not_known.feed([started, wrong("E1.1", 0, item="e11-which", option=None, p=1 / 3, misconception=None)])
    assert picked.placed.tried == not_known.placed.tried != []

"""The daily plan: what is due and new within the minutes, and which question asks for it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
import sample_bank
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sample_events import START, answer, logs, wrong

from questions.catalog import Bank, load
from questions.events import Bet, Event, Result, Skip, local_day
from questions.grade import answered
from questions.plan import LAB_SHARE, NEW_A_DAY, NEW_SHARE, WAGER_SECONDS, Ask, LabRef, Plan, Wager, plan
from questions.schedule import memory

LABS = (LabRef("buffers", "E1.2", ("E1.2",)), LabRef("small", "E1.3", ("E1.3",)), LabRef("conv", "E2.1"))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return load(sample_bank.write_bank(tmp_path_factory.mktemp("large"), extra_claims=30))


def noon(day: int) -> datetime:
    return START + timedelta(days=day)


def asks(made: Plan) -> list[Ask]:
    return [item for item in made.items if isinstance(item, Ask)]


def wagers(made: Plan) -> list[Wager]:
    return [item for item in made.items if isinstance(item, Wager)]


def test_a_fresh_learner_is_asked_first_and_bets_later(bank: Bank) -> None:
    made = plan(bank, LABS, [], noon(0), 15)
    assert isinstance(made.items[0], Ask)
    assert len(wagers(made)) == 2
    assert made.new == len(made.items)
    assert made.due == 0
    assert made.minutes <= 15
    assert made.tomorrow_minutes > 0


@pytest.mark.parametrize(("minutes", "labs"), [(3, 0), (5, 1), (10, 1), (14, 1), (15, 2), (25, 2)])
def test_labs_are_one_below_fifteen_minutes_and_two_from_there(bank: Bank, minutes: int, labs: int) -> None:
    made = plan(bank, LABS, [], noon(0), minutes)
    assert len(wagers(made)) == labs
    assert labs * WAGER_SECONDS <= LAB_SHARE * minutes * 60


def test_a_claim_whose_lab_does_not_fit_is_asked_about(bank: Bank) -> None:
    made = plan(bank, LABS, [], noon(0), 25)
    betting = {w.claim for w in wagers(made)}
    assert len(betting) == 2
    assert ({"E1.2", "E1.3", "E2.1"} - betting) <= {a.claim for a in asks(made)}


def test_a_bank_of_labs_alone_still_begins_with_a_question(bank: Bank) -> None:
    labs = [LabRef(f"lab-{claim}", claim) for claim in bank.claims]
    for minutes in (5, 15, 25):
        made = plan(bank, labs, [], noon(0), minutes)
        assert isinstance(made.items[0], Ask)
        assert made.seconds <= minutes * 60


def test_a_two_step_question_never_comes_first(bank: Bank) -> None:
    made = plan(bank, (), [], noon(0), 60)
    kinds = {a.claim: bank.question(a.question_id).kind for a in asks(made)}
    assert "two-step" not in kinds.values()
    assert "E1.4" not in kinds  # it has nothing else to begin with
    again = plan(bank, (), [answer("E1.1", 0, item="e11-which")], noon(5), 60)
    assert "e11-why" in [a.question_id for a in asks(again)]


def test_what_is_built_on_comes_first(bank: Bank) -> None:
    order = [item.claim for item in plan(bank, LABS, [], noon(0), 60).items]
    assert order.index("E1.1") < order.index("E1.2")
    made = plan(bank, (LabRef("first", "E1.1"),), [], noon(0), 15)
    order = [item.claim for item in made.items]
    assert order.index("E1.1") < order.index("E1.2")


def test_new_claims_go_round_the_entries(bank: Bank) -> None:
    entries = [bank.claims[a.claim].entry for a in asks(plan(bank, (), [], noon(0), 60))]
    assert entries[:4] == ["E1", "E2", "E1", "E2"]


def test_the_entry_whose_first_asks_went_worst_is_begun_first(large: Bank) -> None:
    """Of E1 one claim in four was seen, of E2 one in thirty-two."""

    def begun(*events: Event) -> list[str]:
        made = plan(large, (), list(events), noon(1), 2)  # time for a single new claim
        return [large.claims[a.claim].entry for a in asks(made) if a.why == "new"]

    assert begun(answer("E1.1", 0), answer("E2.1", 0)) == ["E2"]
    assert begun(wrong("E1.1", 0, p=0.5), answer("E2.1", 0)) == ["E1"]
    assert begun(wrong("E1.1", 0, p=0.5), wrong("E2.1", 0, p=0.5)) == ["E2"]


def test_new_claims_get_their_share_and_never_more_than_ten(large: Bank) -> None:
    for minutes in (5, 10, 15, 25, 120):
        made = plan(large, (), [], noon(0), minutes)
        assert 0 < made.new <= NEW_A_DAY
        assert made.seconds <= NEW_SHARE * minutes * 60
        assert not made.more


def test_new_claims_still_come_while_more_is_due_than_fits(large: Bank) -> None:
    claims = [c for c in large.claims if large.by_claim[c]]
    known: list[Event] = [answer("E1.1", 0, id=c, claim=c, item="x") for c in claims[:16]]
    made = plan(large, (), known, noon(10), 10)
    assert made.due > 0
    assert made.new > 0
    assert made.waiting > 0
    assert made.due + made.waiting == 16
    swamped = plan(large, (), known, noon(10), 4)
    assert swamped.due > 0
    assert swamped.new > 0


def test_answers_of_today_count_against_todays_budget(large: Bank) -> None:
    first = plan(large, (), [], noon(0), 15)
    events: list[Event] = []
    for number, item in enumerate(asks(first)):
        question = large.question(item.question_id)
        _, made = answered(
            question, question.key, 0.9, latency_ms=9000, lang="en", order_seed=item.order_seed
        )
        events.append(replace(made, id=f"a{number}", at=noon(0), day=noon(0).date()))
    rest = plan(large, (), events, noon(0), 15)
    assert rest.items == ()
    assert rest.more
    more = plan(large, (), events, noon(0), 15, extra=True)
    assert len(asks(more)) > 0
    assert {a.claim for a in asks(more)}.isdisjoint(e.claim for e in events if not isinstance(e, Skip))
    tomorrow = plan(large, (), events, noon(1), 15)
    assert tomorrow.new > 0


def test_going_on_brings_the_least_certain_claims_first(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), answer("E1.2", 1), answer("E1.3", 1), wrong("E2.1", 1, p=0.5)]
    held = memory(events, bank, noon(1))
    assert all(m.due is None or m.due > noon(1).date() for m in held.values())
    more = plan(bank, (), events, noon(1), 15, extra=True)
    assert [a.claim for a in asks(more) if a.why == "extra"] == ["E1.1"]
    assert not [a for a in asks(plan(bank, (), events, noon(1), 15)) if a.why == "extra"]


def test_a_recheck_comes_first_and_offers_the_same_lure_in_another_question(bank: Bank) -> None:
    events: list[Event] = [
        answer("E1.2", 0),
        answer("E1.3", 0),
        wrong("E1.1", 5, item="e11-which", misconception="forward-trains"),
    ]
    first = asks(plan(bank, (), sorted(events, key=lambda e: e.at), noon(6), 15))[0]
    assert (first.claim, first.why) == ("E1.1", "recheck")
    assert first.question_id != "e11-which"
    assert "forward-trains" in bank.question(first.question_id).lures


def test_a_seen_claim_that_stays_wrong_is_offered_its_lab(bank: Bank) -> None:
    events: list[Event] = [
        wrong("E1.3", 0, item="e13-which"),
        *(answer(c, 0) for c in ("E1.1", "E1.2", "E2.1")),
    ]
    made = plan(bank, LABS, events, noon(1), 15)
    assert Wager("small", "E1.3") in made.items
    assert "E1.3" not in [a.claim for a in asks(made)]
    unsure = [replace(events[0], p=0.5, misconception=None), *events[1:]]
    assert Wager("small", "E1.3") not in plan(bank, LABS, unsure, noon(1), 15).items


def bet(lab: str, claim: str, day: int) -> Bet:
    return Bet(
        id=f"b-{lab}",
        at=noon(day),
        day=noon(day).date(),
        lab=lab,
        claim=claim,
        band=0,
        bands=4,
        p=0.5,
        run=lab,
    )


def test_a_settled_lab_is_not_offered_again(bank: Bank) -> None:
    at = noon(0) + timedelta(minutes=3)
    events: list[Event] = [
        bet("buffers", "E1.2", 0),
        Result(id="r", at=at, day=at.date(), lab="buffers", run="buffers", claim="E1.2", band=1),
    ]
    made = plan(bank, LABS, events, noon(5), 15)
    assert "buffers" not in [w.lab_id for w in wagers(made)]
    assert "E1.2" in [a.claim for a in asks(made)]


def test_a_lab_whose_run_is_on_is_left_alone_today_and_offered_tomorrow(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), bet("buffers", "E1.2", 0)]
    today = plan(bank, LABS, events, noon(0) + timedelta(hours=2), 15)
    assert "E1.2" not in [item.claim for item in today.items]
    assert len(wagers(today)) == 1  # one of two was locked already
    assert Wager("buffers", "E1.2") in plan(bank, LABS, events, noon(1), 15).items


def test_what_builds_on_an_open_bet_is_still_asked_while_its_run_is_on(bank: Bank) -> None:
    assert bank.claims["E1.2"].requires == ("E1.1",)
    events: list[Event] = [answer("E1.3", 0), bet("first", "E1.1", 0)]
    today = plan(bank, (LabRef("first", "E1.1"),), events, noon(0) + timedelta(minutes=5), 15)
    assert "E1.2" in [item.claim for item in today.items]


def test_a_skipped_question_is_put_off_until_tomorrow(bank: Bank) -> None:
    skip = Skip(id="s", at=noon(0), day=noon(0).date(), item="e11-which")
    assert "E1.1" not in [i.claim for i in plan(bank, (), [skip], noon(0), 15).items]
    assert "E1.1" in [i.claim for i in plan(bank, (), [skip], noon(1), 15).items]


def test_after_a_week_away_the_best_remembered_come_first(large: Bank) -> None:
    claims = [c for c in large.claims if large.by_claim[c]][:12]
    events: list[Event] = []
    for n, claim in enumerate(claims):  # different last days, so different recall
        events.append(answer("E1.1", n, id=f"{claim}-1", claim=claim, item="x"))
    held = memory(events, large, noon(60))
    order = [a.claim for a in asks(plan(large, (), events, noon(60), 60)) if a.why == "due"]
    recalls = [held[c].recall for c in order]
    assert recalls[0] == max(recalls)
    assert recalls[4] == min(recalls)
    assert recalls[5:] == sorted(recalls[5:], reverse=True)


def test_after_a_week_away_what_was_met_comes_before_what_is_new(large: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), answer("E1.3", 1, item="x")]
    for days, met_first in ((4, False), (60, True)):
        whys = [ask.why for ask in asks(plan(large, (), events, noon(days), 15))]
        assert {"due", "new"} <= set(whys)
        assert (whys[:2] == ["due", "due"]) is met_first


def test_nothing_to_ask_is_an_empty_plan(bank: Bank) -> None:
    made = plan(Bank(), LABS, [], noon(0), 15)
    assert (made.items, made.minutes, made.tomorrow_minutes, made.more) == ((), 0, 0, False)
    assert plan(bank, LABS, [], noon(0), 0).items == ()


@given(
    events=logs(),
    days=st.integers(0, 300),
    minutes=st.sampled_from([1, 5, 10, 15, 25, 60]),
    extra=st.booleans(),
)
@settings(deadline=None)
def test_every_plan_keeps_to_the_rules(
    bank: Bank, events: list[Event], days: int, minutes: int, extra: bool
) -> None:
    now = START + timedelta(days=days)
    made = plan(bank, LABS, events, now, minutes, extra=extra)
    assert made == plan(bank, LABS, events, now, minutes, extra=extra)
    assert made.seconds <= minutes * 60
    assert made.minutes <= minutes
    assert made.tomorrow_minutes <= minutes
    assert made.due + made.new <= len(made.items)
    claims = [item.claim for item in made.items]
    assert len(claims) == len(set(claims))
    held = memory(events, bank, now, minutes=minutes)
    for item in made.items:
        last = held[item.claim].last
        assert last is None or last < local_day(now)
        if isinstance(item, Ask):
            question = bank.question(item.question_id)
            said = [e.item for e in events if getattr(e, "claim", "") == item.claim and hasattr(e, "item")]
            assert question.kind != "two-step" or said
            if (
                said
                and len(bank.by_claim[item.claim]) > 1
                and not (len(set(said)) == 1 and _one_left(bank, said))
            ):
                assert item.question_id != said[-1]
    if made.items and not any(held[c].answers for c in held):
        assert isinstance(made.items[0], Ask) or _no_question(bank, claims)


def _one_left(bank: Bank, said: list[str]) -> bool:
    return said[-1] not in bank.questions


def _no_question(bank: Bank, claims: list[str]) -> bool:
    return all(all(q.kind == "two-step" for q in bank.by_claim[c]) for c in claims)


@pytest.mark.parametrize("seed", range(5))
def test_over_months_no_question_comes_twice_running_and_every_variant_has_its_turn(
    bank: Bank, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    events: list[Event] = []
    last: dict[str, str] = {}
    turns: Counter[str] = Counter()
    for day in range(150):
        now = noon(day)
        made = plan(bank, LABS, events, now, 10)
        assert made.seconds <= 600
        for number, item in enumerate(made.items):
            at = now + timedelta(minutes=number)
            if isinstance(item, Wager):
                run = f"{item.lab_id}-{day}"
                events += [
                    replace(bet(item.lab_id, item.claim, day), id=f"b{day}-{number}", at=at, run=run),
                    Result(
                        id=f"r{day}-{number}",
                        at=at,
                        day=at.date(),
                        lab=item.lab_id,
                        run=run,
                        claim=item.claim,
                        band=random.randrange(4),
                    ),
                ]
                continue
            question = bank.question(item.question_id)
            if item.claim in last and len(bank.by_claim[item.claim]) > 1:
                assert item.question_id != last[item.claim]
            if item.claim not in last:
                assert question.kind != "two-step"
            last[item.claim] = item.question_id
            turns[item.question_id] += 1
            option = question.key if random.random() < 0.7 else random.choice(question.options).id
            _, said = answered(
                question,
                option,
                random.choice([question.chance, 0.5, 0.7, 0.9, 0.97]),
                latency_ms=random.randrange(500, 60_000),
                lang="zh",
                order_seed=item.order_seed,
            )
            events.append(replace(said, id=f"a{day}-{number}", at=at, day=at.date()))
    for claim, variants in bank.by_claim.items():
        if claim in last:
            counts = [turns[q.id] for q in variants]
            assert max(counts) - min(counts) <= 3
            assert min(counts) > 0

"""Pauses and leeches: what is not asked for a while, and what is offered instead."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_events import START, answer, wrong

from questions.catalog import Bank
from questions.events import Event, Pause
from questions.mastery import resting, standings
from questions.plan import Ask, LabRef, Wager, plan
from questions.rests import LAPSES, LEECH_RESTS, WINDOW, Rest, Rests, is_leech
from questions.schedule import fold, memory

LAB = LabRef("buffers", "E1.2", ("E1.2",))


def noon(day: int) -> datetime:
    return START + timedelta(days=day)


def pause(what: str, day: int, **changes: object) -> Pause:
    until = changes.pop("days", None)
    at = noon(day) + timedelta(minutes=1)
    fields = {"id": f"p{what}{day}", "at": at, "day": at.date(), "what": what}
    if until is not None:
        fields["until"] = (at + timedelta(days=until)).date()  # type: ignore[arg-type]
    return Pause(**(fields | changes))  # type: ignore[arg-type]


def planned(bank: Bank, events: list[Event], day: int, minutes: float = 60, **more: bool) -> set[str]:
    return {item.claim for item in plan(bank, (), events, noon(day), minutes, **more).items}


def leech(claim: str, bank: Bank) -> list[Event]:
    """Four misses after the first meeting, each when the claim is due again."""
    return [wrong(claim, day, item=bank.by_claim[claim][0].id, p=0.5, misconception=None) for day in range(5)]


def test_a_paused_claim_is_neither_due_nor_new_until_its_day(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), pause("E1.1", 0, days=200), pause("E1.2", 0, days=7)]
    assert {"E1.1", "E1.2"}.isdisjoint(planned(bank, events, 6))
    assert {"E1.1", "E1.2"}.isdisjoint(planned(bank, events, 6, extra=True))
    assert "E1.2" in planned(bank, events, 7)
    assert memory(events, bank, noon(6))["E1.1"].due == noon(200).date()


def test_without_an_end_it_rests_until_it_is_taken_up_again(bank: Bank) -> None:
    events: list[Event] = [answer("E1.1", 0), pause("E1.1", 0)]
    stands = standings(events, bank, noon(300))["E1.1"]
    assert (stands.due, stands.rest) == (None, Rest("asked", None))
    assert "E1.1" not in planned(bank, events, 300)
    assert "E1.1" in planned(bank, [*events, pause("E1.1", 300, on=False)], 300)


def test_an_entry_rests_as_a_whole_and_one_of_its_claims_can_be_taken_out_of_that(bank: Bank) -> None:
    events: list[Event] = [pause("E1", 0)]
    assert all(not claim.startswith("E1.") for claim in planned(bank, events, 3))
    events.append(pause("E1.1", 1, on=False))
    assert {c for c in planned(bank, events, 3) if c.startswith("E1.")} == {"E1.1"}
    events.append(pause("E1", 2))  # said later, so it counts for all of them again
    assert not {c for c in planned(bank, events, 3) if c.startswith("E1.")}


def test_what_builds_on_a_paused_claim_is_not_held_up_by_it(bank: Bank) -> None:
    assert bank.claims["E1.2"].requires == ("E1.1",)
    assert "E1.2" in planned(bank, [pause("E1.1", 0)], 0)


def test_a_pause_takes_no_time_from_other_claims_and_keeps_what_is_known(bank: Bank) -> None:
    known: list[Event] = [answer(claim, 0, id=claim, claim=claim) for claim in ("E1.1", "E1.2", "E1.3")]
    before, after = fold(known, bank), fold([*known, pause("E1", 1)], bank)
    day = noon(40).date()
    assert after.load(day) == 0
    assert after.stability(after.tracks["E1.1"]) == before.stability(before.tracks["E1.1"])


def test_four_misses_in_eight_answers_make_a_claim_rest_for_two_weeks(bank: Bank) -> None:
    events = leech("E1.1", bank)
    assert standings(events[:4], bank, noon(4))["E1.1"].rest is None
    until = (noon(4) + LEECH_RESTS).date()
    assert standings(events, bank, noon(4))["E1.1"].rest == Rest("leech", until)
    assert memory(events, bank, noon(10))["E1.1"].due == until
    assert "E1.1" not in planned(bank, events, 17)
    assert "E1.1" in planned(bank, events, 18)


def test_the_first_meeting_is_no_miss_and_after_a_rest_counting_begins_anew(bank: Bank) -> None:
    events = leech("E1.1", bank)
    events += [wrong("E1.1", day, p=0.5, misconception=None) for day in (18, 19, 20)]
    assert standings(events, bank, noon(20))["E1.1"].rest is None
    events.append(wrong("E1.1", 21, p=0.5, misconception=None))
    assert standings(events, bank, noon(21))["E1.1"].rest is not None


def test_a_leech_is_offered_its_lab_and_no_question(bank: Bank) -> None:
    events = leech("E1.2", bank)
    items = plan(bank, (LAB,), events, noon(5), 15).items
    assert Wager("buffers", "E1.2") in items
    assert "E1.2" not in [item.claim for item in items if isinstance(item, Ask)]


def test_whoever_paused_a_claim_is_not_sent_to_its_lab(bank: Bank) -> None:
    events = [*leech("E1.2", bank), pause("E1.2", 4, days=30)]
    assert not [i for i in plan(bank, (LAB,), events, noon(5), 15).items if isinstance(i, Wager)]
    events.append(pause("E1.2", 4, id="z", on=False))
    assert standings(events, bank, noon(5))["E1.2"].rest is None


def test_the_list_names_whole_entries_once(bank: Bank) -> None:
    events = [*leech("E1.1", bank), pause("E1", 4), pause("E2.1", 4, days=3)]
    state = fold(events, bank)
    found = resting(state, noon(5).date())
    assert found == [("E1", Rest("asked", None)), ("E2.1", Rest("asked", noon(7).date()))]


@given(st.lists(st.booleans(), max_size=20))
def test_only_the_newest_eight_answers_count(hits: list[bool]) -> None:
    assert is_leech(hits) == (hits[-WINDOW:].count(False) >= LAPSES)


@pytest.mark.parametrize("days", [3, 30])
def test_of_a_pause_and_a_leech_the_longer_one_shows(days: int) -> None:
    rests, day = Rests(), noon(0).date()
    rests.slipped("E1.1", day)
    rests.said(pause("E1.1", 0, days=days))
    rest = rests.of("E1.1", "E1", day)
    assert rest == (Rest("leech", day + LEECH_RESTS) if days < 14 else Rest("asked", day + timedelta(days)))

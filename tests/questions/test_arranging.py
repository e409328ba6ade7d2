"""The order of a session: prerequisites first, labs behind questions, what is easily mixed up side by side."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from sample_events import START

from questions.arranging import QUESTIONS_BEFORE_A_LAB, Arranging
from questions.catalog import Bank
from questions.plan import Ask, Item, LabRef, Wager, Why, plan
from questions.shapes import Claim, Text

WORD = Text("", "")


def claim(id: str, entry: str = "E1", requires: Sequence[str] = (), confusable: str | None = None) -> Claim:
    return Claim(id, entry, 1, WORD, "true", WORD, "", tuple(requires), confusable)


def ask(claim: str, why: Why = "due") -> Ask:
    return Ask(f"q-{claim}", claim, why, 0)


def order(items: Sequence[Item], claims: Sequence[Claim]) -> list[str]:
    return [item.claim for item in arranged(items, {c.id: c for c in claims})]


def arranged(items: Sequence[Item], claims: dict[str, Claim]) -> list[Item]:
    return Arranging(
        items,
        claims,
        is_lab=lambda item: isinstance(item, Wager),
        urgency=lambda item: getattr(item, "why", None),
    ).arranged()


def test_members_of_a_set_stand_side_by_side() -> None:
    claims = [claim("a", "E1", (), "s"), claim("b", "E2"), claim("c", "E3"), claim("d", "E4", (), "s")]
    assert order([ask(c.id) for c in claims], claims) == ["a", "d", "b", "c"]


def test_what_a_member_builds_on_comes_before_the_whole_set() -> None:
    claims = [claim("a", "E1", (), "s"), claim("b", "E2"), claim("c", "E3"), claim("d", "E4", ["c"], "s")]
    assert order([ask(c.id) for c in claims], claims) == ["c", "a", "d", "b"]


def test_a_set_that_two_others_tie_in_a_knot_is_still_asked() -> None:
    claims = [
        claim("a", "E1", (), "s"),
        claim("c", "E1", ["x"], "s"),
        claim("x", "E1", (), "t"),
        claim("y", "E1", ["a"], "t"),
    ]
    assert sorted(order([ask(c.id) for c in claims], claims)) == ["a", "c", "x", "y"]


def test_without_sets_topics_are_mixed() -> None:
    claims = [claim("a"), claim("b"), claim("c", "E2"), claim("d", "E2")]
    assert order([ask(c.id) for c in claims], claims) == ["a", "c", "b", "d"]


def test_what_is_less_urgent_does_not_overtake_for_the_sake_of_variety() -> None:
    claims = [claim("a"), claim("b"), claim("c", "E2")]
    assert order([ask("a", "recheck"), ask("b", "recheck"), ask("c")], claims) == ["a", "b", "c"]


def test_a_lab_of_a_set_stands_beside_its_question_and_behind_two() -> None:
    claims = [claim("a", "E1", (), "s"), claim("b", "E1", (), "s"), claim("c", "E2"), claim("d", "E3")]
    items: list[Item] = [Wager("lab", "b"), ask("a"), ask("c"), ask("d")]
    assert order(items, claims) == ["c", "a", "b", "d"]


def test_a_plan_takes_the_sets_that_the_bank_names(bank: Bank) -> None:
    def named(*members: str) -> Bank:
        claims = {i: replace(c, confusable="s" if i in members else None) for i, c in bank.claims.items()}
        return replace(bank, claims=claims)

    def planned(bank: Bank, *labs: LabRef) -> list[str]:
        return [item.claim for item in plan(bank, labs, [], START, 60).items]

    assert planned(bank) == ["E1.1", "E2.1", "E1.2", "E2.2", "E1.3"]
    assert planned(named("E1.1", "E1.3")) == ["E1.1", "E1.3", "E2.1", "E1.2", "E2.2"]
    beside = planned(named("E1.3", "E2.1"), LabRef("lab", "E2.1"))
    assert abs(beside.index("E1.3") - beside.index("E2.1")) == 1


# whatever the plan


@st.composite
def sessions(draw: st.DrawFn, *, sets: bool = True, labs: bool = True) -> tuple[list[Item], dict[str, Claim]]:
    """Up to twelve items; a claim builds on some with a smaller number."""
    n = draw(st.integers(1, 12))
    claims: dict[str, Claim] = {}
    for number in range(n):
        requires = draw(st.sets(st.sampled_from(range(number)), max_size=2)) if number else set()
        confusable = draw(st.sampled_from([None, None, "s", "t", "u"])) if sets else None
        entry = draw(st.sampled_from(["E1", "E2", "E3"]))
        claims[f"c{number}"] = claim(f"c{number}", entry, [f"c{r}" for r in sorted(requires)], confusable)
    items: list[Item] = []
    for id in draw(st.permutations(list(claims))):
        if labs and draw(st.integers(0, 3)) == 0:
            items.append(Wager(f"lab-{id}", id))
        else:
            items.append(ask(id, draw(st.sampled_from(["recheck", "due", "new"]))))
    return items, claims


def ready_at(place: int, made: Sequence[Item], claims: dict[str, Claim]) -> list[Item]:
    """Items that could have stood at this place instead."""
    ahead = {item.claim for item in made[place:]}
    return [item for item in made[place:] if ahead.isdisjoint(claims[item.claim].requires)]


@given(sessions())
def test_every_item_has_one_place_behind_what_it_builds_on(
    given: tuple[list[Item], dict[str, Claim]],
) -> None:
    items, claims = given
    made = arranged(items, claims)
    assert sorted(map(repr, made)) == sorted(map(repr, items))
    assert made == arranged(items, claims)
    for place, item in enumerate(made):
        assert item in ready_at(place, made, claims)


@given(sessions())
def test_a_lab_stands_behind_two_questions_or_nothing_else_was_ready(
    given: tuple[list[Item], dict[str, Claim]],
) -> None:
    items, claims = given
    made = arranged(items, claims)
    since = 0
    for place, item in enumerate(made):
        if isinstance(item, Wager):
            asks = [i for i in ready_at(place, made, claims) if isinstance(i, Ask)]
            assert since >= QUESTIONS_BEFORE_A_LAB or not asks
        since = 0 if isinstance(item, Wager) else since + 1


def could_stand_together(claims: dict[str, Claim]) -> bool:
    """Whether sets taken as one thing can be put in order at all."""
    name = {id: c.confusable or id for id, c in claims.items()}
    graph: dict[str, set[str]] = {}
    for id, c in claims.items():
        graph.setdefault(name[id], set()).update(name[r] for r in c.requires if name[r] != name[id])
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        return False
    return True


@given(sessions(labs=False))
def test_every_set_stands_in_a_row_wherever_that_is_possible(
    given: tuple[list[Item], dict[str, Claim]],
) -> None:
    items, claims = given
    made = arranged(items, claims)
    for name in ("s", "t", "u"):
        places = [n for n, item in enumerate(made) if claims[item.claim].confusable == name]
        if places and could_stand_together(claims):
            assert places == list(range(places[0], places[0] + len(places)))


@given(sessions(sets=False, labs=False))
def test_two_of_an_entry_follow_each_other_only_where_nothing_as_urgent_is_of_another(
    given: tuple[list[Item], dict[str, Claim]],
) -> None:
    items, claims = given
    made = arranged(items, claims)
    for place, (one, other) in enumerate(pairwise(made), 1):
        if claims[one.claim].entry == claims[other.claim].entry:
            equals = [
                i
                for i in ready_at(place, made, claims)
                if i.why == other.why  # type: ignore[union-attr]
            ]
            assert {claims[i.claim].entry for i in equals} == {claims[one.claim].entry}

"""Verdicts: right intervals, planned looks, and learners who peek are not misled."""

import math
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from labs import verdict
from labs.catalog import Band, Bet, Check, Outcome, Rule, Seeds, Text
from labs.problems import MESSAGES

WORDS = Text(zh="词", en="words")
SEEDS = Seeds(start=8, step=4, max=44)  # ten looks
ALPHA = 0.05


def outcome(**fields: Any) -> Outcome:
    return Outcome(**{"id": "accuracy", "label": WORDS, "unit": "%", **fields})


def check(kind: Any = "greater", **fields: Any) -> Check:
    return Check(**{"kind": kind, "outcome": "accuracy", "arm": "two", "versus": "one", **fields})


def exact(relation: Any, value: float) -> Check:
    return check("exact", versus=None, relation=relation, value=value)


def rule(*checks: Check, **fields: Any) -> Rule:
    told = {"id": "r", "claim": "E1.6", "statement": WORDS, "expected": "supported", "checks": checks}
    return Rule(**{**told, **fields})


Arms = dict[str, dict[int, float]]


def arms(*differences: float, base: float = 0.0) -> Arms:
    """Two arms whose paired differences are these."""
    one = dict.fromkeys(range(len(differences)), base)
    return {"one": one, "two": {seed: base + difference for seed, difference in enumerate(differences)}}


def judge(told: Rule | Check, measured: Arms, seeds: Seeds = SEEDS, **declared: Any) -> verdict.Verdict:
    told = told if isinstance(told, Rule) else rule(told)
    return verdict.judge(told, {"accuracy": outcome(**declared)}, {"accuracy": measured}, seeds)


def test_a_verdict_on_two_arms_is_in_points_and_one_on_a_single_arm_in_the_unit_declared() -> None:
    measured = arms(4.0, 5.0, 6.0, base=90.0)
    assert judge(check(margin=1.0), measured).unit == "pp"
    assert judge(check(versus=None, margin=1.0), measured).unit == "%"
    assert judge(exact(">", 1.0), measured).unit == "%"
    assert judge(check(margin=1.0), measured, unit="s").unit == "s"


# ---- Student's t -------------------------------------------------------------------------------------------

# P(T > t) = tail; computed with 40 digits from the incomplete beta function.
T_TABLE = [
    (0.025, 1, 12.7062047361747),
    (0.0125, 1, 25.45169957935708),
    (0.00041, 1, 776.3651467069826),
    (0.025, 2, 4.302652729749464),
    (0.0125, 2, 6.205346816570694),
    (0.00041, 2, 34.90003438688902),
    (0.025, 3, 3.18244630528371),
    (0.0125, 3, 4.176534846104498),
    (0.00041, 3, 13.82007293172057),
    (0.025, 7, 2.364624251592785),
    (0.0125, 7, 2.841244248588209),
    (0.00041, 7, 5.59527054896199),
    (0.025, 11, 2.20098516009164),
    (0.0125, 11, 2.593092682539362),
    (0.00041, 11, 4.557495495415988),
    (0.025, 23, 2.068657610419049),
    (0.0125, 23, 2.397875064657109),
    (0.00041, 23, 3.847964646512353),
    (0.025, 43, 2.016692199227824),
    (0.0125, 43, 2.322618461342385),
    (0.00041, 43, 3.599208816658343),
    (0.025, 1000, 1.962339080826408),
    (0.0125, 1000, 2.244783115019392),
    (0.00041, 1000, 3.356183561059655),
]


@pytest.mark.parametrize("tail, df, t", T_TABLE)
def test_the_t_quantile_agrees_with_the_table(tail: float, df: int, t: float) -> None:
    assert verdict.t_quantile(tail, df) == pytest.approx(t, rel=1e-10)


@given(st.floats(1e-9, 0.49))
def test_the_t_quantile_agrees_with_the_closed_forms_for_one_and_two_degrees(tail: float) -> None:
    assert verdict.t_quantile(tail, 1) == pytest.approx(1 / math.tan(math.pi * tail), rel=1e-8)
    two = (1 - 2 * tail) / math.sqrt(2 * tail * (1 - tail))
    assert verdict.t_quantile(tail, 2) == pytest.approx(two, rel=1e-8)


@given(st.floats(1e-8, 0.4999), st.integers(1, 2000))
def test_the_t_quantile_undoes_the_tail(tail: float, df: int) -> None:
    assert verdict.t_tail(verdict.t_quantile(tail, df), df) == pytest.approx(tail, rel=1e-9)


@pytest.mark.parametrize("tail, df", [(0.0, 3), (0.5, 3), (-1, 3), (math.nan, 3), (0.1, 0)])
def test_there_is_no_t_quantile_outside_its_domain(tail: float, df: int) -> None:
    with pytest.raises(ValueError, match="no t quantile"):
        verdict.t_quantile(tail, df)


# ---- looks -------------------------------------------------------------------------------------------------


def test_looks_spend_half_then_a_sixth_and_never_more_than_all() -> None:
    looks = [verdict.look_share(n, SEEDS) for n in range(8, 8 + 4 * 5000, 4)]
    assert looks[:3] == [1 / 2, 1 / 6, 1 / 12]
    assert sum(looks) < 1


def test_between_two_looks_counts_as_the_next_and_before_the_first_as_the_first() -> None:
    assert [verdict.look_share(n, SEEDS) for n in (3, 8, 9, 12, 13)] == [1 / 2, 1 / 2, 1 / 6, 1 / 6, 1 / 12]


def test_the_interval_is_students_at_the_level_of_its_look() -> None:
    differences = [1.0, 2.0, 3.0, 4.0, 2.5, 1.5, 3.5, 2.5]
    found = judge(check(margin=0.5), arms(*differences))
    mean = 2.5
    sd = math.sqrt(sum((x - mean) ** 2 for x in differences) / 7)
    half = 2.841244248588209 * sd / math.sqrt(8)  # alpha / 2 at the first look: 1.25 % either side
    assert found.effect == mean
    assert found.interval == pytest.approx((mean - half, mean + half))
    assert (found.verdict, found.seeds, found.unit, found.confidence, found.note) == (
        "supported",
        8,
        "pp",
        0.95,
        "",
    )


# ---- the three kinds of checks -----------------------------------------------------------------------------

AROUND_FIVE = (4.9, 5.1, 5.0, 4.8, 5.2, 5.0, 4.9, 5.1)


@pytest.mark.parametrize(
    "told, ruling",
    [
        (check(margin=4), "supported"),
        (check(margin=5), "undecided"),
        (check(margin=6), "refuted"),
        (check(margin=4, arm="one", versus="two"), "refuted"),
        (check("equivalent", margin=6), "supported"),
        (check("equivalent", margin=5), "undecided"),
        (check("equivalent", margin=4), "refuted"),
        (check("equivalent", margin=4, arm="one", versus="two"), "refuted"),
        (check("equivalent", margin=0.5, versus=None, value=75), "supported"),
        (check("equivalent", margin=0.5, versus=None, value=74), "refuted"),
        (check(margin=74, versus=None), "supported"),
        (check(margin=76, versus=None), "refuted"),
    ],
)
def test_a_check_by_interval_rules_as_its_interval_lies(told: Check, ruling: str) -> None:
    measured = arms(*AROUND_FIVE, base=70.0)
    assert judge(told, measured).verdict == ruling


@pytest.mark.parametrize(
    "relation, value, ruling", [("==", 0, "supported"), ("!=", 0, "refuted"), ("<", 1, "supported")]
)
def test_an_exact_check_holds_on_every_seed_or_not_at_all(relation: str, value: float, ruling: str) -> None:
    found = judge(exact(relation, value), arms(0, 0, 0))
    assert (found.verdict, found.interval, found.confidence) == (ruling, (0, 0), 1.0)
    if ruling == "supported":
        assert judge(exact(relation, value), arms(0, 0, 1)).verdict == "refuted"
    assert judge(exact(relation, value), arms(0)).verdict == ruling


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=9), st.floats(-9, 9))
def test_exact_relations_are_the_ones_of_arithmetic(values: list[float], value: float) -> None:
    measured = arms(*values)
    for relation in ("==", "!=", "<", "<=", ">", ">="):
        holds = all(eval(f"x {relation} y", {"x": x, "y": value}) for x in values)
        assert judge(exact(relation, value), measured).verdict == ("supported" if holds else "refuted")


# ---- too little, or diverged -------------------------------------------------------------------------------


def test_nothing_measured_is_undecided_with_a_note() -> None:
    for told in (check(), check("equivalent", margin=1), exact("==", 0)):
        found = judge(told, {})
        assert (found.verdict, found.note, found.seeds) == ("undecided", "few-seeds", 0)
        assert math.isnan(found.effect)


def test_two_seeds_are_too_few_and_three_may_do() -> None:
    assert judge(check(), arms(5, 5)).note == "few-seeds"
    assert judge(check(), arms(5, 5)).verdict == "undecided"
    assert judge(check(), arms(5, 5, 5)).verdict == "supported"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e200])
def test_a_diverged_run_counts_as_the_registered_value(value: float) -> None:
    measured = arms(*AROUND_FIVE, base=90.0)
    measured["one"][3] = value
    found = judge(check(margin=2), measured, when_diverged=10)
    assert found.note == "diverged-counted"
    assert found.effect == pytest.approx((5.0 * 8 - 4.8 + 84.8) / 8)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_diverged_run_without_a_registered_value_leaves_it_undecided(value: float) -> None:
    measured = arms(*AROUND_FIVE)
    measured["two"][3] = value
    found = judge(check(margin=2), measured)
    assert (found.verdict, found.note, found.seeds) == ("undecided", "diverged", 7)
    assert found.effect == pytest.approx((40 - 4.8) / 7)
    assert judge(exact(">", 0), measured).verdict == "undecided"
    assert judge(exact(">", 6), measured).verdict == "refuted"  # the finite seeds refute it as they are


def test_every_note_has_its_words() -> None:
    assert {f"note-{note}" for note in verdict.NOTES} == {key for key in MESSAGES if key.startswith("note-")}


@example([(0.0, 0.9999)] * 3, "exact", None, 0.0)  # whose sum, divided by three, is a little less
@given(
    st.lists(st.tuples(st.floats(), st.floats()), max_size=12),
    st.sampled_from(["greater", "equivalent", "exact"]),
    st.one_of(st.none(), st.floats(-100, 100)),
    st.floats(0, 1),
)
def test_any_numbers_at_all_give_a_verdict(
    pairs: list[tuple[float, float]], kind: str, when_diverged: float | None, resolution: float
) -> None:
    measured = {
        arm: {seed: pair[i] for seed, pair in enumerate(pairs)} for i, arm in enumerate(("one", "two"))
    }
    told = exact("<", 1) if kind == "exact" else check(kind, margin=1)
    found = judge(told, measured, when_diverged=when_diverged, resolution=resolution)
    assert found.verdict in ("supported", "refuted", "undecided")
    assert found.seeds == 0 or found.interval[0] <= found.effect <= found.interval[1]


# ---- resolution --------------------------------------------------------------------------------------------


def test_seeds_that_agree_to_the_last_digit_do_not_make_certainty() -> None:
    measured = arms(1, 1, 1, 1, 1, 1, 1, 1)
    assert judge(check(margin=0.99), measured).interval == (1, 1)
    low, high = judge(check(margin=0.99), measured, resolution=0.1).interval
    half = 2.841244248588209 * 0.1 / math.sqrt(12) / math.sqrt(8)
    assert (low, high) == pytest.approx((1 - half, 1 + half))
    assert judge(check(margin=0.99), measured, resolution=0.1).verdict == "undecided"


def test_a_spread_wider_than_the_resolution_is_left_as_it_is() -> None:
    assert judge(check(), arms(1, 2, 3)).interval == judge(check(), arms(1, 2, 3), resolution=0.1).interval


# ---- conjunctions ------------------------------------------------------------------------------------------


def test_a_rule_needs_all_its_checks_and_falls_with_one() -> None:
    holds, open_, fails = check(margin=4), check(margin=5), check(margin=6)
    measured = arms(*AROUND_FIVE)
    for checks, ruling in [
        ((holds, holds), "supported"),
        ((holds, open_), "undecided"),
        ((open_, fails), "refuted"),
        ((holds, fails), "refuted"),
        ((holds, exact(">", 0)), "supported"),
        ((holds, exact(">", 5)), "refuted"),
    ]:
        assert judge(rule(*checks), measured).verdict == ruling
    shown = judge(rule(holds, exact(">", 0)), measured)
    assert shown.interval == judge(holds, measured).interval
    assert shown.confidence == 0.95


def test_to_refute_one_of_several_takes_its_share_of_the_level() -> None:
    measured = arms(*AROUND_FIVE)
    high = judge(check(), measured).interval[1]
    barely = check(margin=high + 1e-6)
    assert judge(barely, measured).verdict == "refuted"
    assert judge(rule(barely, check(margin=4)), measured).verdict == "undecided"
    assert judge(rule(barely, exact(">", 0)), measured).verdict == "refuted"  # an exact check takes no share
    low = judge(check(), measured).interval[0]
    assert judge(rule(check(margin=low - 1e-6), check(margin=4)), measured).verdict == "supported"


def test_the_seeds_of_a_rule_are_those_that_every_check_could_use() -> None:
    measured = arms(*AROUND_FIVE)
    del measured["one"][0]
    assert judge(rule(exact(">", 0), check()), measured).seeds == 7


# ---- properties --------------------------------------------------------------------------------------------

DIFFERENCES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(DIFFERENCES)
def test_the_interval_holds_the_mean_in_its_middle(differences: list[float]) -> None:
    found = judge(check(), arms(*differences))
    low, high = found.interval
    assert low <= found.effect <= high
    assert found.effect - low == pytest.approx(high - found.effect, rel=1e-6, abs=1e-6)


@given(DIFFERENCES, st.randoms())
def test_the_order_of_the_seeds_makes_no_difference(differences: list[float], rng: random.Random) -> None:
    measured = arms(*differences)
    order = list(range(len(differences)))
    rng.shuffle(order)
    shuffled = {arm: {seed: values[seed] for seed in order} for arm, values in measured.items()}
    assert judge(check(margin=1), shuffled) == judge(check(margin=1), measured)


@given(DIFFERENCES, st.floats(0, 1e6))
def test_exchanging_the_arms_mirrors_the_interval(differences: list[float], margin: float) -> None:
    measured = arms(*differences)
    swapped = {"arm": "one", "versus": "two"}
    there, back = judge(check(margin=margin), measured), judge(check(margin=margin, **swapped), measured)
    assert back.effect == -there.effect
    assert back.interval == (-there.interval[1], -there.interval[0])
    assert not there.verdict == back.verdict == "supported"
    same = check("equivalent", margin=margin), check("equivalent", margin=margin, **swapped)
    assert judge(same[0], measured).verdict == judge(same[1], measured).verdict


@given(DIFFERENCES, st.floats(0, 1e3), st.integers(-20, 20))
def test_the_unit_makes_no_difference(differences: list[float], margin: float, power: int) -> None:
    """Scaled by a power of two, which is exact."""
    assume(all(x == 0 or abs(x) > 1e-3 for x in differences))
    scale = 2.0**power
    scaled = judge(check(margin=margin * scale), arms(*(x * scale for x in differences)), resolution=scale)
    found = judge(check(margin=margin), arms(*differences), resolution=1.0)
    assert scaled.verdict == found.verdict
    assert scaled.effect == found.effect * scale


@given(DIFFERENCES, st.floats(0, 1e6), st.floats(0, 1e6))
def test_who_proves_more_proves_less_as_well(differences: list[float], a: float, b: float) -> None:
    small, large = sorted((a, b))
    measured = arms(*differences)
    if judge(check(margin=large), measured).verdict == "supported":
        assert judge(check(margin=small), measured).verdict == "supported"
    if judge(check(margin=small), measured).verdict == "refuted":
        assert judge(check(margin=large), measured).verdict == "refuted"
    if judge(check("equivalent", margin=small), measured).verdict == "supported":
        assert judge(check("equivalent", margin=large), measured).verdict == "supported"


@given(DIFFERENCES, st.floats(-1e6, 1e6))
def test_a_seed_measured_in_one_arm_only_does_not_count_yet(differences: list[float], extra: float) -> None:
    measured = arms(*differences)
    before = judge(check(), measured)
    measured["two"][99] = extra
    assert judge(check(), measured) == before


@given(DIFFERENCES)
def test_more_confidence_is_a_wider_interval(differences: list[float]) -> None:
    narrow = judge(rule(check(), confidence=0.9), arms(*differences)).interval
    wide = judge(rule(check(), confidence=0.99), arms(*differences)).interval
    assert wide[0] <= narrow[0] <= narrow[1] <= wide[1]


def test_more_seeds_narrow_the_interval_on_average() -> None:
    """From look to look, although each look is given less of the level than the one before."""
    rng = random.Random(7)
    widths = [0.0] * 10
    for _ in range(200):
        differences = [rng.gauss() for _ in range(44)]
        for look in range(10):
            low, high = judge(check(), arms(*differences[: 8 + 4 * look])).interval
            widths[look] += high - low
    assert all(later < earlier for earlier, later in pairwise(widths))


# ---- peeking -----------------------------------------------------------------------------------------------


def ever(told: Rule, draw: Callable[[], Sequence[float]], labs: int = 2000) -> dict[str, float]:
    """How often a lab says each verdict at some look, when looked at after every batch up to SEEDS.max.

    draw: the next seed's value of each arm a, b, ...
    """
    said = dict.fromkeys(("supported", "refuted"), 0)
    declared = {"accuracy": outcome()}
    for _ in range(labs):
        measured: Arms = {}
        seen: set[str] = set()
        n = 0
        for looked_at in range(SEEDS.start, SEEDS.max + 1, SEEDS.step):
            for seed in range(n, looked_at):
                for arm, value in zip("abc", draw(), strict=False):
                    measured.setdefault(arm, {})[seed] = value
            n = looked_at
            seen.add(verdict.judge(told, declared, {"accuracy": measured}, SEEDS).verdict)
        for ruling in said:
            said[ruling] += ruling in seen
    return {ruling: count / labs for ruling, count in said.items()}


def gaussian(seed: int, *means: float) -> Callable[[], list[float]]:
    """Arms that share much of a seed's luck, as paired arms do."""
    rng = random.Random(seed)

    def draw() -> list[float]:
        luck = rng.gauss(0, 3)
        return [mean + luck + rng.gauss() for mean in means]

    return draw


def test_who_peeks_after_every_batch_at_the_margin_is_misled_no_more_often_than_alpha() -> None:
    rates = ever(rule(check(arm="b", versus="a", margin=2)), gaussian(1, 0, 2))
    assert 0 < rates["supported"] <= ALPHA
    assert 0 < rates["refuted"] <= ALPHA
    assert rates["supported"] + rates["refuted"] <= ALPHA


def test_peeking_at_two_arms_that_differ_by_the_margin_of_equivalence_misleads_no_more_often() -> None:
    rates = ever(rule(check("equivalent", arm="b", versus="a", margin=2)), gaussian(2, 0, 2))
    assert 0 < rates["supported"] <= ALPHA
    assert 0 < rates["refuted"] <= ALPHA


def test_peeking_at_two_checks_at_once_misleads_no_more_often() -> None:
    both = rule(check(arm="b", versus="a", margin=2), check(arm="c", versus="a", margin=2))
    rates = ever(both, gaussian(3, 0, 2, 2))
    assert rates["supported"] <= ALPHA
    assert 0 < rates["refuted"] <= ALPHA


def test_a_plain_interval_at_every_look_would_mislead(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the planned looks are for: without them the same learner errs far more often than alpha."""
    monkeypatch.setattr(verdict, "look_share", lambda n, seeds: 1.0)
    rates = ever(rule(check(arm="b", versus="a", margin=2)), gaussian(1, 0, 2), labs=500)
    assert rates["supported"] + rates["refuted"] > 2 * ALPHA


def test_a_real_effect_is_found_within_the_planned_seeds() -> None:
    rates = ever(rule(check(arm="b", versus="a", margin=2)), gaussian(4, 0, 4), labs=300)
    assert rates["supported"] > 0.95
    assert rates["refuted"] == 0


# ---- bets --------------------------------------------------------------------------------------------------

BET = Bet(
    claim="E1.6",
    question=WORDS,
    outcome="accuracy",
    arm="two",
    versus="one",
    bands=(Band(below=1), Band(below=5), Band(below=20), Band()),
)


def band(*differences: float, bet: Bet = BET, **declared: Any) -> int | None:
    told = {"accuracy": outcome(**declared)}
    return verdict.measured_band(bet, told, {"accuracy": arms(*differences)}, SEEDS).band


def test_the_measured_band_holds_the_whole_interval() -> None:
    assert [band(x, x, x, x) for x in (-3, 0.9, 1, 4.9, 5, 19, 20, 1e9)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert band(4.8, 5.2, 4.9, 5.1) is None  # an edge is inside
    assert band(4.9, 4.9, 4.9, 4.9, resolution=1.0) is None
    assert band(7, 7) is None  # too few
    assert band(7, 7, 7, math.nan) is None
    assert band(7, 7, 7, math.nan, when_diverged=7) == 2


def test_a_bet_may_be_on_one_arm_alone() -> None:
    alone = Bet(claim="E1.6", question=WORDS, outcome="accuracy", arm="one", bands=BET.bands)
    assert band(7, 7, 7, bet=alone) == 0


@given(DIFFERENCES, st.floats(0, 1))
def test_a_measured_band_has_the_effect_and_no_edge_inside(
    differences: list[float], resolution: float
) -> None:
    told = {"accuracy": outcome(resolution=resolution)}
    found = verdict.measured_band(BET, told, {"accuracy": arms(*differences)}, SEEDS)
    edges = [-math.inf, 1, 5, 20, math.inf]
    if found.band is not None:
        assert (
            edges[found.band]
            <= found.interval[0]
            <= found.effect
            <= found.interval[1]
            < edges[found.band + 1]
        )


def test_surprise_is_the_bits_of_the_mass_on_the_measured_band() -> None:
    assert verdict.surprise_bits(1, 0.5, 1, 4) == 1.0
    assert verdict.surprise_bits(1, 0.7, 3, 4) == pytest.approx(-math.log2(0.1))
    assert verdict.surprise_bits(None, 0.25, 3, 4) == 2.0
    assert verdict.surprise_bits(1, 0.25, 3, 4) == 2.0  # at chance, a bet is as good as none
    assert verdict.surprise_bits(1, 0.5, None, 4) is None
    assert verdict.surprise_bits(1, 1.0, 2, 4) == math.inf


def test_points_are_the_quadratic_score() -> None:
    assert verdict.bet_points(2, 0.7, 2, 4) == pytest.approx(9.1)
    assert verdict.bet_points(2, 0.7, 1, 4) == pytest.approx(-4.9)
    assert verdict.bet_points(2, 0.7, None, 4) is None
    assert verdict.bet_points(None, 0.25, 1, 4) == 0
    with pytest.raises(ValueError, match="band 4 of 4"):
        verdict.bet_points(1, 0.5, 4, 4)


@given(st.floats(0, 1), st.floats(0, 1))
def test_honesty_scores_best_on_average(belief: float, told: float) -> None:
    def expected(p: float) -> float:
        right, wrong = verdict.bet_points(0, p, 0, 4), verdict.bet_points(0, p, 1, 4)
        assert right is not None and wrong is not None
        return belief * right + (1 - belief) * wrong

    assert expected(belief) >= expected(told) - 1e-9

"""Habits that show over many questions: each is found in a bank whose author has it, none in a fair one."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from made_bank import CHINESE, ENGLISH, Habit, banded, bank_of, chosen, fair, made, phrase
from msgspec.structs import replace

from questions.lint import bots, lint
from questions.lint.chance import at_least, at_most, uneven
from questions.lint.context import leaks, plausible
from questions.lint.model import leave_one_topic_out
from questions.lint.whole import balance, mixed_up
from questions.shapes import Bank, Text


def keyed(score: Callable[[list[Text], int], float], often: float = 0.7) -> Habit:
    """The key is the option with the greatest score, as often as that."""

    def habit(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
        if random.random() < often:
            key = max(range(len(texts)), key=lambda n: score(texts, n))
        return texts, key

    return habit


def dressed(dress: Callable[[str], str], often: float = 0.6, *, wrong: bool = False) -> Habit:
    """Something is done to the key's text, or to that of every wrong option."""

    def habit(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
        if random.random() < often:
            texts = [
                Text(dress(t.zh), dress(t.en)) if (n == key) != wrong else t for n, t in enumerate(texts)
            ]
        return texts, key

    return habit


def beside_the_key(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
    """Every wrong option is the key with another one of its words changed."""
    words = [int(random.random() * len(ENGLISH)) for _ in texts]
    made = []
    for n in range(len(texts)):
        mine = [w if n == key or place != n else (w + 7) % len(ENGLISH) for place, w in enumerate(words)]
        made.append(Text("".join(CHINESE[w] for w in mine), " ".join(ENGLISH[w] for w in mine)))
    return made, key


def echoing(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
    """The key takes up two words of every stem, "sampler" and "worker"."""
    texts[key] = Text(f"采样进程{texts[key].zh}", f"sampler worker {texts[key].en}")
    return texts, key


def common(texts: list[Text], n: int) -> float:
    """How much of an option is one of the first words of the list, which the habit below makes common."""
    words = texts[n].en.split()
    return sum(word in ENGLISH[:5] for word in words) / len(words)


def in_common_words(random: Random, texts: list[Text], key: int) -> tuple[list[Text], int]:
    """Words are not equally common, and the key has the commoner ones."""
    texts = [t if random.random() < 0.5 else _plain(random, t) for t in texts]
    return keyed(common)(random, texts, key)


def _plain(random: Random, text: Text) -> Text:
    made = [phrase(random) for _ in range(40)]
    return max(made, key=lambda t: common([t], 0))


HABITS: list[tuple[str, str, str, Habit]] = [
    ("B08", "E", "the key is the longest", keyed(lambda texts, n: len(texts[n].en))),
    ("B08", "E", "the key is the shortest", keyed(lambda texts, n: -len(texts[n].en))),
    ("B08", "W", "too seldom the longest", keyed(lambda texts, n: -abs(len(texts[n].en) - 30), 1.0)),
    ("B09", "W", "authored places", keyed(lambda texts, n: n == 1)),
    ("B11", "E", "absolute words", dressed(lambda t: f"always 总是 {t}", wrong=True)),
    ("B12", "E", "hedge", dressed(lambda t: f"usually 通常 {t}")),
    ("B14", "E", "most like the others", beside_the_key),
    ("B16", "E", "has code", dressed(lambda t: f"`{t}`")),
    ("B16", "E", "has a number", dressed(lambda t: f"{t} 7")),
    ("B16", "E", "has parentheses", dressed(lambda t: f"({t})")),
    ("B30", "E", "'longest'", keyed(lambda texts, n: len(texts[n].en))),
    ("B30", "E", "'most-specific'", dressed(lambda t: f"{t} 7")),
    ("B30", "E", "'hedged'", dressed(lambda t: f"may 可能 {t}")),
    ("B30", "E", "'stem-overlap'", echoing),
    ("B30", "E", "'middle-authored'", keyed(lambda texts, n: n in (1, 2))),
    ("B30", "E", "'most-common-token'", in_common_words),
    ("B30", "E", "'centroid'", beside_the_key),
    ("B31", "E", "all surface cues", keyed(lambda texts, n: len(texts[n].en))),
]


@pytest.mark.parametrize(("rule", "level", "words", "habit"), HABITS)
def test_a_habit_of_the_author_is_found(rule: str, level: str, words: str, habit: Habit) -> None:
    def stem(n: int) -> Text:
        return Text(f"第 {n} 题：采样和进程？", f"Question {n}: which sampler or worker?")

    bank = made(habit, stem=stem)
    found = [f for f in bots.surface_cues(bank) if f.rule == rule and f.level == level and words in f.text]
    assert found
    assert {f.file for f in found} == {Path("bank")}


def test_a_fair_bank_passes() -> None:
    """Nearly always: each rule may err in one bank of a hundred, and of 200 fair banks 5 % were suspected by some."""
    suspected = [
        seed for seed in range(1000, 1030) if list(bots.surface_cues(made(seed=seed, options=3 + seed % 2)))
    ]
    assert len(suspected) <= 2


def test_what_counts_as_beyond_chance() -> None:
    """The least number of hits that fails, at p < 0.01 and for seven bots."""
    quarter, third = Fraction(1, 4), Fraction(1, 3)
    for lists, hits in ((100, 36), (200, 66), (300, 94)):
        assert at_least(hits, [quarter] * lists) < 0.01 <= at_least(hits - 1, [quarter] * lists)
    for chance, hits in ((quarter, 70), (third, 88)):
        assert at_least(hits, [chance] * 200) < 0.01 / 7 <= at_least(hits - 1, [chance] * 200)


def test_chances_that_differ_add_up_exactly() -> None:
    mixed = [Fraction(1, 2), Fraction(1, 3), Fraction(1, 4)]
    assert at_least(3, mixed) == pytest.approx(1 / 24)
    assert at_most(0, mixed) == pytest.approx(1 / 2 * 2 / 3 * 3 / 4)
    assert at_least(1, mixed) == pytest.approx(1 - at_most(0, mixed))
    assert at_least(0, []) == at_most(0, []) == 1.0


def test_uneven_places_have_a_small_p_and_few_of_them_none() -> None:
    assert uneven({4: [25, 25, 25, 25]}) == pytest.approx(1.0)
    assert uneven({4: [40, 20, 20, 20]}) == pytest.approx(
        0.00738, rel=0.01
    )  # chi-square 12, 3 degrees of freedom
    assert uneven({3: [30, 15, 15], 4: [40, 20, 20, 20]}) < uneven({4: [40, 20, 20, 20]})
    assert uneven({4: [4, 0, 0, 0]}) == 1.0


def test_a_key_that_is_always_the_first_band_is_found() -> None:
    ranks = [0] * 30 + [1, 2, 3] * 4
    found = list(bots.surface_cues(bank_of([banded(n, rank) for n, rank in enumerate(ranks)])))
    assert [f.level for f in found if f.rule == "B10"] == ["W"]
    even = list(bots.surface_cues(bank_of([banded(n, n % 4) for n in range(42)])))
    assert "B10" not in {f.rule for f in even}


def test_the_model_of_all_cues_gives_the_same_result_each_time() -> None:
    found = bots.picks(made(fair, 120, seed=3), "en")
    assert leave_one_topic_out(found) == leave_one_topic_out(found)
    assert leave_one_topic_out(found[:50]) == (0, [])  # too few to learn from


def test_printed_output_counts_by_what_it_shares_and_not_by_its_length() -> None:
    """Two values, and every wrong option has one of them wrong: the key is the one in the middle."""
    texts = [Text(t, t) for t in ("True 10", "False 10", "True 1")]
    questions = [
        replace(chosen(n, texts, 0, Text("打印什么？", "What is printed?")), kind="output") for n in range(40)
    ]
    rules = {f.rule for f in bots.surface_cues(bank_of(questions))}
    assert "B14" in rules
    assert "B08" not in rules and "B16" not in rules
    texts.append(Text("False 1", "False 1"))
    questions = [replace(chosen(n, texts, n % 4, Text("", "")), kind="output") for n in range(40)]
    assert not list(bots.surface_cues(bank_of(questions)))


def test_a_form_that_outweighs_all_others_is_a_warning() -> None:
    bank = made(n=40)
    assert {f.level for f in balance(bank)} == {"W", "I"}
    questions = [replace(q, kind="output") if n % 2 else q for n, q in enumerate(bank.questions.values())]
    assert {f.level for f in balance(bank_of(questions))} == {"I"}
    assert not list(balance(made(n=10)))


def in_sets(bank: Bank, *names: str | None) -> Bank:
    """The bank with its claims in these sets, one after the other."""
    claims = zip(bank.claims.values(), names, strict=True)
    return replace(bank, claims={claim.id: replace(claim, confusable=name) for claim, name in claims})


def test_a_confusable_set_needs_two_claims_that_can_be_asked() -> None:
    bank = in_sets(made(n=10), "one", "two", "two", None)
    (alone,) = mixed_up(bank)
    assert (alone.rule, alone.level, alone.file) == ("B32", "E", bank.claims["E1.1"].file)
    assert "'one'" in alone.text
    silent = replace(in_sets(made(n=10), "two", "two", None, None), by_claim=dict.fromkeys(bank.claims, ()))
    assert {(f.level, f.text.split()[1]) for f in mixed_up(silent)} == {("W", "E1.1"), ("W", "E2.1")}


def test_a_bank_names_three_sets_at_least() -> None:
    assert [f.level for f in mixed_up(in_sets(made(n=40), "a", "a", "b", "b"))] == ["W", "I"]
    claims = [chosen(n, [Text("", "")] * 3, 0, Text("", "")) for n in range(40)]
    bank = bank_of([replace(q, claim=f"{q.entry}.{n % 8}") for n, q in enumerate(claims)])
    names = [f"set {n % 3}" for n in range(len(bank.claims))]
    assert [f.level for f in mixed_up(in_sets(bank, *names))] == ["I"]


def test_a_stem_with_the_key_of_another_question_leaks_it() -> None:
    texts = [
        Text(f"第{n}种归一化方式与批次无关", f"normalisation way {n} ignores the batch altogether")
        for n in range(3)
    ]
    one = chosen(1, texts, 0, Text("哪一种？", "Which way?"))
    said = Text(
        "已知第0种归一化方式与批次无关，为什么？", "As normalisation way 0 ignores the batch altogether, why?"
    )
    other = chosen(2, [phrase(Random(n)) for n in range(3)], 0, said)
    found = list(leaks(bank_of([one, other])))
    assert {(f.rule, f.level, f.file) for f in found} == {("B29", "W", other.file)}
    assert {f.text[:2] for f in found} == {"zh", "en"}


def test_a_wrong_option_from_nowhere_tempts_nobody() -> None:
    bank = made(n=120)
    questions = list(bank.questions.values())
    odd = questions[7]
    stray = Text("伦敦巴黎罗马维也纳", "Cats like sleeping under warm blankets")
    wrong = next(n for n, option in enumerate(odd.options) if option.id != odd.key)
    options = [replace(o, text=stray) if n == wrong else o for n, o in enumerate(odd.options)]
    questions[7] = replace(odd, options=tuple(options))
    found = list(plausible(bank_of(questions)))
    assert {(f.rule, f.level, f.file) for f in found} == {("B22", "W", odd.file)}
    assert not list(plausible(bank))


def test_more_than_two_waivers_in_a_hundred_questions_are_too_many() -> None:
    bank = made(n=100)
    waived = {id: replace(q, waive={"B23": "made"}) for id, q in list(bank.questions.items())[:3]}
    few = dict(list(waived.items())[:2])

    def told(some: dict[str, object]) -> bool:
        return any("waivers in" in f.text for f in lint(bank_of(list({**bank.questions, **some}.values()))))

    assert told(waived)
    assert not told(few)

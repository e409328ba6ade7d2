"""Bank and labs know each other by id alone: here the ids are followed, and measured numbers compared."""

from __future__ import annotations

from functools import cache

import pytest

from labs.catalog import EXPERIMENTS, Lab, find
from questions.catalog import load
from questions.shapes import Bank, Evidence

# Their value is a level, the rule's effect the difference from another arm: their source says which.
LEVELS = {"e14-identity", "e16-sorted-file", "e17-blank-frames"}


@cache
def bank() -> Bank:
    return load()


@cache
def labs() -> dict[str, Lab]:
    return dict(find(EXPERIMENTS).labs)


def cited() -> list[tuple[str, Evidence]]:
    things = (*bank().claims.values(), *bank().questions.values())
    return [(thing.id, thing.evidence) for thing in things if thing.evidence and thing.evidence.lab]


def test_every_lab_and_rule_that_is_cited_exists() -> None:
    for id, evidence in cited():
        assert evidence.lab in labs(), id
        rules = {rule.id for rule in labs()[evidence.lab].rules}
        assert evidence.rule is None or evidence.rule in rules, id


def test_every_claim_of_a_lab_is_in_the_bank_and_every_claim_has_evidence() -> None:
    measured = {claim for lab in labs().values() for claim in lab.claims}
    assert measured <= set(bank().claims)
    for claim in bank().claims.values():
        assert claim.evidence is not None, claim.id
        assert claim.evidence.code or claim.evidence.rule, claim.id


def measured() -> list[str]:
    return [
        question.id
        for question in bank().questions.values()
        if question.kind == "band"
        and question.evidence
        and question.evidence.rule
        and not question.evidence.code
        and question.id not in LEVELS
    ]


@pytest.mark.parametrize("id", measured())
def test_a_band_holds_the_whole_interval_that_its_lab_measured(id: str) -> None:
    question = bank().question(id)
    assert question.evidence and question.evidence.lab and question.evidence.rule
    reference = labs()[question.evidence.lab].reference
    assert reference is not None and question.value is not None
    rule = reference.rules[question.evidence.rule]
    sign = 1.0 if (rule.effect < 0) == (question.value < 0) else -1.0  # asked for as a loss or as a gain
    assert sign * rule.effect == pytest.approx(question.value, rel=0.02, abs=0.06)
    edges = [band.below for band in question.bands[:-1]]
    inside = {sum(edge is not None and sign * end >= edge for edge in edges) for end in rule.interval}
    assert {question.options[n].id for n in inside} == {question.key}

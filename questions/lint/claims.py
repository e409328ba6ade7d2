"""What every claim needs: evidence, questions of different forms, a reason of the right length."""

from __future__ import annotations

from collections.abc import Iterator

from questions.lint.code import code_parses
from questions.lint.finding import CHOSEN, Finding, folder
from questions.lint.words import length
from questions.shapes import Bank, Claim, Question


def covered(bank: Bank) -> Iterator[Finding]:
    """B01: a claim has evidence, two questions of two forms, one of them to begin with, one more than recognition.

    (The loader sees to the rest of the rule, files that can be read and ids that lead somewhere.) An entry in which
    nothing is asked yet is left alone.
    """
    live = {q.entry for q in bank.questions.values()}
    for claim in bank.claims.values():
        if claim.entry not in live:
            continue
        forms = [q.form for q in bank.by_claim[claim.id]]
        if claim.evidence is None:
            yield Finding("B01", "E", claim.file, f"claim {claim.id} has no evidence: name a lab, or code")
        if len(forms) < 2:
            yield Finding("B01", "E", claim.file, f"claim {claim.id} has {len(forms)} questions; at least 2")
        elif len(set(forms)) < 2:
            text = f"claim {claim.id} has questions of one form only ({forms[0]})"
            yield Finding("B01", "E", claim.file, text)
        if forms and set(forms) == {"two-step"}:
            text = f"claim {claim.id} has nothing to begin with but two-step questions"
            yield Finding("B01", "E", claim.file, text)
        if forms and set(forms) <= set(CHOSEN):  # mastery wants an answer that could not be recognised
            text = f"claim {claim.id} has nothing but sentences to choose from, so that it cannot be held"
            yield Finding("B01", "E", claim.file, text)


def argued(bank: Bank) -> Iterator[Finding]:
    """B23, B24 and B34 for claims: a reason of 20 to 90 words, code that parses, a source."""
    for claim in bank.claims.values():
        for lang, least, most in (("zh", 40, 220), ("en", 20, 90)):
            n = length(claim.why.get(lang), lang)
            if not least <= n <= most:
                text = f"claim {claim.id}: {lang} 'why' has {n} words; {least} to {most}"
                yield Finding("B23", "W", claim.file, text)
        for rule, level, text in code_parses(claim):
            yield Finding(rule, level, claim.file, text)
        if not claim.source.strip():
            yield Finding("B34", "E", claim.file, f"claim {claim.id} names no source")


def measured(bank: Bank) -> Iterator[Finding]:
    """B26: which claims no lab measures, and evidence that names a lab but no rule.

    The bank has no field for the reason why: code that settles a claim (B01) is the reason. So this informs.
    """
    things: list[Claim | Question] = [*bank.claims.values(), *bank.questions.values()]
    for thing in things:
        if thing.evidence and thing.evidence.lab and not thing.evidence.rule:
            yield Finding("B26", "W", thing.file, f"names the lab '{thing.evidence.lab}' but no rule of it")
    in_lab = {getattr(t, "claim", t.id) for t in things if t.evidence and t.evidence.lab}
    without = [claim for claim in bank.claims if claim not in in_lab]
    if without:
        text = f"{len(without)} of {len(bank.claims)} claims are measured by no lab: {', '.join(without)}"
        yield Finding("B26", "I", folder(bank), text)

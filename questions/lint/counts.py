"""The bank in numbers, for `torchproof bank check --json`."""

from __future__ import annotations

from collections import Counter
from typing import Any

from questions.lint.finding import LANGS
from questions.shapes import Bank, Claim, Question


def counts(bank: Bank) -> dict[str, Any]:
    """How many claims and questions, and questions by entry, claim, form, language and evidence.

    by_evidence says what shows the right answer: a lab, code that runs, both, or none. Code is the question's own where
    that settles the key (output, bug) and the formula where numbers are drawn (generated).
    """
    questions = bank.questions.values()
    evidence = Counter(dict.fromkeys(("lab", "code", "both", "none"), 0))
    evidence.update(map(_evidence, questions))
    return {
        "claims": len(bank.claims),
        "questions": len(bank.questions),
        "claims_without_evidence": [c.id for c in bank.claims.values() if _evidence(c) == "none"],
        "by_entry": {id: sum(q.entry == id for q in questions) for id in bank.entries},
        "by_claim": {id: len(bank.by_claim[id]) for id in bank.claims},
        "by_form": dict(sorted(Counter(q.form for q in questions).items())),
        "by_language": {lang: sum(_written(q, lang) for q in questions) for lang in LANGS},
        "by_evidence": dict(evidence),
    }


def _evidence(thing: Claim | Question) -> str:
    evidence = thing.evidence
    lab = evidence is not None and evidence.lab is not None
    code = evidence is not None and evidence.code is not None
    if isinstance(thing, Question):
        code = code or thing.kind in ("output", "bug") or thing.template is not None
    return "both" if lab and code else "lab" if lab else "code" if code else "none"


def _written(question: Question, lang: str) -> bool:
    """Whether stem, explanation and options are there in this language."""
    texts = (
        question.stem,
        question.explain,
        *(c.text for c in (*question.options, *question.authored_reasons)),
    )
    return all(text.get(lang).strip() for text in texts)

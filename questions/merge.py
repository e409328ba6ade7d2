"""The bank and the packs as one. A pack's ids carry its name in front, `<pack>/<id>`.

No id of the bank holds a "/", being the name of a file or folder, and a name belongs to one pack at a time: so no two
things share an id, whatever is added later, and an answer in the log stays that of the same question. A pack that came
by another name would be another pack; one that is removed and comes back by its old name has its answers again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from msgspec.structs import replace

from questions import snapshot
from questions.packs import Pack, load_all
from questions.shapes import Bank, Choice, Question, Slip, Swap, Text

Named = TypeVar("Named", Choice, Slip, Swap)

LONGEST_TITLE = 120


def whole_bank(packs: Path, cache: Path) -> Bank:
    """The shipped bank and every pack that can be read. Raises BankProblem where the bank itself cannot be."""
    return merge(snapshot.load(cache=cache), (pack for pack in load_all(packs, cache) if not pack.problem))


def merge(bank: Bank, packs: Iterable[Pack]) -> Bank:
    """The bank, and behind it what each pack holds, in the order given."""
    banks = [bank, *(prefixed(pack.bank, pack.name) for pack in packs)]
    if len(banks) == 1:
        return bank
    return Bank(
        entries={id: entry for one in banks for id, entry in one.entries.items()},
        claims={id: claim for one in banks for id, claim in one.claims.items()},
        misconceptions={id: belief for one in banks for id, belief in one.misconceptions.items()},
        questions={id: question for one in banks for id, question in one.questions.items()},
        by_claim={id: questions for one in banks for id, questions in one.by_claim.items()},
        drafts=tuple(draft for one in banks for draft in one.drafts),
        problems=bank.problems,
    )


def prefixed(bank: Bank, name: str) -> Bank:
    """The same with `name/` before every id."""
    front = f"{name}/"
    questions = {front + id: _question(question, front) for id, question in bank.questions.items()}
    return Bank(
        entries={
            front + id: replace(
                entry, id=front + id, title=_one_line(entry.title), summary=_one_line(entry.summary, 500)
            )
            for id, entry in bank.entries.items()
        },
        claims={
            front + id: replace(
                claim,
                id=front + id,
                entry=front + claim.entry,
                requires=tuple(front + needed for needed in claim.requires),
                confusable=front + claim.confusable if claim.confusable else None,
            )
            for id, claim in bank.claims.items()
        },
        misconceptions={front + id: replace(m, id=front + id) for id, m in bank.misconceptions.items()},
        questions=questions,
        by_claim={
            front + id: tuple(questions[front + question.id] for question in asked)
            for id, asked in bank.by_claim.items()
        },
        drafts=tuple(replace(draft, id=front + draft.id, entry=front + draft.entry) for draft in bank.drafts),
        problems=bank.problems,
    )


def _question(question: Question, front: str) -> Question:
    return replace(
        question,
        id=front + question.id,
        claim=front + question.claim,
        entry=front + question.entry,
        options=_named(question.options, front),
        authored_reasons=_named(question.authored_reasons, front),
        slips=_named(question.slips, front),
        swaps=_named(question.swaps, front),
        beliefs=_beliefs(question.beliefs, front),
    )


def _named(things: tuple[Named, ...], front: str) -> tuple[Named, ...]:
    return tuple(replace(t, misconception=front + t.misconception) if t.misconception else t for t in things)


def _beliefs(beliefs: Mapping[str, str], front: str) -> dict[str, str]:
    return {formula: front + misconception for formula, misconception in beliefs.items()}


def _one_line(text: Text, most: int = LONGEST_TITLE) -> Text:
    """As it fits into a list, whatever its author wrote."""
    zh, en = (" ".join(words.split()) for words in (text.zh, text.en))
    return Text(zh if len(zh) <= most else f"{zh[:most]}…", en if len(en) <= most else f"{en[:most]}…")

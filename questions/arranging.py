"""In which order to take what was chosen for a session. Pure: items and claims in, the same items out.

Claims that are easily mixed up stand next to each other, since it is the contrast that teaches to tell them apart;
other topics are mixed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final, Generic, Protocol, TypeVar

from questions.shapes import Claim

QUESTIONS_BEFORE_A_LAB: Final = 2


class OnClaim(Protocol):
    """An item of a plan."""

    @property
    def claim(self) -> str: ...


Item = TypeVar("Item", bound=OnClaim)


class Arranging(Generic[Item]):
    """Items waiting for their places. `urgency`: what is less urgent never overtakes for the sake of variety."""

    def __init__(
        self,
        items: Sequence[Item],
        claims: Mapping[str, Claim],
        *,
        is_lab: Callable[[Item], bool],
        urgency: Callable[[Item], object],
    ) -> None:
        self._waiting = list(items)
        self._claims = claims
        self._is_lab = is_lab
        self._urgency = urgency
        self._placed: list[Item] = []
        self._asked_since = 0  # the last lab

    def arranged(self) -> list[Item]:
        """What builds on a claim stands behind it. A lab stands behind two questions wherever that is possible, so
        that a session starts at once and there is something to read while one runs. Questions of one confusable set
        stand in a row, unless what one builds on builds on another of them; a lab of the set follows where it may.
        Else no two questions of an entry stand in a row where another one is ready and as urgent."""
        while self._waiting:
            item = self._next()
            self._waiting.remove(item)
            self._placed.append(item)
            self._asked_since = 0 if self._is_lab(item) else self._asked_since + 1
        return self._placed

    def _next(self) -> Item:
        ahead = {item.claim for item in self._waiting}
        ready = [
            i for i in self._waiting if ahead.isdisjoint(self._claims[i.claim].requires)
        ] or self._waiting
        labs = [i for i in ready if self._is_lab(i)]
        questions = [i for i in ready if not self._is_lab(i)]
        last = self._set_of(self._placed[-1]) if self._placed else None
        if last and (mates := [i for i in questions if self._set_of(i) == last]):
            return mates[0]
        if labs and (self._asked_since >= QUESTIONS_BEFORE_A_LAB or not questions):
            return next((i for i in labs if last and self._set_of(i) == last), labs[0])
        return self._opening(self._varied(questions), questions, frozenset())

    def _varied(self, questions: Sequence[Item]) -> Item:
        """The first question, or one as urgent that changes the topic and leaves no lab of its set behind."""
        first = questions[0]
        equals = [i for i in questions if self._urgency(i) == self._urgency(first)]
        entry = self._claims[self._placed[-1].claim].entry if self._placed else None

        def reluctance(item: Item) -> int:
            return 2 * self._lab_too_early(item) + (self._claims[item.claim].entry == entry)

        return min(equals, key=reluctance)  # the first of the least

    def _lab_too_early(self, item: Item) -> bool:
        """Whether the set of `item` has a lab and too few questions to stand before it."""
        if self._set_of(item) is None:
            return False
        members = self._members(item)
        labs = sum(self._is_lab(i) for i in members)
        return labs > 0 and self._asked_since + len(members) - labs < QUESTIONS_BEFORE_A_LAB

    def _opening(self, item: Item, questions: Sequence[Item], tried: Set[str]) -> Item:
        """The item, or a question that must come first for its set to stand together."""
        if self._set_of(item) is None:
            return item
        needs = self._needs({i.claim for i in self._members(item)})
        first = next((i for i in questions if i.claim in needs - tried), None)
        return item if first is None else self._opening(first, questions, tried | {first.claim})

    def _needs(self, claims: set[str]) -> set[str]:
        """What waits and must stand before one of these claims, they themselves left out."""
        waiting = {i.claim for i in self._waiting}
        found: set[str] = set()
        ahead = list(claims)
        while ahead:
            more = (waiting & set(self._claims[ahead.pop()].requires)) - found
            found |= more
            ahead += more
        return found - claims

    def _members(self, item: Item) -> list[Item]:
        """What waits of the set that `item` belongs to."""
        own = self._set_of(item)
        return [i for i in self._waiting if self._set_of(i) == own]

    def _set_of(self, item: Item) -> str | None:
        return self._claims[item.claim].confusable

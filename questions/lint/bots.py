"""Cues that no single question shows: would somebody who knows nothing of the subject beat chance in this bank?

Every test is exact and judges each language alone. A bot that cannot decide between several options names them all: it
hits when the key is among them, and its chance is their share of the list. Where all options look the same to it, the
list says nothing and is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from questions.lint import model
from questions.lint.chance import at_least, at_most, uneven
from questions.lint.cues import EVERY, WORDED, WRITTEN, Pick, Sort, picks
from questions.lint.finding import LANGS, Finding, Flaw, folder
from questions.lint.options import FORMATS
from questions.shapes import Bank

ALPHA = 0.01
Score = Callable[[Pick], Sequence[float]]

# B30. Position is judged where it is authored, centre where wrong answers are; the rest where words were chosen.
BOTS: tuple[tuple[str, Score, tuple[Sort, ...]], ...] = (
    ("longest", lambda pick: pick.length, WORDED),
    ("most-specific", lambda pick: pick.specific, WORDED),
    ("hedged", lambda pick: pick.hedged, WORDED),
    ("stem-overlap", lambda pick: pick.echo, WORDED),
    ("middle-authored", lambda pick: pick.middle, EVERY),
    ("most-common-token", lambda pick: pick.usual, WORDED),
    ("centroid", lambda pick: pick.centre, WRITTEN),
)


class Tally:
    """What a bot did: `hits` of `chances`, one chance a list on which it had an opinion.

    alone: the questions in which it named the key and nothing else.
    """

    def __init__(self, hits: int, chances: list[Fraction], alone: Sequence[str] = ()) -> None:
        self.hits, self.chances, self.alone = hits, chances, alone

    @property
    def expected(self) -> float:
        return float(sum(self.chances))

    @property
    def p_high(self) -> float:
        """P(as many hits or more by luck)."""
        return at_least(self.hits, self.chances)

    @property
    def p_low(self) -> float:
        """P(as few hits or fewer by luck)."""
        return at_most(self.hits, self.chances)

    def __str__(self) -> str:
        return f"{self.hits} of {len(self.chances)}, {self.expected:.0f} by chance"


def tally(
    found: Sequence[Pick], score: Score, sorts: Sequence[Sort] = EVERY, *, strictly: bool = False
) -> Tally:
    """Lets a bot answer these lists. strictly: it answers only where one option stands out."""
    hits, chances, alone = 0, [], []
    for pick in found:
        if pick.sort not in sorts:
            continue
        scores = score(pick)
        best = max(scores)
        named = [n for n, value in enumerate(scores) if value == best]
        if len(named) == len(scores) or (strictly and len(named) > 1):
            continue
        hits += pick.key in named
        alone += [pick.id] if named == [pick.key] else []
        chances.append(Fraction(len(named), len(scores)))
    return Tally(hits, chances, alone)


def surface_cues(bank: Bank) -> Iterator[Finding]:
    """B08, B11, B12, B14, B16 over the bank, B30 and B31, for each language; B09 and B10, which have none."""
    where = folder(bank)
    found = {lang: picks(bank, lang) for lang in LANGS}
    for lang, seen in found.items():
        for rule, level, text in (*_lengths(seen), *_marks(seen), *_bots(seen), *_model(seen)):
            yield Finding(rule, level, where, f"{lang}: {text}")
    for rule, level, text in _positions(found["en"]):
        yield Finding(rule, level, where, text)


def _lengths(found: Sequence[Pick]) -> Iterator[Flaw]:
    """B08: the key is the longest or the shortest as often as any other option.

    "Longest" has both sides: where it never is the key, it can be struck out. That gains less, from one in four to one
    in three, and is a warning. These two other ways to look at length share another 0.01.
    """
    longest = tally(found, lambda pick: pick.length, WORDED, strictly=True)
    shortest = tally(found, lambda pick: [-n for n in pick.length], WORDED, strictly=True)
    if longest.p_high < ALPHA:
        yield "B08", "E", f"the key is the longest option in {longest}"
    if longest.p_low < ALPHA / 2:
        yield "B08", "W", f"the key is too seldom the longest option: {longest}"
    if shortest.p_high < ALPHA / 2:
        yield "B08", "E", f"the key is the shortest option in {shortest}"


def _marks(found: Sequence[Pick]) -> Iterator[Flaw]:
    """B11, B12, B16: words and marks go with keys as often as with wrong options. B14: keys are no centres."""
    absolute = tally(found, lambda pick: pick.absolute, WORDED)
    if min(absolute.p_high, absolute.p_low) < ALPHA / 2:
        yield "B11", "E", f"options with absolute words are the key in {absolute}"
    hedged = tally(found, lambda pick: pick.hedged, WORDED)
    if min(hedged.p_high, hedged.p_low) < ALPHA / 2:
        yield "B12", "E", f"options that hedge are the key in {hedged}"
    centre = tally(found, lambda pick: pick.centre, WRITTEN)
    if centre.p_high < ALPHA:
        some = ", ".join(sorted(centre.alone)[:60])
        yield "B14", "E", f"the option most like the others is the key in {centre}: {some}"
    for what, look in FORMATS:
        marked = tally(found, lambda pick, look=look: pick.shows(look), WORDED)  # type: ignore[misc]
        if min(marked.p_high, marked.p_low) < ALPHA / (2 * len(FORMATS)):
            yield "B16", "E", f"an option that {what} is the key in {marked}"


def _bots(found: Sequence[Pick]) -> Iterator[Flaw]:
    """B30: none of seven bots does better than chance (Bonferroni)."""
    for name, score, sorts in BOTS:
        done = tally(found, score, sorts)
        if done.p_high < ALPHA / len(BOTS):
            yield "B30", "E", f"the bot '{name}' finds the key in {done}"


def _model(found: Sequence[Pick]) -> Iterator[Flaw]:
    """B31: all cues together, learned from the other entries, gain 8 points at most over chance."""
    worded = [pick for pick in found if pick.sort in WRITTEN]
    hits, chances = model.leave_one_topic_out(worded)
    if not chances:
        return
    done = Tally(hits, chances)
    gain = (hits - done.expected) / len(chances)
    # Of fair banks with 200 lists, one in a hundred gains 8 points by luck; so the gain must be beyond luck as well.
    if gain > 0.08 and done.p_high < ALPHA / 10:
        yield "B31", "E", f"a model of all surface cues finds the key in {done}"


def _positions(found: Sequence[Pick]) -> Iterator[Flaw]:
    """B09: the authored place of the key is uniform. B10: so is its rank among numbers and lines shown in order.

    A card shuffles sentences and outputs; exports and readers of the files see them as authored.
    """
    places = _counted((len(pick.texts), pick.key) for pick in found if pick.sort in WRITTEN)
    if (p := uneven(places)) < ALPHA:
        yield "B09", "W", f"authored places of the key: {_listed(places)} (p = {p:.4f}); shuffle the options"
    ranked = ((len(pick.texts), _rank(pick)) for pick in found)
    ranks = _counted((size, rank) for size, rank in ranked if rank is not None)
    if (p := uneven(ranks)) < ALPHA:
        yield "B10", "W", f"ranks of the key among numbers and lines: {_listed(ranks)} (p = {p:.4f})"


def _rank(pick: Pick) -> int | None:
    """The key's place by size or line; None where the options have no order."""
    if pick.sort == "ordered":
        return pick.key
    try:
        numbers = [float(text.strip("`").removesuffix("%")) for text in pick.texts]
    except ValueError:
        return None
    return sorted(numbers).index(numbers[pick.key])


def _counted(found: Iterator[tuple[int, int]]) -> dict[int, list[int]]:
    counts = Counter(found)
    return {size: [counts[size, n] for n in range(size)] for size in sorted({size for size, _ in counts})}


def _listed(counts: dict[int, list[int]]) -> str:
    return "; ".join("-".join(map(str, row)) for row in counts.values())

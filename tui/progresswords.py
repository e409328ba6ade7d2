"""The sections of the progress page in words, tables and pictures. Facts from `questions` in, prose out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import cached_property
from math import ceil
from typing import TYPE_CHECKING, Final, Literal

from textual.content import Content

from tui.pausing import rest_short
from tui.progresstables import by_day, compared, muted, percent, written
from tui.widgets.prose import Block
from tui.widgets.table import table

if TYPE_CHECKING:
    from questions.beliefs import Held
    from questions.events import Event
    from questions.figures import Day, Surprise
    from questions.forecast import Ahead
    from questions.mastery import Calibration
    from questions.schedule import Fold
    from tui.app import TorchproofApp

Section = Literal["overview", "confidence", "memory", "days", "ahead", "surprises"]
Piece = Block | Content
SECTIONS: Final[tuple[Section, ...]] = ("overview", "confidence", "memory", "days", "ahead", "surprises")
DAYS: Final = 14
MOST: Final = 8  # surprises, and misconceptions of each kind
AROUND: Final = 17  # rows of a section beside its picture, which takes what is left: 7 to 13


class Facts:
    """What the page shows, each worked out when it is first asked for."""

    def __init__(self, app: TorchproofApp) -> None:
        self.app = app
        self.tr = app.tr
        self.today = app.today()
        self.state: Fold = app.kept.look()
        if app.progress.loaded:
            app.progress.refresh()
        self.events: list[Event] = app.progress.events()

    @cached_property
    def any(self) -> bool:
        """Whether anything was ever answered or bet on."""
        from questions.events import Answer, Bet

        return any(isinstance(event, (Answer, Bet)) for event in self.events)

    @cached_property
    def calibration(self) -> Calibration:
        from questions.mastery import calibration_from

        return calibration_from(self.events, self.state)

    @cached_property
    def unknown(self) -> int:
        """How often "I don't know" was the answer or the bet."""
        from questions.events import Answer
        from questions.mastery import settled_bets

        answers = sum(isinstance(event, Answer) and event.option is None for event in self.events)
        return answers + sum(bet.band is None for bet, _ in settled_bets(self.events))

    @cached_property
    def days(self) -> list[Day]:
        from questions.figures import days

        return days(self.events)

    @cached_property
    def ahead(self) -> tuple[Ahead, ...]:
        from questions.forecast import forecast

        app = self.app
        return forecast(self.state, app.lab_refs(), self.today, app.settings.minutes, days=DAYS)

    @cached_property
    def surprises(self) -> list[Surprise]:
        from questions.figures import surprises

        found: dict[tuple[str, bool], Surprise] = {}  # one a claim, since it is the claim that is quoted
        for surprise in surprises(self.events):
            found.setdefault((surprise.item if surprise.lab else surprise.claim, surprise.lab), surprise)
        return list(found.values())[:MOST]


def report(facts: Facts, section: Section, width: int, height: int) -> Iterator[Piece]:
    """A section as pieces of prose; tables and pictures are at most `width` cells wide. `height`: of the window."""
    match section:
        case "overview":
            return _overview(facts, width)
        case "confidence":
            return _confidence(facts, width, _picture_rows(height))
        case "memory":
            return _memory(facts, width, _picture_rows(height))
        case "days":
            return _days(facts, width)
        case "ahead":
            return _ahead(facts, width)
        case "surprises":
            return _surprises(facts)


def _picture_rows(height: int) -> int:
    return min(13, max(7, height - AROUND))


def _heading(text: str) -> Content:
    return Content.styled(text, "$accent bold")


def _titled(title: str, *lines: Content) -> Content:
    return Content("\n").join([_heading(title), *lines])


# --- overview


def _overview(facts: Facts, width: int) -> Iterator[Piece]:
    from questions.events import summary
    from questions.figures import streak
    from questions.mastery import resting

    tr, counts = facts.tr, summary(facts.events)
    right = round(100 * counts["right"] / counts["questions"]) if counts["questions"] else 0
    row = streak(facts.events, facts.today)
    yield Content("\n").join(
        [
            Content(tr("shell.sum_answers", **counts, percent=right)),
            Content(tr("shell.sum_days_streak" if row > 1 else "shell.sum_days", **counts, streak=row)),
        ]
    )
    yield _titled(tr("shell.entries"), *_entries(facts, width))
    if rows := resting(facts.state, facts.today):
        said = (
            Content.assemble((f"{what}  ", "$muted"), rest_short(tr, rest, facts.today))
            for what, rest in rows
        )
        yield _titled(tr("shell.resting"), *said, muted(tr("shell.resting_about")))


def _entries(facts: Facts, width: int) -> list[Content]:
    from questions import mastery
    from questions.ids import pack_of

    tr, bank = facts.tr, facts.app.bank
    standing = mastery.standings_from(facts.state, facts.today, facts.app.settings.minutes)
    head = [tr(f"shell.col_{name}") for name in ("entry", "claims", "seen", "learning", "holding", "recall")]
    rows: list[list[Content | str]] = [[muted(name) for name in head]]
    for entry in mastery.entries(bank, standing).values():
        if not entry.questions and pack_of(entry.entry):
            continue  # a FAQ to be read
        title = Content.assemble((f"{entry.entry}  ", "$muted"), bank.entries[entry.entry].title.get(tr.lang))
        if not entry.questions:
            rows.append([title, muted("–")])
            continue
        recall = "–" if entry.recall is None else f"{entry.recall:.0%}"
        numbers = (entry.claims, entry.seen, entry.seen - entry.holding, entry.holding)
        rows.append([title, *(str(number) if number else "·" for number in numbers), recall])
    return table(rows, width, align="lrrrrr", drop=(5, 1, 2))


# --- confidence, memory


def _confidence(facts: Facts, width: int, rows: int) -> Iterator[Piece]:
    from questions.mastery import ENOUGH

    tr, measured = facts.tr, facts.calibration
    chance = tr("shell.level_chance")
    levels = [(chance if level.stated is None else percent(level.stated), level) for level in measured.levels]
    yield _titled(tr("shell.calibration"), *compared(facts.tr, ("stated", "reading"), levels, width, rows))
    if measured.bias is not None and measured.n >= ENOUGH:
        key = "shell.bias_over" if measured.bias > 0 else "shell.bias_under"
        yield Content(tr(key, points=abs(round(100 * measured.bias)), n=measured.n))
    if unknown := facts.unknown:
        yield Content(tr("shell.calibration_unknown", count=unknown))
    yield muted(tr("shell.calibration_about"))
    yield _titled(tr("shell.bets"), *(Content(line) for line in _bets(facts)))


def _bets(facts: Facts) -> Iterator[str]:
    """How good the learner's intuition about training is, in a sentence or two."""
    from questions.figures import bets

    tr, record = facts.tr, bets(facts.events, facts.state)
    if record.n and record.stated is not None and record.chance is not None and record.bits is not None:
        yield tr(
            "shell.bets_record",
            n=record.n,
            right=record.right,
            percent=percent(record.right / record.n),
            low=percent(record.low),
            high=percent(record.high),
            chance=percent(record.chance),
            stated=percent(record.stated),
        )
        yield tr(f"shell.bets_{record.verdict.replace('-', '_')}", bits=f"{record.bits:.1f}")
    elif not record.unknown and not record.undecided:
        yield tr("shell.bets_none")
    if record.unknown:
        yield tr("shell.bets_unknown", count=record.unknown)
    if record.undecided:
        yield tr("shell.bets_undecided", count=record.undecided)
    if record.open:
        yield tr("shell.bets_open", count=record.open)


def _memory(facts: Facts, width: int, rows: int) -> Iterator[Piece]:
    from questions.figures import prediction

    tr, own = facts.tr, prediction(facts.state)
    if own.expected is None or own.log_loss is None or own.constant is None:
        yield _titled(tr("shell.predicted"), Content(tr("shell.predicted_none")))
    else:
        levels = [(percent(level.expected), level) for level in facts.calibration.predicted]
        lines = compared(facts.tr, ("predicted", "foreseen"), levels, width, rows)
        yield _titled(tr("shell.predicted"), *lines)
        rate, expected = percent(own.right / own.n), percent(own.expected)
        loss, constant = f"{own.log_loss:.3f}", f"{own.constant:.3f}"
        key = "shell.predicted_sum"
        yield Content(tr(key, n=own.n, expected=expected, right=rate, loss=loss, constant=constant))
    yield muted(tr("shell.predicted_about"))
    if own.n:
        yield _titled(tr("shell.parameters"), *_parameters(facts))


def _parameters(facts: Facts) -> Iterator[Content]:
    """Which parameters the memory model has, and what a later fit came to."""
    from questions.fitting import in_force

    tr, found = facts.tr, in_force(facts.state)
    if found.kind is None:
        yield Content(tr("shell.parameters_defaults"))
    else:
        key, reviews = f"shell.parameters_{found.kind}", found.reviews
        yield Content(tr(key, reviews=reviews, before=_loss(found.loss_before), loss=_loss(found.loss)))
    if kept := found.kept:
        before, loss = _loss(kept.loss_before), _loss(kept.loss)
        yield muted(tr("shell.parameters_kept", day=kept.day, reviews=kept.reviews, before=before, loss=loss))


def _loss(loss: float | None) -> str:
    return "?" if loss is None else f"{loss:.4f}"


# --- days


def _days(facts: Facts, width: int) -> Iterator[Piece]:
    tr = facts.tr
    first = facts.today - timedelta(days=DAYS - 1)
    shown = [day for day in reversed(facts.days) if day.day >= first]
    rows = [
        (day.day, (day.new + day.reviews, day.right, day.bets), day.minutes, (day.reviews, day.new))
        for day in shown
    ]
    names = ("day", "answered", "right", "bets", "minutes")
    lines = by_day(facts.tr, names, rows, width) if rows else [Content(tr("shell.days_none"))]
    yield _titled(tr("shell.days", count=DAYS), *lines)
    yield muted(tr("shell.days_about"))


def _ahead(facts: Facts, width: int) -> Iterator[Piece]:
    tr, ahead = facts.tr, facts.ahead
    rows = [(day.day, (day.due, day.new, day.bets), ceil(day.minutes), (day.due, day.new)) for day in ahead]
    names = ("day", "due", "new", "bets", "minutes")
    some = any(day.due + day.new + day.bets for day in ahead)
    lines = by_day(facts.tr, names, rows, width) if some else [Content(tr("shell.ahead_none"))]
    yield _titled(tr("shell.ahead", count=DAYS), *lines)
    if level := _level(ahead, facts):
        yield Content(level)
    yield muted(tr("shell.ahead_about", minutes=facts.app.settings.minutes))


def _level(ahead: Sequence[Ahead], facts: Facts) -> str:
    """When all that is due will fit into a day again; never how much waits."""
    if not ahead[0].waiting:
        return ""
    level = next((day for day in ahead if not day.waiting), None)
    if level is None:
        return facts.tr("shell.ahead_never", count=DAYS)
    return facts.tr("shell.ahead_level", day=written(level.day, facts.tr))


# --- surprises, misconceptions


def _surprises(facts: Facts) -> Iterator[Piece]:
    tr, app = facts.tr, facts.app
    yield _titled(tr("shell.surprises"), muted(tr("shell.surprises_about")))
    for surprise in facts.surprises:
        yield Block("item", _surprise(surprise, facts), f"{surprise.bits:4.1f}")
    if not facts.surprises:
        yield Content(tr("shell.surprises_none"))
    held, cleared = facts.state.beliefs.held(), facts.state.beliefs.cleared
    yield _titled(tr("shell.beliefs"), muted(tr("shell.beliefs_about")))
    known = app.bank.misconceptions
    if not held and not cleared:
        yield Content(tr("shell.beliefs_none"))
    for belief in list(reversed(held))[:MOST]:
        yield Block("item", _belief(belief, known[belief.misconception].name.get(tr.lang), facts), "○")
    for belief in list(reversed(cleared))[:MOST]:
        yield Block("item", _belief(belief, known[belief.misconception].name.get(tr.lang), facts), "●")
    more = max(0, len(held) - MOST) + max(0, len(cleared) - MOST)
    if more:
        yield muted(tr("shell.beliefs_more", count=more))


def _surprise(surprise: Surprise, facts: Facts) -> str:
    tr, bank = facts.tr, facts.app.bank
    text = facts.app.lab_title(surprise.item) if surprise.lab else ""
    if not text:
        claim = bank.claims.get(surprise.claim)
        text = claim.text.get(tr.lang) if claim else surprise.item
    key = {True: "right", False: "wrong", None: "not_yet"}[surprise.mended]
    since = tr(f"shell.surprise_{key}")
    return tr(
        f"shell.surprise_{'bet' if surprise.lab else 'answer'}",
        text=text,
        id=surprise.item if surprise.lab else surprise.claim,
        p=percent(surprise.p),
        day=surprise.day.isoformat(),
        since=since,
    )


def _belief(belief: Held, name: str, facts: Facts) -> str:
    tr = facts.tr
    if belief.cleared:
        return tr("shell.belief_cleared", name=name, day=belief.cleared.isoformat())
    from questions.beliefs import ENOUGH

    return tr(
        "shell.belief_open",
        name=name,
        day=belief.opened.isoformat(),
        claims=tr("shell.list_comma").join(belief.claims),
        passed=belief.passed,
        of=ENOUGH,
    )

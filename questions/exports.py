"""The log for other tools: a review log as rows (CSV, JSON), and claims as notes for Anki. Pure: bytes out.

The lossless export, the only one that is read back, is `Progress.export`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from html import escape

import msgspec
from msgspec import Struct

from questions.events import Answer, Bet, Event, Result
from questions.grade import earned
from questions.mastery import settled_bets
from questions.schedule import Fold
from questions.shapes import Bank, Claim

JSON_VERSION = 1
_CODE = re.compile(r"`([^`\n]+)`")


class Review(Struct, frozen=True, kw_only=True):
    """An answer, or a bet with what came of it. None: not known, or there is none."""

    at: datetime
    day: date
    event: str  # "answer" or "bet"
    claim: str
    item: str  # question id, or the lab's
    kind: str  # of the question; "bet"
    option: str | None  # what was picked; of a bet the band, from 0
    p: float
    ok: bool | None
    chance: float
    misconception: str | None
    latency_ms: int | None
    lang: str | None
    rating: str | None  # again, hard, good, easy: only the first answer to a claim on a day has one
    predicted: float | None  # probability of a right answer as the app foresaw it
    points: float | None
    bits: float | None  # surprise of a settled bet


def reviews(events: Sequence[Event], state: Fold | None) -> list[Review]:
    """Every answer and bet, in order; `state` knows the ratings (None: the bank could not be read)."""
    rated = {
        (claim, row.day, row.item): row
        for claim, track in (state.tracks.items() if state else ())
        for row in track.rated
    }
    results = {bet.id: result for bet, result in settled_bets(events)}
    rows: list[Review] = []
    for event in events:
        if isinstance(event, Answer):
            row = rated.pop((event.claim, event.day, event.item), None)
            rows.append(
                Review(
                    at=event.at,
                    day=event.day,
                    event="answer",
                    claim=event.claim,
                    item=event.item,
                    kind=event.kind,
                    option=event.option,
                    p=event.p,
                    ok=event.ok,
                    chance=event.chance,
                    misconception=event.misconception,
                    latency_ms=event.latency_ms or None,
                    lang=event.lang,
                    rating=row.rating if row else None,
                    predicted=row.predicted if row else None,
                    points=earned(event),
                    bits=None,
                )
            )
        elif isinstance(event, Bet):
            rows.append(_bet(event, results.get(event.id), rated))
    return rows


def _bet(bet: Bet, result: Result | None, rated: Mapping[tuple[str, date, str], object]) -> Review:
    row = rated.get((bet.claim, result.day, f"lab:{bet.lab}")) if result else None
    graded = result is not None and result.band is not None
    return Review(
        at=bet.at,
        day=bet.day,
        event="bet",
        claim=bet.claim,
        item=bet.lab,
        kind="bet",
        option=None if bet.band is None else str(bet.band),
        p=bet.p,
        ok=bet.band == result.band if result and graded else None,
        chance=1 / bet.bands,
        misconception=None,
        latency_ms=None,
        lang=None,
        rating=getattr(row, "rating", None),
        predicted=getattr(row, "predicted", None),
        points=result.points if result else None,
        bits=result.bits if result else None,
    )


def as_csv(rows: Iterable[Review]) -> Iterator[bytes]:
    """Lines of a table with a heading; empty where there is no value."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    for row in (Review.__struct_fields__, *map(_cells, rows)):
        writer.writerow(row)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()


def _cells(row: Review) -> list[object]:
    values = msgspec.to_builtins(row)
    return [{True: "true", False: "false"}[v] if isinstance(v, bool) else v for v in values.values()]


def as_json(rows: Sequence[Review], now: datetime) -> Iterator[bytes]:
    """One document."""
    document = {"torchproof": "reviews", "v": JSON_VERSION, "at": now, "reviews": rows}
    yield msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


# --- Anki


def as_anki(
    bank: Bank, claims: Iterable[Claim], lang: str, words: Mapping[str, str], note_type: str
) -> Iterator[bytes]:
    """Lines of a text file that Anki 2.1.54 and later import by its headers: a note a claim, with a front and a back.

    The note's id in Anki is the claim's, so that a later import changes notes and makes none anew, and cards keep
    their schedule. `words`: what is asked ("ask"), and the verdicts.
    """
    yield b"#separator:tab\n#html:true\n"
    yield f"#notetype:{note_type}\n".encode()
    yield b"#columns:Front\tBack\tDeck\tTags\tGUID\n"  # the two fields first: Anki maps them by their place
    yield b"#deck column:3\n#tags column:4\n#guid column:5\n"
    for claim in claims:
        entry = bank.entries[claim.entry]
        title = f"{entry.id} {entry.title.get(lang)}".replace("::", ":")
        front = f"{_html(claim.text.get(lang))}<br><br><i>{_html(words['ask'])}</i>"
        back = f"<b>{_html(words[claim.verdict])}</b><br>{_html(claim.why.get(lang))}"
        if claim.source:
            back += f"<br><br><small>{_html(claim.source)}</small>"
        tag = re.sub(r"\s+", "-", entry.id)
        deck, id = f"torchproof::{_flat(title)}", f"torchproof-{claim.id}"
        cells = (front, back, deck, f"torchproof {_flat(tag)}", id)
        yield ("\t".join(cells) + "\n").encode()


def _flat(text: str) -> str:
    """A cell without what would end it; quotes go, since one in front of a cell opens it for the reader."""
    return " ".join(text.replace('"', "'").split())


def _html(text: str) -> str:
    """Text as it stands, on one line: code spans, line ends and blanks at the start of a line kept."""
    lines = []
    for line in escape(text.strip("\n")).expandtabs(4).split("\n"):
        indent = len(line) - len(line.lstrip())
        lines.append("&nbsp;" * indent + _CODE.sub(r"<code>\1</code>", line.strip()))
    return "<br>".join(lines)

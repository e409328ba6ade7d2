"""What is written down about a learner: one struct a kind of event, one line of JSON each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

VERSION: Final = 1
DAY_STARTS: Final = timedelta(hours=4)  # an answer at one in the morning belongs to the evening before

Probability = Annotated[float, Meta(ge=0, le=1)]
Chance = Annotated[float, Meta(gt=0, le=1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Moment = Annotated[datetime, Meta(tz=True)]

UNSET_MOMENT: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
UNSET_DAY: Final = date(2000, 1, 1)


class Stamped(Struct, frozen=True, kw_only=True, tag_field="event"):
    """Common to all events. `Progress.record` fills these four; whoever makes an event leaves them out."""

    v: Annotated[int, Meta(ge=1)] = VERSION
    id: Annotated[str, Meta(min_length=1)] = "unset"
    at: Moment = UNSET_MOMENT  # UTC, milliseconds
    day: date = UNSET_DAY  # local day, which starts at 04:00


class Answer(Stamped, frozen=True, kw_only=True, tag="answer"):
    """A committed answer. `option` None means "I don't know"; then p equals chance."""

    claim: str
    item: str  # question id
    kind: str
    option: str | None
    p: Probability
    ok: bool
    chance: Chance
    misconception: str | None = None
    latency_ms: Count = 0
    lang: str = "en"
    order_seed: int = 0
    variant: Count = 0  # how many questions of this claim had been answered before


class Reason(Stamped, frozen=True, kw_only=True, tag="reason"):
    """The second step of a two-step question; `answer` is the id of its answer event."""

    answer: str
    option: str
    ok: bool


class Bet(Stamped, frozen=True, kw_only=True, tag="bet"):
    """A locked bet on a lab. `band` (from 0) None means "I don't know"; `bands` is their number."""

    lab: str
    claim: str
    band: Count | None
    bands: Annotated[int, Meta(ge=2, le=9)]
    p: Probability
    run: str


class Result(Stamped, frozen=True, kw_only=True, tag="result"):
    """What a run with a locked bet measured; `band` None: the interval straddles an edge, no grade."""

    lab: str
    run: str
    claim: str
    verdicts: dict[str, str] = {}
    effect: float | None = None
    interval: tuple[float | None, float | None] | None = None
    band: Count | None = None
    bits: float | None = None
    points: float | None = None
    device: str = ""
    torch: str = ""
    seeds: Count = 0


class Readout(Stamped, frozen=True, kw_only=True, tag="readout"):
    """What the learner read off a lab's chart before the verdict."""

    lab: str
    run: str
    choice: str
    ok: bool | None = None


class Session(Stamped, frozen=True, kw_only=True, tag="session"):
    """The end of a session: items planned and done."""

    planned: Count
    done: Count
    seconds: Annotated[float, Meta(ge=0)]


class Skip(Stamped, frozen=True, kw_only=True, tag="skip"):
    """A question that was put off."""

    item: str


class Pause(Stamped, frozen=True, kw_only=True, tag="pause"):
    """A claim or a whole entry is not to be asked before `until` (None: before it is taken up again); `on` false takes
    it up again."""

    what: Annotated[str, Meta(min_length=1)]  # id of a claim or an entry
    on: bool = True
    until: date | None = None


class Placement(Stamped, frozen=True, kw_only=True, tag="placement"):
    """The end of a placement, whole, cut short or declined (`asked` 0): it is not offered again.

    over: false where it begins; who comes back to it the same day goes on with it.
    """

    asked: Count
    seconds: Annotated[float, Meta(ge=0)]
    over: bool = True


class Weights(Stamped, frozen=True, kw_only=True, tag="weights"):
    """Parameters of the memory model fitted to this learner, in force from here on; none: back to the defaults.
    Those in force already: a fit was tried, and did not foresee better.

    `loss` and `loss_before`: mean log loss (nats) on the held-out reviews with what was fitted and without it.
    """

    weights: tuple[float, ...]  # the 21 of FSRS-6, in the package's order, or none
    reviews: Count  # that they were fitted to
    loss: float | None = None
    loss_before: float | None = None


Event = Answer | Reason | Bet | Result | Readout | Session | Skip | Pause | Placement | Weights
TAGS: Final = frozenset(
    {
        "answer",
        "reason",
        "bet",
        "result",
        "readout",
        "session",
        "skip",
        "pause",
        "placement",
        "weights",
    }
)

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
encode = _encoder.encode
decode = _decoder.decode
decode_lines = _decoder.decode_lines


def local_day(moment: datetime) -> date:
    """The learner's day at `moment`, which carries the learner's time zone (naive: local time)."""
    return (moment - DAY_STARTS).date()


def local_now() -> datetime:
    """The clock to pass in where nothing else is wanted: now, in the machine's time zone."""
    return datetime.now().astimezone()


def when(event: Event) -> tuple[datetime, str]:
    """Sort key that puts the events of all files and machines into one order."""
    return event.at, event.id


def unread_bets(events: Iterable[Event], found: dict[str, Bet]) -> None:
    """Brings `found`, the locked bets whose result has not been read, by lab, up to date with more events."""
    for event in events:
        if isinstance(event, Bet):
            found[event.lab] = event
        elif isinstance(event, Result):
            found.pop(event.lab, None)


def summary(events: Sequence[Event]) -> dict[str, int]:
    """Counts to print: answers (questions and bets), right ones, days with an answer, and so on."""
    counts = dict.fromkeys(
        ("answers", "questions", "right", "bets", "labs_settled", "claims", "days", "sessions", "skips"), 0
    )
    days: set[date] = set()
    claims: set[str] = set()
    settled: set[str] = set()
    for event in events:
        match event:
            case Answer():
                counts["answers"] += 1
                counts["questions"] += 1
                counts["right"] += event.ok
                days.add(event.day)
                claims.add(event.claim)
            case Bet():
                counts["answers"] += 1
                counts["bets"] += 1
                days.add(event.day)
                claims.add(event.claim)
            case Result():
                settled.add(event.lab)
            case Session():
                counts["sessions"] += 1
            case Skip():
                counts["skips"] += 1
            case _:
                pass
    counts["labs_settled"] = len(settled)
    counts["claims"] = len(claims)
    counts["days"] = len(days)
    return counts

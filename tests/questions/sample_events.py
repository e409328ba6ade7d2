"""Events for tests: by hand, and of any kind for property tests."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

from fsrs.scheduler import DEFAULT_PARAMETERS, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS
from hypothesis import strategies as st

from questions.events import (
    Answer,
    Bet,
    Event,
    Pause,
    Placement,
    Readout,
    Reason,
    Result,
    Session,
    Skip,
    Weights,
)

CLAIMS = ("E1.1", "E1.2", "E1.3", "E1.4", "E2.1", "E2.2", "E9.9")
ITEMS = {
    "E1.1": ("e11-why", "e11-which", "e11-left"),
    "E1.2": ("e12-which", "e12-prints"),
    "E1.3": ("e13-which", "e13-left"),
    "E1.4": ("e14-why", "e14-why-not"),
    "E2.1": ("e21-which", "e21-prints"),
    "E2.2": ("e22-only",),
    "E9.9": ("gone",),
}
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def answer(claim: str, day: date | int, /, **changes: object) -> Answer:
    """A right answer at 90 % on a day (a number counts days from START), with fields changed as wanted."""
    at = START + timedelta(days=day) if isinstance(day, int) else datetime.combine(day, START.timetz())
    fields: dict[str, object] = {
        "id": f"{claim}-{at:%Y%m%d}",
        "at": at,
        "day": at.date(),
        "claim": claim,
        "item": ITEMS[claim][0],
        "kind": "choice",
        "option": "none",
        "p": 0.9,
        "ok": True,
        "chance": 1 / 3,
        "latency_ms": 12_000,
    }
    return Answer(**(fields | changes))  # type: ignore[arg-type]


def wrong(claim: str, day: date | int, /, **changes: object) -> Answer:
    """A confident error carrying a misconception."""
    return answer(claim, day, **({"ok": False, "option": "all", "misconception": "forward-trains"} | changes))


_moments = st.integers(0, 200 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes))
_levels = st.sampled_from([1 / 3, 0.5, 0.7, 0.9, 0.97])
_labs = st.sampled_from(["l1", "l2", "l3"])
_runs = st.sampled_from(["r1", "r2", "r3", "r4"])
_names = st.text(max_size=8)

usable_weights = st.tuples(*map(st.floats, LOWER_BOUNDS_PARAMETERS, UPPER_BOUNDS_PARAMETERS))
unusable_weights = st.sampled_from(
    [
        DEFAULT_PARAMETERS[:20],
        (*DEFAULT_PARAMETERS, 0.5),
        *((*DEFAULT_PARAMETERS[:20], decay) for decay in (0.0, -0.5, 0.9)),
        (0.0, *DEFAULT_PARAMETERS[1:]),
        (1e300,) * 21,
    ]
)
no_numbers = st.sampled_from(  # which no line of a log can hold
    [*((*DEFAULT_PARAMETERS[:20], decay) for decay in (math.inf, math.nan)), (math.nan,) * 21]
)


@st.composite
def _answers(draw: st.DrawFn) -> Answer:
    claim = draw(st.sampled_from(CLAIMS))
    at = draw(_moments)
    ok = draw(st.booleans())
    knows_not = not ok and draw(st.booleans())
    return Answer(
        at=at,
        day=(at - timedelta(hours=4)).date(),
        claim=claim,
        item=draw(st.sampled_from(ITEMS[claim])),
        kind=draw(st.sampled_from(["choice", "band", "output", "two-step"])),
        option=None if knows_not else draw(st.sampled_from(["none", "all", "some"])),
        p=1 / 3 if knows_not else draw(_levels),
        ok=ok,
        chance=draw(st.sampled_from([0.2, 0.25, 1 / 3])),
        misconception=None
        if ok or knows_not
        else draw(st.sampled_from([None, "forward-trains", "no-grad-freezes"])),
        latency_ms=draw(st.integers(0, 10**9)),
    )


@st.composite
def _others(draw: st.DrawFn) -> Event:
    at = draw(_moments)
    day = (at - timedelta(hours=4)).date()
    lab, run = draw(_labs), draw(_runs)
    claim = draw(st.sampled_from(CLAIMS))
    return draw(
        st.sampled_from(
            [
                Reason(at=at, day=day, answer=draw(_names), option=draw(_names), ok=draw(st.booleans())),
                Bet(
                    at=at,
                    day=day,
                    lab=lab,
                    claim=claim,
                    band=draw(st.none() | st.integers(0, 3)),
                    bands=4,
                    p=draw(_levels),
                    run=run,
                ),
                Result(
                    at=at, day=day, lab=lab, run=run, claim=claim, band=draw(st.none() | st.integers(0, 3))
                ),
                Readout(at=at, day=day, lab=lab, run=run, choice=draw(_names)),
                Session(at=at, day=day, planned=3, done=2, seconds=draw(st.floats(0, 1e6))),
                Pause(
                    at=at,
                    day=day,
                    what=draw(st.sampled_from([*CLAIMS, "E1", "E2", "gone"])),
                    on=draw(st.booleans()),
                    until=draw(st.none() | st.integers(-3, 60).map(lambda n: day + timedelta(days=n))),
                ),
                Placement(at=at, day=day, asked=0, seconds=0.0, over=draw(st.booleans())),
                Skip(at=at, day=day, item=draw(st.sampled_from(["e11-why", "e21-which", "gone"]))),
                Weights(
                    at=at,
                    day=day,
                    weights=draw(
                        st.just(()) | st.just(DEFAULT_PARAMETERS) | usable_weights | unusable_weights
                    ),
                    reviews=draw(st.integers(0, 1000)),
                    loss=draw(st.none() | st.floats(0, 5)),
                    loss_before=draw(st.none() | st.floats(0, 5)),
                ),
            ]
        )
    )


def logs(max_size: int = 40) -> st.SearchStrategy[list[Event]]:
    """Logs as Progress gives them: sorted by (at, id), each id once."""
    from msgspec.structs import replace

    def numbered(drawn: list[Event]) -> list[Event]:
        stamped = [replace(event, id=f"x{n:03d}") for n, event in enumerate(drawn)]
        return sorted(stamped, key=lambda e: (e.at, e.id))

    return st.lists(_answers() | _answers() | _others(), max_size=max_size).map(numbered)

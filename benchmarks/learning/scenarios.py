"""The situations in which arms are compared: a bank, minutes a day, days, and what is unusual about the learner."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Scenario(Struct, frozen=True, kw_only=True):
    """`claims` in the bank; `minutes` of the learner's time on every one of `days`; see the field comments."""

    name: str
    claims: int
    minutes: float
    days: int = 60
    gap_after: int = 0  # days; then 14 days off. 0: no gap
    misconceptions: bool = True
    boast: float = 0.0  # SD by which stated confidence is moved up
    lab_effect: float = 1.4  # of a lab, in ordinary study events; 0: labs teach nothing

    def calendar(self) -> list[int]:
        """The days on which there is a session."""
        off = 14 if self.gap_after else 0
        return [day + (off if day >= self.gap_after else 0) for day in range(self.days)]


GAP: Final = 14
SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(name="300x10", claims=300, minutes=10),
        Scenario(name="120x8", claims=120, minutes=8),
        Scenario(name="300x20", claims=300, minutes=20),
        Scenario(name="120x15", claims=120, minutes=15),
        Scenario(name="gap", claims=200, minutes=10, gap_after=40),
        Scenario(name="no-misconceptions", claims=300, minutes=10, misconceptions=False),
        Scenario(name="over-confident", claims=300, minutes=10, boast=1.0),
        Scenario(name="lab-null", claims=300, minutes=10, lab_effect=0.0),
    )
}

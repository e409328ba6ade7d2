"""How made-up learners answer: right, wrong, not at all, or more or less as people do."""

from __future__ import annotations

from questions.shapes import Choice, Question


class Learner:
    """How somebody answers; this one says "I don't know". `level`: the confidence key, 1 to 5."""

    level = 5
    thinks = 20.0  # seconds

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        """A pick as `Question.read` takes it; None: don't know."""
        return None

    def band(self, measured: int, bands: int) -> int | None:
        """The band to bet on, where `measured` is right."""
        return None

    def reading(self, key: int, readings: int) -> int | None:
        """How the numbers of a lab are read, where `key` is right."""
        return None

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return None


class Knower(Learner):
    """Right about everything."""

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        return question.key

    def band(self, measured: int, bands: int) -> int | None:
        return measured

    def reading(self, key: int, readings: int) -> int | None:
        return key

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return next(n for n, reason in enumerate(offered) if reason.id == key)


class Misled(Learner):
    """Wrong about everything, where one can with a known misconception."""

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        if question.kind == "number":
            tempting = [f"{slip.value:g}" for slip in question.slips]
            return next(typed for typed in [*tempting, "4321"] if not question.read(typed).ok)
        if question.kind == "order":
            steps = [step.id for step in question.options]
            wrong = [">".join(steps[n:] + steps[:n]) for n in range(1, len(steps))]
            return next((pick for pick in wrong if question.read(pick).misconception), wrong[0])
        return next(choice.id for choice in shown if choice.id != question.key)

    def band(self, measured: int, bands: int) -> int | None:
        return (measured + 1) % bands

    def reading(self, key: int, readings: int) -> int | None:
        return (key + 1) % readings

    def reason(self, offered: list[Choice], key: str | None) -> int | None:
        return next(n for n, reason in enumerate(offered) if reason.id != key)


class Ordinary(Knower):
    """Right about two in three, more often as the days go by, and roughly as sure as that."""

    def _knows(self, what: str, day: int) -> bool:
        return sum(map(ord, what)) * 7 % 10 < 5 + min(day, 3)

    def pick(self, question: Question, shown: list[Choice], day: int) -> str | None:
        knows = self._knows(question.id, day)
        self.level = (2, 3, 4)[len(question.id) % 3] if knows else (2, 3)[len(question.id) % 2]
        return super().pick(question, shown, day) if knows else Misled().pick(question, shown, day)

"""What stands behind a verdict: the rules a lab measured, and code with what it prints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tui.widgets.readout import effect

if TYPE_CHECKING:
    from labs.catalog import Lab
    from questions.shapes import Claim, Question
    from tui.app import TorchproofApp
    from tui.i18n import Translator


class Measured(NamedTuple):
    """A rule's verdict as some run measured it."""

    verdict: str
    effect: float
    interval: tuple[float, float]


class Evidence(NamedTuple):
    """Where numbers come from: the learner's own run, or the one that was recorded with the lab."""

    own: bool
    rules: dict[str, Measured]
    seeds: int
    device: str
    torch: str
    date: str


def paragraphs(app: TorchproofApp, question: Question, lab: Lab | None) -> Iterator[str]:
    """Paragraphs of Markdown-light: what was measured about the claim, and code with what it prints."""
    tr = app.tr
    if lab is not None and (found := evidence_of(app, lab)) is not None:
        wanted = question.evidence.rule if question.evidence and question.evidence.lab == lab.id else None
        rules = [
            rule for rule in lab.rules if rule.id == wanted or (not wanted and rule.claim == question.claim)
        ]
        rules = [rule for rule in rules if rule.id in found.rules]
        if rules:
            key = "card.measured_own" if found.own else "card.measured_reference"
            title = lab.title.get(tr.lang)
            yield tr(
                key, title=title, seeds=found.seeds, device=found.device, torch=found.torch, date=found.date
            )
        for rule in rules:
            measured = found.rules[rule.id]
            exact = all(check.kind == "exact" for check in rule.checks)
            unit = rule.checks[0].unit(lab.declared)
            yield "- " + tr(
                "card.measured_rule",
                statement=rule.statement.get(tr.lang),
                verdict=tr(f"lab.{measured.verdict}"),
                effect=effect(
                    tr, measured.effect, measured.interval, unit, 1.0 if exact else rule.confidence
                ),
            )
    if question.fix is not None:
        faulty = question.option(question.key)
        fixed = (question.fixed_prints or "").strip("\n").split("\n")
        yield tr("card.fix", line=faulty.line if faulty else None)
        mended = [
            "```python",
            question.fix,
            f"# {tr('card.prints')}",
            *(f"# {line}" for line in fixed),
            "```",
        ]
        yield "\n".join(mended)
    if code := code_and_print(tr, question):
        yield code


def code_and_print(tr: Translator, thing: Claim | Question) -> str:
    """The code that settles a claim or question, with what it prints, as Markdown; empty where there is none."""
    if not thing.evidence_code or thing.evidence is None:
        return ""
    printed = [f"# {line}" for line in (thing.evidence.prints or "").strip("\n").split("\n")]
    code = thing.evidence_code.strip("\n")
    return "\n".join(["```python", code, "", f"# {tr('card.prints')}", *printed, "```"])


def evidence_of(app: TorchproofApp, lab: Lab) -> Evidence | None:
    """The newest result of this lab that the learner has seen, else what was recorded with the lab."""
    import json

    from labs.journal import Run, as_float
    from questions.events import Result

    seen = [event for event in app.progress.events() if isinstance(event, Result) and event.lab == lab.id]
    for result in reversed(seen):
        try:
            kept = json.loads(Run(app.paths.runs / result.run).verdict_file.read_bytes())
            rules = {
                verdict["rule"]: Measured(
                    verdict["verdict"],
                    as_float(verdict["effect"]),
                    (as_float(verdict["interval"][0]), as_float(verdict["interval"][1])),
                )
                for verdict in kept["verdicts"]
            }
            return Evidence(True, rules, len(kept["seeds"]), result.device, result.torch, f"{result.day}")
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue  # the run's folder is gone, or is not one that we wrote
    if (known := lab.reference) is None:
        return None
    rules = {id: Measured(rule.verdict, rule.effect, rule.interval) for id, rule in known.rules.items()}
    return Evidence(False, rules, known.seeds, known.device, known.torch, f"{known.date}")

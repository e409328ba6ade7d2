"""What stands behind a verdict: the rules a lab measured, and code with what it prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tui.widgets.readout import effect

if TYPE_CHECKING:
    from labs.catalog import Lab, Rule
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
    """Paragraphs of Markdown-light: code with what it prints, and what a lab measured.

    A question that code of its own settles quotes a lab only where it names one.
    """
    named = question.evidence.lab if question.evidence else None
    if question.fix is not None:
        yield from _mended(app.tr, question)
    if code := code_and_print(app.tr, question):
        yield code
    if note := app.pack_code.note(app.tr, question):
        yield note
    if lab is not None and (lab.id == named or not (code or question.code)):
        rule = question.evidence.rule if question.evidence and lab.id == named else None
        yield from _measured(
            app, lab, [r for r in lab.rules if r.id == rule or (not rule and r.claim == question.claim)]
        )


def _mended(tr: Translator, question: Question) -> Iterator[str]:
    faulty = question.option(question.key)
    fixed = (question.fixed_prints or "").strip("\n").split("\n")
    yield tr("card.fix", line=faulty.line if faulty else None)
    printed = [f"# {tr('card.prints')}", *(f"# {line}" for line in fixed)]
    yield "\n".join(["```python", question.fix or "", *printed, "```"])


def _measured(app: TorchproofApp, lab: Lab, rules: Sequence[Rule]) -> Iterator[str]:
    tr, found = app.tr, evidence_of(app, lab)
    rules = [rule for rule in rules if found and rule.id in found.rules]
    if found is None or not rules:
        return
    key = "card.measured_own" if found.own else "card.measured_reference"
    title = lab.title.get(tr.lang)
    yield tr(key, title=title, seeds=found.seeds, device=found.device, torch=found.torch, date=found.date)
    for rule in rules:
        measured = found.rules[rule.id]
        exact = all(check.kind == "exact" for check in rule.checks)
        unit = rule.checks[0].unit(lab.declared)
        yield "- " + tr(
            "card.measured_rule",
            statement=rule.statement.get(tr.lang),
            verdict=tr(f"lab.{measured.verdict}"),
            effect=effect(tr, measured.effect, measured.interval, unit, 1.0 if exact else rule.confidence),
        )


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
    device = "CPU" if known.device == "cpu" else known.device  # as runs name it
    return Evidence(False, rules, known.seeds, device, known.torch, f"{known.date}")

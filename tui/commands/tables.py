"""Tables and short texts for people: labs, runs, verdicts. Widths are counted in cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.table import Table

    from labs.catalog import Knob, Lab
    from labs.journal import Number, Verdict
    from labs.replay import Replay
    from tui.commands import Context
    from tui.commands.records import Record
    from tui.i18n import Translator

MARKS = {"supported": "✓", "refuted": "✗", "undecided": "?"}  # read without colour
WIDE = 100  # columns from which the table of runs has room for when they started
NARROW = 60
STYLES = {"supported": "green", "refuted": "red", "undecided": "yellow"}


def table(*columns: str | tuple[str, dict[str, Any]]) -> Table:
    """A table with these headings and no lines; a heading may come with options for its column."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        name, options = (column, {}) if isinstance(column, str) else column
        made.add_column(name, **{"overflow": "fold", **options})
    return made


def show(context: Context, made: Table) -> None:
    """Print a table on stdout. On a very narrow line, words are folded rather than cut off."""
    if context.out.width < NARROW:
        for column in made.columns:
            column.no_wrap = False
    context.out.print(made)


def pairs(context: Context, rows: Iterable[tuple[str, str]]) -> None:
    """Labelled lines on stdout: the label's key in cli.toml, then the text. Empty texts are left out."""
    made = table("", "")
    made.show_header = False
    made.columns[0].no_wrap = True
    for key, text in rows:
        if text:
            made.add_row(context.tr(f"cli.{key}") if key else "", text)
    show(context, made)


def took(tr: Translator, seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 10 and seconds != int(seconds):
        return tr("cli.seconds", seconds=f"{seconds:.1f}")
    if seconds < 99.5:
        return tr("cli.seconds", seconds=round(seconds))
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return tr("cli.minutes", minutes=minutes, seconds=rest)
    return tr("cli.hours", hours=minutes // 60, minutes=minutes % 60)


def local_time(iso: str) -> str:
    """A UTC time of the journal on the reader's clock, to the minute; as it stands where it is no time."""
    try:
        return f"{datetime.fromisoformat(iso).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return iso


def quantity(value: Number, unit: str = "") -> str:
    """A measured number with its unit, to four digits."""
    from labs.journal import as_float
    from tui.i18n import with_unit

    x = as_float(value)
    text = f"{x:.4g}" if math.isfinite(x) else {math.inf: "∞", -math.inf: "-∞"}.get(x, "NaN")
    return with_unit(text, unit)


def measured(tr: Translator, verdict: Verdict) -> str:
    """Effect and interval: "0.62 points [0.41, 0.83]"."""
    low, high = verdict.interval
    return f"{quantity(verdict.effect, tr.unit(verdict.unit))} [{quantity(low)}, {quantity(high)}]"


def verdict_word(tr: Translator, verdict: str) -> str:
    return f"{MARKS.get(verdict, ' ')} {tr(f'cli.verdict_{verdict}')}"


def verdicts(context: Context, lab: Lab | None, found: Iterable[Verdict]) -> None:
    """One row a rule on stdout, notes below on stderr. lab: for the rules' statements, where it is known."""
    from rich.text import Text

    tr = context.tr
    found = list(found)
    if not found:
        context.say("cli.measured_none")
        return
    statements = {rule.id: rule.statement.get(tr.lang) for rule in lab.rules} if lab else {}
    made = table(
        (tr("cli.col_claim"), {"no_wrap": True}),
        (tr("cli.col_verdict"), {"no_wrap": True}),
        (tr("cli.col_effect"), {"no_wrap": True}),
        (tr("cli.col_seeds"), {"justify": "right"}),
        (tr("cli.col_statement"), {"min_width": 20}),
    )
    for verdict in found:
        word = Text(verdict_word(tr, verdict.verdict), style=STYLES.get(verdict.verdict, ""))
        statement = statements.get(verdict.rule, verdict.rule)
        made.add_row(verdict.claim, word, measured(tr, verdict), str(verdict.seeds), statement)
    show(context, made)
    for note in dict.fromkeys(verdict.note for verdict in found if verdict.note):
        context.note(tr(f"problems.labs.note-{note}"))
    if not all(verdict.settles for verdict in found):
        context.say("cli.run_knobs_changed")


def outcomes(
    context: Context, lab: Lab | None, found: Mapping[str, Mapping[str, Mapping[int, float]]]
) -> None:
    """Mean and spread over seeds of every outcome and arm, on stdout."""
    tr = context.tr
    labels = {outcome.id: outcome for outcome in lab.outcomes} if lab else {}
    arms = {arm.id: arm.label.get(tr.lang) for arm in lab.arms} if lab else {}
    made = table(
        tr("cli.col_outcome"),
        tr("cli.col_arm"),
        (tr("cli.col_mean"), {"justify": "right", "no_wrap": True}),
        (tr("cli.col_spread"), {"justify": "right", "no_wrap": True}),
        (tr("cli.col_seeds"), {"justify": "right"}),
    )
    for id, by_arm in found.items():
        label = labels[id].label.get(tr.lang) if id in labels else id
        unit = tr.unit(labels[id].unit) if id in labels else ""
        for arm, by_seed in by_arm.items():
            values = [value for value in by_seed.values() if math.isfinite(value)]
            mean = quantity(fmean(values), unit) if values else "NaN"
            spread = quantity(stdev(values)) if len(values) > 1 else "-"
            count = str(len(values)) if len(values) == len(by_seed) else f"{len(values)}/{len(by_seed)}"
            made.add_row(label, arms.get(arm, arm), mean, spread, count)
    if made.row_count:
        show(context, made)


def labs(context: Context, found: Iterable[Lab]) -> None:
    """One row a lab on stdout."""
    tr = context.tr
    made = table(
        (tr("cli.col_id"), {"no_wrap": True}),
        (tr("cli.col_entry"), {"no_wrap": True}),
        tr("cli.col_claims"),
        (tr("cli.col_time"), {"justify": "right", "no_wrap": True}),
        (tr("cli.col_title"), {"min_width": 20}),
    )
    for lab in found:
        claims = " ".join(lab.claims)
        made.add_row(lab.id, lab.entry, claims, took(tr, lab.estimate_s), lab.title.get(tr.lang))
    if made.row_count:
        show(context, made)
    else:
        context.say("cli.no_labs")


def runs(context: Context, found: Iterable[Record]) -> None:
    """One row a run on stdout. Where the line is too short for all, the start is left to the id."""
    tr = context.tr
    wide = context.out.width >= WIDE
    made = table(
        (tr("cli.col_run"), {"no_wrap": True}),
        (tr("cli.col_status"), {"no_wrap": True}),
        *([(tr("cli.col_started"), {"no_wrap": True})] if wide else []),
        (tr("cli.col_device"), {"no_wrap": True}),
        (tr("cli.col_seeds"), {"justify": "right"}),
        (tr("cli.col_time"), {"justify": "right", "no_wrap": True}),
        tr("cli.col_verdicts"),
    )
    for record in found:
        rulings = list(cast("dict[str, str]", record["verdicts"]).values())
        counted = [f"{MARKS[word]}{rulings.count(word)}" for word in MARKS if word in rulings]
        made.add_row(
            str(record["id"]),
            tr(f"cli.status_{record['status']}"),
            *([local_time(str(record["started"]))] if wide else []),
            str(record["device"]),
            str(record["seeds"]),
            took(tr, cast(float, record["seconds"])),
            " ".join(counted),
        )
    if not made.row_count:
        context.say("cli.no_runs")
        return
    show(context, made)
    context.say("cli.marks", **{word: f"{mark} {tr(f'cli.verdict_{word}')}" for word, mark in MARKS.items()})


def run(context: Context, record: Record, replay: Replay, lab: Lab | None) -> None:
    """What a run was asked and what it measured, on stdout."""
    tr = context.tr
    start, end = replay.start, replay.end
    changed = {
        name: value
        for name, value in cast("dict[str, object]", record["knobs"]).items()
        if lab is None or lab.defaults.get(name) != value
    }
    pairs(
        context,
        [
            ("col_run", str(record["id"])),
            ("show_lab", lab.title.get(tr.lang) if lab else str(record["lab"])),
            ("show_status", tr(f"cli.status_{record['status']}")),
            ("show_error", sentence(tr, (end.error or "") if end else "")),
            ("show_started", local_time(str(record["started"]))),
            ("show_took", took(tr, cast(float, record["seconds"]))),
            ("show_device", (start.device_name or start.device) if start else str(record["device"])),
            ("", sentence(tr, start.device_reason) if start else ""),
            ("show_seeds", spans(replay.seeds)),
            ("show_knobs", "  ".join(f"{name}={value}" for name, value in changed.items())),
        ],
    )
    if replay.outcomes:
        context.out.print()
        outcomes(context, lab, replay.outcomes)
    context.out.print()
    verdicts(context, lab, replay.verdicts.values())
    if lab and replay.verdicts and record["settles"]:
        context.out.print()
        context.out.print(lab.explanation.get(tr.lang))


def lab(context: Context, shown: Lab) -> None:
    """What a lab asks and compares, on stdout. Its verdicts are for those who run it."""
    tr = context.tr
    seeds = shown.seeds
    reference = shown.reference
    before = reference and tr(
        "cli.show_reference_value",
        date=reference.date,
        device=reference.device,
        torch=reference.torch,
        seeds=reference.seeds,
        time=took(tr, reference.seconds),
    )
    context.out.print(f"{shown.title.get(tr.lang)}\n", style="bold")
    pairs(
        context,
        [
            ("col_id", shown.id),
            ("show_entry", shown.entry),
            ("show_claims", "  ".join(shown.claims)),
            ("show_question", shown.question.get(tr.lang)),
            ("show_arms", "\n".join(f"{arm.id}: {arm.label.get(tr.lang)}" for arm in shown.arms)),
            ("col_statement", "\n".join(f"{r.claim}: {r.statement.get(tr.lang)}" for r in shown.rules)),
            ("show_bet", shown.bet.question.get(tr.lang)),
            ("show_seeds", tr("cli.show_seeds_value", start=seeds.start, step=seeds.step, max=seeds.max)),
            ("show_time", tr("cli.show_time_value", time=took(tr, shown.estimate_s))),
            ("show_reference", before or ""),
            ("show_folder", str(shown.folder)),
        ],
    )
    if shown.knobs:
        context.out.print()
        knobs(context, shown)


def spans(seeds: Iterable[int]) -> str:
    """Whole numbers as people write them: "0-7, 12"."""
    runs: list[list[int]] = []
    for seed in sorted(seeds):
        if runs and seed == runs[-1][-1] + 1:
            runs[-1].append(seed)
        else:
            runs.append([seed])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def sentence(tr: Translator, english: str) -> str:
    """An English sentence of the journal in the reader's language, where it is one that we know."""
    from labs.problems import LabProblem, recognise

    problem = recognise(english) if english and tr.lang != "en" else None
    if problem is None:
        return english
    # a sentence inside it, such as why a device is unusable, stands there without its full stop
    inner = {name: sentence(tr, f"{text}.").rstrip(".。") for name, text in problem.fields.items() if text}
    return tr.problem(LabProblem(problem.key, **{**problem.fields, **inner}))


def knobs(context: Context, lab: Lab) -> None:
    """The lab's knobs with defaults and values, on stdout."""
    if not lab.knobs:
        return
    tr = context.tr
    made = table(
        (tr("cli.col_knob"), {"no_wrap": True}),
        (tr("cli.col_default"), {"justify": "right"}),
        tr("cli.col_values"),
        (tr("cli.col_meaning"), {"min_width": 20}),
    )
    for knob in lab.knobs:
        meaning = knob.label.get(tr.lang)
        if knob.help:
            meaning += f"\n{knob.help.get(tr.lang)}"
        made.add_row(knob.id, str(knob.default), knob_values(knob), meaning)
    show(context, made)


def knob_values(knob: Knob) -> str:
    """What a knob may be: its choices, or its range with the values worth trying."""
    listed = " ".join(str(choice) for choice in knob.choices)
    if knob.kind == "choice" or (knob.min is None and knob.max is None):
        return listed
    low = "" if knob.min is None else f"{knob.min:g}"
    high = "" if knob.max is None else f"{knob.max:g}"
    return f"{low}..{high}" + (f"  ({listed})" if listed else "")

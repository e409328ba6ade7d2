"""What a lab's page says of its run: how it stands, what it showed, how the bet came out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from labs.catalog import difference_unit
from labs.journal import as_float
from labs.problems import recognise
from tui.i18n import with_unit
from tui.widgets.bet import percent, whole_points
from tui.widgets.chart import STRONG
from tui.widgets.plot import DIM, PLAIN, Run
from tui.widgets.prose import Block, spans
from tui.widgets.readout import (
    alike,
    amount,
    band_label,
    effect,
    outcome_table,
    reading_labels,
    ruling,
    summarise,
)

if TYPE_CHECKING:
    from labs.catalog import Rule
    from labs.journal import Verdict
    from tui.i18n import Translator
    from tui.labview import LabView

Part = Content | str | tuple[str, str]


def sentence(tr: Translator, english: str) -> str:
    """A sentence of the journal in the chosen language, where it is one of ours."""
    problem = recognise(english) if english and tr.lang != "en" else None
    return tr.problem(problem) if problem else english


def state(tr: Translator, view: LabView, now: float) -> Iterator[Run]:
    """How the run stands at `now` (seconds since the epoch): state, share, steps, seeds, time, device."""
    replay, status = view.replay, view.status
    if status is None or view.run is None:
        return
    label = tr(f"lab.status_{status}")
    if status == "running" and replay.start is None:
        label = tr("lab.status_starting")
    elif status == "running":
        label += f" {100 * replay.progress:.0f}%"
    yield Run(label, STRONG)
    if view.explores:
        yield Run(tr("lab.exploring"), STRONG)
    if steps := [line.steps[-1] for line in replay.lines.values() if line.steps]:
        yield Run(tr("lab.step", step=f"{max(steps):g}", of=f"{view.until:g}"), PLAIN)
    if replay.seeds:
        yield Run(tr("lab.seeds", count=len(replay.seeds)), PLAIN)
    if seconds := view.seconds():
        yield Run(tr("lab.seconds", seconds=f"{seconds:.0f}" if seconds >= 1 else f"{seconds:.1f}"), PLAIN)
    left = replay.eta_s(now)
    if status == "running" and left is not None and replay.end is None:
        yield Run(tr("lab.left", seconds=f"{max(1, left):.0f}"), PLAIN)
    if replay.start is not None:
        yield Run(replay.start.device_name or replay.start.device, DIM)
        if view.phase == "live" and (reason := sentence(tr, replay.start.device_reason)):
            yield Run(reason, DIM)


def broken(tr: Translator, view: LabView) -> Iterator[Content | Block]:
    """Why there is no outcome, with the end of the log."""
    status = view.status or "lost"
    yield Content.styled(tr(f"lab.why_{status}"), "bold")
    end = view.replay.end
    if end is not None and end.error:
        yield spans(sentence(tr, end.error))
    tail = view.run.log_tail(6) if view.run is not None and status in ("failed", "lost") else []
    if tail:
        yield Block("code", "\n".join(tail))
    yield Content.styled(tr("lab.again"), "$muted")


def result(tr: Translator, view: LabView, width: int) -> Iterator[Content | Block]:
    """The reading, a verdict for every rule, the bet, the explanation and the numbers; `width` in cells."""
    lab = view.lab
    if view.explores and view.run is not None:
        knobs = ", ".join(f"{id} = {value}" for id, value in view.run.spec.knobs.items())
        yield Content.styled(tr("lab.explored", knobs=knobs), "$warning bold")
    if view.read_as is not None and (told := _how_read(tr, view)) is not None:
        yield told
    for rule in lab.rules:
        if (event := view.replay.verdicts.get(rule.id)) is not None:
            yield _rule(tr, view, rule, event)
    if (told := _bet(tr, view)) is not None:
        yield told
    yield spans(lab.explanation.get(tr.lang))
    yield Content("\n").join(outcome_table(tr, lab, view.replay.outcomes, width))
    yield Content.styled(tr("lab.confidence"), "$muted")


def _how_read(tr: Translator, view: LabView) -> Content | None:
    """Whether the learner read the numbers right, and how far apart the arms are."""
    lab, asked = view.lab, view.readout
    if asked is None:
        return None
    by_arm = view.replay.outcomes[asked.outcome]
    first, second = summarise(by_arm.get(asked.first)), summarise(by_arm.get(asked.second))
    if first is None or second is None:
        return None
    unit = tr.unit(difference_unit(lab.declared[asked.outcome].unit))
    wide = max(first.sd, second.sd)
    apart = abs(first.mean - second.mean)
    gap, spread = (with_unit(number, unit) for number in alike((apart, wide), wide))
    word, style = f"✗ {tr('lab.misread')}", "$error bold"
    if view.read_as == asked.key:
        word, style = f"✓ {tr('lab.read_right')}", "$success bold"
    elif view.read_as == "unsure":
        word, style = tr("lab.not_read"), "bold"
    key = reading_labels(tr, lab, asked)[asked.readings.index(asked.key)]
    distance = tr("lab.gap", gap=gap, spread=spread)
    return Content.assemble((word, style), spans(key), "  ", (distance, "$muted"))


def _rule(tr: Translator, view: LabView, rule: Rule, event: Verdict) -> Content:
    """The verdict on a claim, with its numbers and what should be known beside them."""
    interval = (as_float(event.interval[0]), as_float(event.interval[1]))
    numbers = effect(tr, as_float(event.effect), interval, event.unit, event.confidence)
    parts: list[Part] = [
        ruling(tr, event.verdict),
        (f"  {event.claim}  ", "$muted"),
        spans(rule.statement.get(tr.lang)),
        "\n",
        tr("lab.measured", effect=numbers, seeds=event.seeds),
    ]
    if event.note:
        parts += ["\n", (tr(f"problems.labs.note-{event.note}"), "$warning")]
    if event.verdict == "undecided":
        parts += ["\n", (tr("lab.may_decide"), "$muted")]
    elif event.verdict != event.expected and not view.explores:
        parts += ["\n", (tr("lab.unexpected", expected=tr(f"lab.{event.expected}")), "$warning")]
    return Content.assemble(*parts)


def _bet(tr: Translator, view: LabView) -> Content | None:
    """The bet against the measurement: hit, missed, or not decided; surprise and points."""
    lab, stake = view.lab, view.stake
    if (settled := view.outcome) is None:
        again = view.settled and not view.explores
        return Content.styled(tr("lab.no_new_bet"), "$muted") if again else None
    found = settled.measured
    yours = tr("card.dont_know")
    if stake.option is not None:
        yours = tr("lab.bet_at", band=band_label(tr, lab, stake.option), p=percent(stake.p))
    parts: list[Part] = [
        (tr("lab.your_bet"), "$muted"),
        (yours, "bold"),
        "\n",
        (tr("lab.bet_measured"), "$muted"),
        effect(tr, found.effect, found.interval, lab.bet.unit(lab.declared), 0.95),
        "  ",
    ]
    if found.band is None:
        parts.append((f"? {tr('lab.straddles')}", "$warning bold"))
        return Content.assemble(*parts)
    band = band_label(tr, lab, found.band)
    if stake.option is None:
        parts.append((tr("lab.in_band", band=band), "bold"))
    elif found.band == stake.option:
        parts.append((f"✓ {tr('lab.hit')}", "$success bold"))
    else:
        parts.append((f"✗ {tr('lab.missed', band=band)}", "$error bold"))
    points = whole_points(settled.points or 0.0)
    bits = amount(round(settled.bits or 0.0, 1))
    parts += ["\n", (tr("lab.surprise", bits=bits, points=points), "$muted")]
    if view.guessed:
        parts += ["\n", (tr("card.guess"), "$warning")]
    return Content.assemble(*parts)

"""`torchproof prove`: measures claims anew on this machine and says which of them hold."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.commands import (
    FAILED,
    FINISHED,
    UNDECIDED,
    USAGE,
    USAGE_PROBLEMS,
    Context,
    Interrupts,
    Misuse,
)
from tui.commands.lab import LAST_BASE_SEED, MOST_SEEDS

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

    from labs.bench import Bench
    from labs.hardware import Hardware
    from labs.proof import Broken, Row, Terms
    from labs.proving import Item, Proving
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

TICK_S = 0.05
REDRAW_S = 0.25
WIDE = 100  # columns from which there is room for the expected verdict in words and for the lab
FRAME_LINES = 4  # of the live display beside the rows: heading, a blank line, the bar, the cursor


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof prove`."""
    prove = commands.add_parser(
        "prove",
        help=tr("cli.prove_about"),
        description=tr("cli.prove_about_long"),
        epilog=tr("cli.prove_end"),
    )
    prove.add_argument("names", metavar="CLAIM|ENTRY|LAB", nargs="*", help=tr("cli.prove_names"))
    whole, seconds = _typed(tr, int, "cli.not_a_number"), _typed(tr, float, "cli.prove_not_seconds")
    prove.add_argument("--seeds", metavar="N", type=whole, help=tr("cli.lab_seeds", most=MOST_SEEDS))
    prove.add_argument("--base-seed", metavar="N", type=whole, default=0, help=tr("cli.lab_base_seed"))
    prove.add_argument("--device", metavar="D", default="auto", help=tr("cli.lab_device"))
    prove.add_argument("--budget", metavar="SECONDS", type=seconds, help=tr("cli.prove_budget"))
    prove.add_argument("--checks", action="store_true", help=tr("cli.prove_checks"))
    prove.add_argument("--quick", action="store_true", help=tr("cli.prove_quick"))
    prove.add_argument("--labs", metavar="DIR", action="append", default=[], help=tr("cli.prove_labs"))
    prove.add_argument("--json", action="store_true", help=tr("cli.json"))
    prove.add_argument("--report", metavar="FILE.md", help=tr("cli.prove_report"))
    prove.add_argument("--fresh", action="store_true", help=tr("cli.prove_fresh"))


def _typed(tr: Translator, kind: type[Any], key: str) -> Any:
    """A type for argparse, with our words for what is not of it."""

    def typed(text: str) -> Any:
        try:
            return kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(tr(key, value=text)) from None

    return typed


def run(args: argparse.Namespace, context: Context) -> int:
    """Prove what is asked. Returns the exit code: 0 all confirmed, 1 contradicted or failed, 3 undecided."""
    if args.checks:
        from tui.commands import checks

        return checks.run(args, context)
    from labs.catalog import EXPERIMENTS
    from labs.proof import gather, needed

    terms = _terms(args, context)
    report = _report_file(args, context)
    folders = [Path(folder).absolute() for folder in args.labs]
    for folder in folders:
        if not folder.is_dir():
            raise Misuse(context.tr("cli.labs_missing", folder=folder))
    catalog, broken, replaced = gather(EXPERIMENTS, *folders)
    _told_of_checks(args.names, {claim for lab in catalog.labs.values() for claim in lab.claims}, context)
    needs, broken = needed(catalog.labs, broken, args.names)
    for id in replaced:
        context.say("cli.prove_replaced", lab=id, folder=catalog.labs[id].folder)
    for one in broken:
        context.say("cli.prove_broken", problem=context.tr.problem(one.problem))
    with Interrupts() as interrupts:
        proving, bench, hardware = _prepared(args, context, terms, needs, broken)
        began = time.time()
        asyncio.run(_carried_out(context, proving, bench, interrupts))
        rows = proving.rows()
        facts = _facts(hardware, proving.items, context)
        if args.json:
            context.document(_document(rows, proving, facts, context, interrupts.number != 0))
        else:
            show(context, rows)
        if report is not None:
            _write_report(report, _report(rows, facts, context, began))
            context.say("cli.prove_report_written", file=report)
        _conclude(context, proving, rows, interrupts.number != 0)
        interrupts.check()
    return exit_code(rows, proving)


def _told_of_checks(names: Sequence[str], measured: set[str], context: Context) -> None:
    """Claims that code settles and no lab measures are named with the command that runs their code."""
    if all(name in measured for name in names):
        return
    from questions.catalog import load
    from questions.problems import BankProblem

    try:
        claims = load().claims
    except BankProblem:
        return  # a broken bank is no reason not to run labs
    if coded := [name for name in names if name in claims and name not in measured]:
        raise Misuse(context.tr("cli.prove_coded", claims=", ".join(coded), command=" ".join(coded)))


def _terms(args: argparse.Namespace, context: Context) -> Terms:
    from math import isfinite

    from labs.hardware import check_device
    from labs.proof import Terms

    check_device(args.device)
    if args.seeds is not None and not 1 <= args.seeds <= MOST_SEEDS:
        raise Misuse(context.tr("cli.seeds_range", value=args.seeds, most=MOST_SEEDS))
    if not 0 <= args.base_seed <= LAST_BASE_SEED:
        raise Misuse(context.tr("cli.base_seed_range", value=args.base_seed, most=LAST_BASE_SEED))
    if args.budget is not None and not (isfinite(args.budget) and args.budget > 0):
        raise Misuse(context.tr("cli.prove_budget_range", value=args.budget))
    return Terms(seeds=args.seeds, base_seed=args.base_seed, device=args.device, quick=args.quick)


def _report_file(args: argparse.Namespace, context: Context) -> Path | None:
    """Where the report goes, looked at before the minutes are spent."""
    if args.report is None:
        return None
    file = Path(args.report).absolute()
    if file.is_dir():
        raise Misuse(context.tr("cli.is_a_folder", where=file))
    if not file.parent.is_dir():
        raise Misuse(context.tr("cli.no_such_file", where=file.parent))
    return file


def _prepared(
    args: argparse.Namespace, context: Context, terms: Terms, needs: Sequence[Any], broken: list[Broken]
) -> tuple[Proving, Bench, Hardware]:
    """The proof, with all that is taken over; nothing runs yet."""
    from labs import proving as carrying
    from labs.bench import Bench
    from labs.hardware import describe

    hardware = describe()
    file = carrying.record_file(context.paths.state)
    record, resumed = carrying.begin(file, terms, needs, fresh=args.fresh)
    jobs = carrying.jobs_here(hardware, args.device, carrying.free_memory_mb())
    bench = Bench(context.paths.runs, context.python)

    async def stop(run: Any) -> None:
        await bench.stop(run)

    proving = carrying.Proving(
        needs,
        broken,
        record,
        file,
        context.paths.runs,
        start=bench.start_one_of_many,
        stop=stop,
        torch=carrying.torch_version(context.python) if resumed else None,
        python=context.python,
        version=context.version,
        by="command",
        jobs=jobs,
        budget_s=args.budget,
    )
    if resumed:
        taken = proving.take_over()
        when = _local(record.began)
        if taken:
            names = ", ".join(item.lab.id for item in taken)
            context.say("cli.prove_taken", count=len(taken), of=len(proving.items), when=when, labs=names)
        else:
            context.say("cli.prove_resumed", when=when)
    return proving, bench, hardware


def _local(iso: str) -> str:
    from tui.commands.tables import local_time

    return local_time(iso)


async def _carried_out(context: Context, proving: Proving, bench: Bench, interrupts: Interrupts) -> None:
    """Step until the proof is over or somebody interrupts; no lab is left running that nobody asked for."""
    display = _Display(context, proving)
    try:
        with display:
            while not proving.over:
                if interrupts.number:
                    await proving.stop()
                    break
                if context.reader_is_gone():
                    raise BrokenPipeError
                await proving.step()
                display.redraw()
                await asyncio.sleep(TICK_S)
    except BaseException:
        await proving.stop()
        raise
    finally:
        await bench.close()


# ---- while it goes on --------------------------------------------------------------------------------------


class _Display:
    """The table that fills, a bar and the time left on a terminal; else a line for each lab that ends."""

    def __init__(self, context: Context, proving: Proving) -> None:
        self.context = context
        self.proving = proving
        self.told = {item.lab.id for item in proving.items if item.stage == "done"}
        self.drawn = 0.0
        self.live: Live | None = None

    def __enter__(self) -> _Display:
        console = self.context.err
        if console.is_terminal and not console.is_dumb_terminal and not self.proving.over:
            from rich.live import Live

            self.live = Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop")
            self.live.start()
        elif not self.proving.over:
            self.context.say("cli.prove_begins", labs=len(self.proving.items), jobs=self.proving.jobs)
        return self

    def __exit__(self, *exc: object) -> None:
        if self.live is not None:
            self.live.stop()
        else:
            self._tell()

    def redraw(self) -> None:
        if self.live is None:
            self._tell()
        elif time.monotonic() - self.drawn >= REDRAW_S:
            self.drawn = time.monotonic()
            self.live.update(self._frame(), refresh=True)

    def _tell(self) -> None:
        from tui.commands.tables import took

        context = self.context
        for item in self.proving.items:
            if item.lab.id in self.told or item.stage in ("waiting", "running"):
                continue
            self.told.add(item.lab.id)
            words = "  ".join(f"{row.claim} {_measured(context.tr, row)}" for row in item.rows())
            context.say("cli.prove_lab", lab=item.lab.id, found=words, time=took(context.tr, item.seconds))

    def _frame(self) -> Any:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        from tui.commands.tables import took

        context, proving = self.context, self.proving
        room = max(1, context.err.height - FRAME_LINES)
        bar = Table.grid(padding=(0, 2, 0, 0), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(no_wrap=True)
        share = proving.progress()
        left = context.tr("cli.run_left", time=took(context.tr, max(1, round(proving.time_left()))))
        names = ", ".join(item.lab.id for item in proving.live)
        bar.add_row(f"{share * 100:.0f}%", ProgressBar(total=1.0, completed=share), left)
        rows = window(proving.rows(), room)
        return Group(table(context, rows, context.err.width, one_line=True), Text(names, style="dim"), bar)


def window(rows: Sequence[Row], room: int) -> list[Row]:
    """As many rows as there is room for: those that run, with the last finished ones above them."""
    if len(rows) <= room:
        return list(rows)
    moving = [i for i, row in enumerate(rows) if row.stage == "running"]
    last = max(moving, default=len(rows) - 1) + 1
    start = min(max(0, last - room), len(rows) - room)
    return list(rows[start : start + room])


# ---- tables ------------------------------------------------------------------------------------------------


def show(context: Context, rows: Sequence[Row]) -> None:
    """The whole table on stdout, and what its marks mean on stderr."""
    from labs.proof import MARKS
    from tui.commands import tables

    if not rows:
        context.say("cli.no_labs")
        return
    tables.show(context, table(context, rows, context.out.width))
    context.say("cli.prove_marks", **MARKS)


def table(context: Context, rows: Sequence[Row], width: int, *, one_line: bool = False) -> Table:
    """Claim, expected, measured, effect with interval, seeds, seconds; the lab where there is room."""
    from rich.text import Text

    from tui.commands import tables

    tr, wide = context.tr, width >= WIDE
    number: dict[str, Any] = {"justify": "right", "no_wrap": True}
    word: dict[str, Any] = {"no_wrap": True}
    made = tables.table(
        (tr("cli.col_claim"), word),
        *([(tr("cli.col_lab"), word)] if wide else []),
        (tr("cli.prove_expected"), word),
        (tr("cli.prove_measured"), word),
        (tr("cli.prove_effect"), {"no_wrap": one_line, "overflow": "ellipsis" if one_line else "fold"}),
        (tr("cli.col_seeds"), number),
        (tr("cli.col_time"), number),
    )
    for row in rows:
        style = STYLES[row.status] if row.stage not in ("waiting", "running") else ""
        expected = tr(f"cli.verdict_{row.expected}") if row.expected else "-"
        made.add_row(
            row.claim or "-",
            *([row.lab] if wide else []),
            expected,
            Text(_measured(tr, row), style=style),
            effect(tr, row),
            str(row.seeds) if row.seeds else "",
            f"{row.seconds:.1f} s" if row.seconds else "",
        )
    return made


STYLES: Mapping[str, str] = {"confirmed": "green", "contradicted": "red bold", "undecided": "yellow"}


def _measured(tr: Translator, row: Row) -> str:
    from labs.proof import MARKS

    if row.stage == "waiting":
        return tr("cli.prove_waiting")
    if row.stage == "running":
        return tr("cli.prove_running", percent=int(row.progress * 100))
    if row.stage in ("failed", "lost", "broken"):
        return f"{MARKS[row.status]} {tr('cli.prove_failed_word')}"
    return f"{MARKS[row.status]} {tr(f'cli.verdict_{row.verdict}')}"


def effect(tr: Translator, row: Row) -> str:
    """Effect and interval: "0.62 points [0.41, 0.83]"."""
    from tui.commands.tables import quantity

    if row.effect is None or row.interval is None:
        return ""
    low, high = row.interval
    return f"{quantity(row.effect, tr.unit(row.unit))} [{quantity(low)}, {quantity(high)}]"


# ---- the end -----------------------------------------------------------------------------------------------


def exit_code(rows: Sequence[Row], proving: Proving) -> int:
    """1 where a claim is contradicted or a lab failed, 3 where something is undecided, else 0."""
    from labs.problems import recognise

    if proving.hopeless:
        problem = recognise(proving.hopeless)
        return USAGE if problem is not None and problem.key in USAGE_PROBLEMS else FAILED
    if any(row.status == "contradicted" or row.stage in ("failed", "lost") for row in rows):
        return FAILED
    return UNDECIDED if any(row.status == "undecided" for row in rows) else FINISHED


def _conclude(context: Context, proving: Proving, rows: Sequence[Row], interrupted: bool) -> None:
    """What it adds up to and what went wrong, on stderr."""
    from labs.proof import counted, summary
    from tui.commands import tables

    tr = context.tr
    if proving.hopeless:
        context.note(tr("cli.error", text=tables.sentence(tr, proving.hopeless)))
    else:
        for item in proving.items:
            if item.stage in ("failed", "lost"):
                log = item.run.log_file if item.run is not None else item.lab.folder
                reason = tables.sentence(tr, item.reason)
                context.say("cli.prove_failed", lab=item.lab.id, reason=reason, log=log)
    for row in rows:
        if row.status == "contradicted":
            context.say(
                "cli.prove_contradicted",
                claim=row.claim,
                lab=row.lab,
                expected=tr(f"cli.verdict_{row.expected}"),
                measured=tr(f"cli.verdict_{row.verdict}"),
                statement=row.statement.get(context.lang) if row.statement else row.rule,
            )
    claims = counted(summary(rows).values())
    time = tables.took(tr, round(proving.seconds, 1))
    context.say("cli.prove_claims", count=sum(claims.values()), time=time, **claims)
    skipped = sum(item.stage in ("stopped", "skipped") for item in proving.items)
    if interrupted or skipped:
        context.say("cli.prove_go_on", count=skipped)


def _facts(hardware: Hardware, items: Sequence[Item], context: Context) -> dict[str, Any]:
    """What it was measured on and with: this machine's parts, and versions as the runs tell them."""
    import platform

    import psutil  # type: ignore[import-untyped, unused-ignore]

    from labs.proving import started

    starts = started(items)
    versions: dict[str, Any] = {"torchproof": context.version}
    for name in ("torch", "python"):
        told = list(dict.fromkeys(start.versions.get(name, "") for start in starts))
        versions[name] = ", ".join(version for version in told if version) or None
    return {
        "hardware": {
            "cpu": _cpu_name(),
            "cores": hardware.cores,
            "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
            "gpus": [{"name": gpu.name, "memory_gb": round(gpu.total_mb / 1024, 1)} for gpu in hardware.gpus],
            "devices": list(dict.fromkeys(start.device_name or start.device for start in starts)),
            "system": platform.platform(),
        },
        "versions": versions,
    }


def _cpu_name() -> str:
    import platform

    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _document(
    rows: Sequence[Row],
    proving: Proving,
    facts: Mapping[str, Any],
    context: Context,
    interrupted: bool,
) -> dict[str, Any]:
    import msgspec

    from labs.proof import counted, summary

    told = summary(rows)
    return {
        "claims": [_record(row, context) for row in rows],
        "summary": [{"claim": claim, "status": status} for claim, status in told.items()],
        **facts,
        "totals": {
            "claims": {"all": len(told), **counted(told.values())},
            "rules": {"all": len(rows), **counted(row.status for row in rows)},
            "labs": len(proving.items) + len(proving.broken),
            "failed": sum(item.stage in ("failed", "lost") for item in proving.items),
            "taken_over": sum(item.taken_over for item in proving.items),
            "seconds": round(proving.seconds, 1),
            "jobs": proving.jobs,
        },
        "terms": msgspec.to_builtins(proving.record.terms),
        "began": proving.record.began,
        "interrupted": interrupted,
    }


def _record(row: Row, context: Context) -> dict[str, Any]:
    return {
        "claim": row.claim,
        "entry": row.entry,
        "lab": row.lab,
        "rule": row.rule,
        "statement": row.statement.get(context.lang) if row.statement else "",
        "expected": row.expected,
        "verdict": row.verdict,
        "status": row.status,
        "effect": row.effect,
        "interval": list(row.interval) if row.interval is not None else None,
        "unit": row.unit,
        "seeds": row.seeds,
        "seconds": row.seconds,
        "note": row.note,
        "reason": row.reason,
        "stage": row.stage,
        "run": row.run or None,
        "taken_over": row.taken_over,
    }


def _report(rows: Sequence[Row], facts: Mapping[str, Any], context: Context, began: float) -> str:
    from datetime import datetime

    from labs.proof import report
    from tui.commands.tables import quantity, sentence

    tr = context.tr
    hardware, versions = facts["hardware"], facts["versions"]
    gpus = ", ".join(f"{gpu['name']} ({gpu['memory_gb']:g} GB)" for gpu in hardware["gpus"])
    told = [
        ("date", f"{datetime.fromtimestamp(began).astimezone():%Y-%m-%d %H:%M %z}"),
        ("cpu", f"{hardware['cpu']}, {tr('cli.prove_report_cores', count=hardware['cores'])}"),
        ("memory", f"{hardware['memory_gb']:g} GB"),
        ("gpu", gpus),
        ("devices", ", ".join(hardware["devices"])),
        ("system", hardware["system"]),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)),
    ]
    return report(
        rows,
        facts=[(tr(f"cli.prove_report_{name}"), value) for name, value in told if value],
        say=lambda name, **fields: tr(f"cli.prove_report_{name}", **fields),
        amount=lambda value, unit: quantity(value, tr.unit(unit)),
        sentence=lambda english: sentence(tr, english),
        lang=context.lang,
    )


def _write_report(file: Path, text: str) -> None:
    unready = file.with_name(f".{file.name}.unready")
    try:
        unready.write_text(text, "utf-8")
        unready.replace(file)
    except OSError:
        unready.unlink(missing_ok=True)
        raise

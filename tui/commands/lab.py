"""`torchproof lab`: list, run, runs, show, follow, stop. The same run folders that the app shows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.commands import (
    FAILED,
    FINISHED,
    Context,
    Interrupts,
    Misuse,
)
from tui.commands.parsing import subcommands

if TYPE_CHECKING:
    from labs.catalog import Catalog, Lab
    from labs.journal import Run
    from tui.commands.parsing import Subparsers
    from tui.i18n import Translator

MOST_SEEDS = 1_000  # all of them are trained at once, as one stack of models
LAST_BASE_SEED = 2**31 - 1


def add(commands: Subparsers, tr: Translator) -> None:
    """The parser of `torchproof lab`."""
    lab = commands.add_parser("lab", help=tr("cli.lab_about"), description=tr("cli.lab_about_long"))
    _labs_option(lab, tr, "labs_before")
    actions = subcommands(lab, tr, "action", title=tr("cli.lab_commands"))

    def action(name: str, key: str, **more: Any) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(
            name, help=tr(key), **{"description": tr(key), **more}
        )
        _labs_option(made, tr, "labs_after")
        made.add_argument("--json", action="store_true", help=tr("cli.json"))
        return made

    action("list", "cli.lab_list")

    run = action("run", "cli.lab_run", description=tr("cli.lab_run_long"), epilog=tr("cli.lab_run_end"))
    run.add_argument("lab", metavar="ID", help=tr("cli.lab_id"))
    run.add_argument("--knob", metavar="NAME=VALUE", action="append", default=[], help=tr("cli.lab_knob"))
    run.add_argument("--seeds", metavar="N", type=_whole(tr), help=tr("cli.lab_seeds", most=MOST_SEEDS))
    run.add_argument("--base-seed", metavar="N", type=_whole(tr), default=0, help=tr("cli.lab_base_seed"))
    run.add_argument("--device", metavar="D", default="auto", help=tr("cli.lab_device"))
    run.add_argument("--quick", action="store_true", help=tr("cli.lab_quick"))
    run.add_argument("--detach", action="store_true", help=tr("cli.lab_detach"))

    action("runs", "cli.lab_runs")
    action("show", "cli.lab_show").add_argument("what", metavar="RUN|LAB", help=tr("cli.lab_show_id"))
    action("follow", "cli.lab_follow").add_argument("run", metavar="RUN", help=tr("cli.lab_run_id"))
    stop = action("stop", "cli.lab_stop")
    stop.add_argument("run", metavar="RUN", nargs="?", help=tr("cli.lab_run_id"))
    stop.add_argument("--all", action="store_true", help=tr("cli.lab_all"))


def run(args: argparse.Namespace, context: Context) -> int:
    """Do what `torchproof lab ...` asks. Returns the exit code."""
    actions = {
        "list": _list,
        "run": _run,
        "runs": _runs,
        "show": _show,
        "follow": _follow,
        "stop": _stop,
    }
    return actions[args.action](args, context)


def _labs_option(owner: argparse.ArgumentParser, tr: Translator, dest: str) -> None:
    owner.add_argument(
        "--labs", metavar="DIR", dest=dest, action="append", default=[], help=tr("cli.lab_labs")
    )


def _whole(tr: Translator) -> Any:
    """A type for argparse: a whole number, with our words for what is not one."""

    def whole(text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(tr("cli.not_a_number", value=text)) from None

    return whole


def _catalog(args: argparse.Namespace, context: Context) -> Catalog:
    """Our labs and those of the folders named by --labs. What is broken is told and left out."""
    from labs.catalog import EXPERIMENTS, find

    more = [Path(folder) for folder in (*args.app_labs, *args.labs_before, *args.labs_after)]
    for folder in more:
        if not folder.is_dir():
            raise Misuse(context.tr("cli.labs_missing", folder=folder))
    catalog = find(EXPERIMENTS, *more)
    for problem in catalog.problems:
        context.say("cli.lab_broken", problem=context.tr.problem(problem))
    return catalog


# ---- list, runs, show --------------------------------------------------------------------------------------


def _list(args: argparse.Namespace, context: Context) -> int:
    from tui.commands import records, tables

    found = _catalog(args, context).labs.values()
    if args.json:
        context.document([records.of_lab(lab, context.lang) for lab in found])
    else:
        tables.labs(context, found)
    return FINISHED


def _runs(args: argparse.Namespace, context: Context) -> int:
    from labs.journal import runs
    from tui.commands import records, tables

    found = [records.of_run(run) for run in runs(context.paths.runs)]
    if args.json:
        context.document(found)
    else:
        tables.runs(context, found)
    return FINISHED


def _show(args: argparse.Namespace, context: Context) -> int:
    from labs.catalog import lab_named
    from labs.journal import run_named
    from tui.commands import records, tables

    # A run's id begins with its date, a lab's with a letter.
    if args.what == "last" or args.what[:1].isdigit():
        run = run_named(context.paths.runs, args.what)
        replay, skipped = records.replayed(run)
        if skipped:
            context.say("cli.skipped_lines", count=skipped, file=run.events_file)
        if args.json:
            context.document(records.of_whole_run(run, replay))
        else:
            tables.run(context, records.of_run(run), replay, _lab_of(run, args, context))
    else:
        lab = lab_named(_catalog(args, context), args.what)
        if args.json:
            context.document(records.of_whole_lab(lab, context.lang))
        else:
            tables.lab(context, lab)
    return FINISHED


# ---- run ---------------------------------------------------------------------------------------------------


def _run(args: argparse.Namespace, context: Context) -> int:
    from labs.bench import launch
    from labs.catalog import lab_named
    from labs.problems import LabProblem
    from tui.commands.watching import LIVE, halt, leave_with_reader

    lab = lab_named(_catalog(args, context), args.lab)
    with Interrupts() as interrupts:
        run = _created(args, context, lab)
        stopped = False

        def idle() -> None:
            nonlocal stopped
            leave_with_reader(context)
            if interrupts.number and not stopped:
                stopped = True  # and the journal is followed to its end, which tells of the stop
                halt(run)

        try:
            try:
                launch(run, context.python)
            except LabProblem:
                if args.detach or run.status() in LIVE:
                    raise  # else the journal says what happened, and is printed like any other
            if args.detach:
                return _leave(args, context, run)
            code = _watch(args, context, run, lab, idle)
        except BaseException:
            # a reader that went away, a full disk behind stdout: no lab goes on that nobody asked for
            halt(run)
            raise
        interrupts.check()
        return code


def _leave(args: argparse.Namespace, context: Context, run: Run) -> int:
    if args.json:
        context.document({"run": run.id, "folder": str(run.folder)})
    else:
        context.data(f"{run.id}\n".encode())
        context.say("cli.run_left_running", run=run.id)
    return FINISHED


def _created(args: argparse.Namespace, context: Context, lab: Lab) -> Run:
    """The run's folder, from a command line that has been checked as far as it can be without torch."""
    from datetime import UTC, datetime

    from labs.catalog import parse_knobs
    from labs.hardware import check_device
    from labs.journal import create

    settings = list(args.knob)
    if args.quick:
        if lab.quick:
            settings = [f"{name}={value}" for name, value in lab.quick.items()] + settings
        else:
            context.say("cli.no_quick")
    knobs = parse_knobs(lab, settings)
    check_device(args.device)
    count = lab.seeds.start if args.seeds is None else args.seeds
    if not 1 <= count <= MOST_SEEDS:
        raise Misuse(context.tr("cli.seeds_range", value=count, most=MOST_SEEDS))
    if not 0 <= args.base_seed <= LAST_BASE_SEED:
        raise Misuse(context.tr("cli.base_seed_range", value=args.base_seed, most=LAST_BASE_SEED))
    return create(
        context.paths.runs,
        lab,
        knobs=knobs,
        seeds=range(args.base_seed, args.base_seed + count),
        max_seeds=lab.seeds.max if args.seeds is None else count,
        device=args.device,
        by="command",
        now=datetime.now(UTC),
        python=context.python,
        version=context.version,
        datasets=context.paths.datasets,
    )


def _watch(
    args: argparse.Namespace, context: Context, run: Run, lab: Lab | None, idle: Callable[[], None]
) -> int:
    from tui.commands import watching

    if args.json:
        return watching.as_lines(context, run, idle)
    return watching.for_people(context, run, idle, lab)


# ---- follow, stop ------------------------------------------------------------------------------------------


def _follow(args: argparse.Namespace, context: Context) -> int:
    from labs.journal import run_named
    from tui.commands.watching import LIVE, leave_with_reader

    run = run_named(context.paths.runs, args.run)
    lab = _lab_of(run, args, context)
    with Interrupts() as interrupts:

        def idle() -> None:
            leave_with_reader(context)
            interrupts.check()

        try:
            return _watch(args, context, run, lab, idle)
        except KeyboardInterrupt:
            if run.status() in LIVE:
                context.say("cli.run_left_running", run=run.id)
            raise


def _lab_of(run: Run, args: argparse.Namespace, context: Context) -> Lab | None:
    """The lab that a run is of: where it was read from, else by its id, else None."""
    from labs.catalog import load
    from labs.problems import LabProblem

    try:
        return load(Path(run.spec.lab_folder))
    except LabProblem:
        return _catalog(args, context).labs.get(run.spec.lab)


def _stop(args: argparse.Namespace, context: Context) -> int:
    from labs.journal import run_named, runs, this_host
    from tui.commands.watching import LIVE, halt

    if args.all and args.run:
        raise Misuse(context.tr("cli.run_or_all"))
    if args.all:
        chosen = [run for run in runs(context.paths.runs) if run.status() in LIVE]
        if not chosen:
            context.say("cli.nothing_runs")
    elif args.run:
        chosen = [run_named(context.paths.runs, args.run)]
    else:
        raise Misuse(context.tr("cli.which_run"))

    code = FINISHED
    told = []
    for run in chosen:
        status = run.status()
        if status not in LIVE:
            context.say("cli.run_over", run=run.id, status=context.tr(f"cli.status_{status}"))
        else:
            status = halt(run)
            worker = run.worker()
            if status not in LIVE:
                context.say("cli.run_stops", run=run.id)
            elif worker is not None and worker.host != this_host():
                context.say("cli.run_will_stop", run=run.id, host=worker.host)
            else:
                context.say("cli.run_will_not_stop", run=run.id, log=run.log_file)
                code = FAILED
        told.append({"id": run.id, "status": status})
    if args.json:
        context.document(told)
    return code

"""Watching a run to its end: its events as JSON lines, or a progress bar and verdicts for people."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from labs.journal import AnyEvent, End, Follower, Log, Run, Seeds, Start, Status, line
from labs.problems import recognise
from labs.replay import Replay
from tui.commands import FAILED, FINISHED, INTERRUPTED, USAGE, USAGE_PROBLEMS, Context, tables

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from labs.catalog import Lab

TICK_S = 0.05  # between two looks at the file
LOOK_S = 0.5  # between two looks at the worker's process while nothing comes
REDRAW_S = 0.25
LOG_LINES = 8

LIVE = frozenset({"starting", "running"})


def follow(
    run: Run,
    react: Callable[[Sequence[AnyEvent]], None],
    idle: Callable[[], None] = lambda: None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Status:
    """Hand every event of the run to `react` until the run is over, and return how it ended.

    `idle` is called between two looks; what it raises ends the watch.
    """
    follower = Follower(run)
    looked = clock()
    ended = False
    while True:
        events = follower.poll()
        if events:
            ended = isinstance(events[-1], End)
            react(events)
        idle()
        if not events and (ended or clock() - looked >= LOOK_S):
            looked = clock()
            status = run.status()
            if status not in LIVE:
                late = follower.poll()  # written between the two looks
                if not late:
                    return status
                react(late)
                continue
        sleep(TICK_S)


def as_lines(context: Context, run: Run, idle: Callable[[], None]) -> int:
    """The run's events as they stand in its journal, one line each on stdout. Returns the exit code."""
    last: AnyEvent | None = None

    def react(events: Sequence[AnyEvent]) -> None:
        nonlocal last
        context.data(b"".join(map(line, events)))
        last = events[-1]

    status = follow(run, react, idle)
    error = last.error if isinstance(last, End) else None
    if status in ("failed", "lost"):
        tell_failure(context, run, status, error)
    return exit_code(status, error)


def for_people(context: Context, run: Run, idle: Callable[[], None], lab: Lab | None) -> int:
    """A progress bar on stderr while the run lasts, its verdicts on stdout. Returns the exit code."""
    replay = Replay()
    display = _Display(context, run, lab, replay)

    def react(events: Sequence[AnyEvent]) -> None:
        replay.feed(events)
        display.tell(events)

    def look() -> None:
        idle()
        display.redraw()

    with display:
        status = follow(run, react, look)
    error = replay.end.error if replay.end else None
    if replay.verdicts or status == "done":
        tables.verdicts(context, lab, replay.verdicts.values())
    seconds = tables.took(context.tr, replay.end.seconds if replay.end else 0.0)
    if status in ("failed", "lost"):
        tell_failure(context, run, status, error)
    else:
        context.say(f"cli.run_{status}", time=seconds, run=run.id)
    return exit_code(status, error)


def leave_with_reader(context: Context) -> None:
    """Raises BrokenPipeError where nobody reads stdout any more; a lab may be silent for long."""
    if context.reader_is_gone():
        raise BrokenPipeError


def halt(run: Run) -> Status:
    """Stop the run and wait for its last word; returns its status, a live one where that takes longer.

    A worker on another host reads the wish from the run's folder.
    """
    import asyncio

    from labs.bench import Bench

    async def stop() -> None:
        await Bench(run.folder.parent).stop(run)

    asyncio.run(stop())
    return run.status()


def exit_code(status: Status, error: str | None) -> int:
    """What a run's end means for the shell: a device it could not use is a matter of usage."""
    if status in ("failed", "lost"):
        problem = recognise(error) if error else None
        return USAGE if problem and problem.key in USAGE_PROBLEMS else FAILED
    return INTERRUPTED if status == "stopped" else FINISHED


def tell_failure(context: Context, run: Run, status: Status, error: str | None) -> None:
    """Why a run failed or was lost; with the log and its end where the reason lies in the code that ran."""
    problem = recognise(error) if error else None
    if status == "lost":
        context.say("cli.run_lost", log=run.log_file)
    elif problem is not None and not problem.key.startswith("experiment-"):
        context.note(context.tr("cli.error", text=tables.sentence(context.tr, str(error))))
        return
    else:
        context.say("cli.run_failed", error=tables.sentence(context.tr, error or ""), log=run.log_file)
    tail = [text for text in run.log_tail(LOG_LINES) if text.strip()]
    if tail:
        context.say("cli.run_log_tail")
        for text in tail:
            context.note(f"  {text}")


class _Display:
    """What is shown while a run lasts: a bar where stderr is a terminal, a few lines anywhere."""

    def __init__(self, context: Context, run: Run, lab: Lab | None, replay: Replay) -> None:
        self.context = context
        self.run = run
        self.lab = lab
        self.replay = replay
        self.bar: Progress | None = None
        self.task: TaskID | None = None
        self.drawn = 0.0

    def __enter__(self) -> _Display:
        console = self.context.err
        if console.is_terminal and not console.is_dumb_terminal:
            self.bar = _bar(console)
            self.task = self.bar.add_task(
                self.run.spec.lab, total=1.0, left=self.context.tr("cli.run_loading")
            )
            self.bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    def tell(self, events: Sequence[AnyEvent]) -> None:
        for event in events:
            match event:
                case Start():
                    title = self.lab.title.get(self.context.lang) if self.lab else event.lab
                    device = event.device_name or event.device
                    self.context.say("cli.run_begins", title=title, seeds=len(event.seeds), device=device)
                    if event.device_reason:
                        self.context.note(tables.sentence(self.context.tr, event.device_reason))
                case Seeds():
                    self.context.say(f"cli.run_more_{event.reason}", count=len(event.seeds))
                case Log(level="warning"):  # an error comes again as the reason of the end
                    self.context.note(tables.sentence(self.context.tr, event.text))

    def redraw(self) -> None:
        if self.bar is None or self.task is None or time.monotonic() - self.drawn < REDRAW_S:
            return
        self.drawn = time.monotonic()
        left = self.replay.eta_s(time.time())
        if self.replay.start is None:
            text = self.context.tr("cli.run_loading")
        elif left is None:
            text = ""
        else:
            text = self.context.tr("cli.run_left", time=tables.took(self.context.tr, max(1, round(left))))
        self.bar.update(self.task, completed=self.replay.progress, left=text)
        self.bar.refresh()


def _bar(console: Any) -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.percentage:.0f}%", markup=False, justify="right"),
        TextColumn("{task.fields[left]}", markup=False),
        console=console,
        auto_refresh=False,  # no thread of its own: it is drawn when something is known
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
        expand=True,
    )


def waiting(context: Context, key: str, **fields: object) -> AbstractContextManager[object]:
    """A line on a terminal that stands while something slow is asked and is gone afterwards."""
    console = context.err
    if not console.is_terminal or console.is_dumb_terminal:
        return nullcontext()
    from rich.live import Live
    from rich.text import Text

    return Live(Text(context.tr(key, **fields)), console=console, auto_refresh=False, transient=True)

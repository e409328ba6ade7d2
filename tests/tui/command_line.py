"""Runs the real command in a process of its own, with a home below the test's folder and a lab of ours."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from labs.catalog import Value, load
from labs.journal import AnyEvent, End, Outcome, Point, Run, Spread, Start, Verdict, Writer, create

NOT_OURS = ("TORCHPROOF_PYTHON", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "TMUX", "LANG", "LC_ALL")

# A lab without torch in it: it sleeps, draws and measures as its knobs say.
LAB = """\
format = 1
id = "ticking"
entry = "E1"
estimate_s = 1

[title]
zh = "滴答实验"
en = "A ticking lab"
[question]
zh = "后者高出多少？"
en = "How much higher is the latter?"
[explanation]
zh = "因为旋钮 `gap` 就是这么设的。"
en = "Because the knob `gap` says so."

[[arms]]
id = "low"
label = { zh = "低", en = "low" }
[[arms]]
id = "high"
label = { zh = "高", en = "high" }

[[knobs]]
id = "steps"
kind = "int"
default = 5
min = 1
max = 100000
label = { zh = "步数", en = "steps" }
[[knobs]]
id = "pause"
kind = "float"
default = 0.0
min = 0
max = 10
label = { zh = "每步停顿", en = "pause a step" }
[[knobs]]
id = "gap"
kind = "float"
default = 5.0
label = { zh = "差距", en = "gap" }
[[knobs]]
id = "mood"
kind = "choice"
default = "calm"
choices = ["calm", "diverging", "raising"]
label = { zh = "脾气", en = "mood" }

[[series]]
id = "level"
label = { zh = "高度", en = "level" }
[[outcomes]]
id = "height"
unit = "%"
label = { zh = "高度", en = "height" }

[[rules]]
id = "higher"
claim = "E1.6"
expected = "supported"
statement = { zh = "后者高出 2 个百分点以上。", en = "The latter is more than 2 points higher." }
[[rules.checks]]
kind = "greater"
outcome = "height"
arm = "high"
versus = "low"
margin = 2

[bet]
claim = "E1.6"
question = { zh = "高出多少？", en = "How much?" }
outcome = "height"
arm = "high"
versus = "low"
bands = [{ below = 1 }, { below = 4 }, {}]

[seeds]
start = 4
step = 2
max = 8
[quick]
steps = 2
"""

EXPERIMENT = '''\
"""Sleeps and counts."""

import random
import time

from labs.report import Outcome, Point


def experiment(seeds, device, *, steps, pause, gap, mood):
    noise = {seed: random.Random(seed).gauss(0, 0.1) for seed in seeds}
    level = {"low": [noise[s] for s in seeds], "high": [noise[s] * 0.9 + gap for s in seeds]}
    if mood == "raising":
        raise RuntimeError("this lab is in a bad mood")
    for step in range(1, steps + 1):
        time.sleep(pause)
        shown = {arm: [v if mood == "calm" else v * float("inf") for v in vs] for arm, vs in level.items()}
        yield Point(step, steps, {"level": shown})
    yield Outcome({"height": level})
'''


def write_lab(folder: Path, text: str = LAB, name: str = "ticking") -> Path:
    """A folder of labs that holds this one."""
    lab = folder / name
    lab.mkdir(parents=True)
    (lab / "lab.toml").write_text(text, "utf-8")
    (lab / "experiment.py").write_text(EXPERIMENT, "utf-8")
    return folder


def environment(home: Path, **more: str) -> dict[str, str]:
    """A plain English UTF-8 environment whose home is a folder of the test."""
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "TORCHPROOF_HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **more}


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "tui", *words]


def torchproof(
    home: Path, *words: str, stdin: str | None = None, env: Mapping[str, str] = {}, timeout: float = 120
) -> "subprocess.CompletedProcess[str]":
    """The command, run to its end: returncode, stdout, stderr."""
    return subprocess.run(
        command(*words),
        env=environment(home, **env),
        input=stdin or "",
        capture_output=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def recorded_run(
    home: Path,
    labs: Path,
    *,
    ended: bool = True,
    status: str = "done",
    error: str | None = None,
    knobs: Mapping[str, Value] | None = None,
    points: int = 3,
    at: datetime | None = None,
    effects: Sequence[float] = (4.9, 5.0, 5.1, 5.0),
) -> Run:
    """A run's folder as a worker would leave it, made without one."""
    lab = load(labs / "ticking")
    at = at or datetime.now(UTC)
    seeds = list(range(len(effects)))
    run = create(
        home / "state" / "runs",
        lab,
        knobs=knobs or lab.defaults,
        seeds=seeds,
        max_seeds=8,
        device="auto",
        by="command",
        now=at,
        python=sys.executable,
        version="0.1.0",
    )
    events: list[AnyEvent] = [
        Start(
            t=0.1,
            run=run.id,
            lab=lab.id,
            entry=lab.entry,
            arms=["low", "high"],
            seeds=seeds,
            device="cpu",
            device_name="CPU",
            device_reason="No GPU was found.",
            knobs=dict(run.spec.knobs),
            estimate_s=1.0,
            settles=run.spec.settles,
            versions={"torch": "2.14.1", "python": "3.11.7", "torchproof": "0.1.0"},
            at=(at + timedelta(seconds=0.1)).isoformat(),
        )
    ]
    for step in range(1, points + 1):
        for arm in ("low", "high"):
            spread = Spread(mean=float(step), lo="NaN" if step == 2 else 0.0, hi=float(step), n=len(seeds))
            events.append(
                Point(
                    t=0.1 * step,
                    arm=arm,
                    step=float(step),
                    of=float(points),
                    series={"level": spread},
                    seeds_in_view=len(seeds),
                )
            )
    if status == "done":
        for arm in ("low", "high"):
            values = [0.0 if arm == "low" else effect for effect in effects]
            events.append(Outcome(t=1.0, arm=arm, seeds=seeds, values={"height": list(values)}))
        events.append(
            Verdict(
                t=1.0,
                rule="higher",
                claim="E1.6",
                verdict="supported",
                expected="supported",
                effect=5.0,
                interval=(4.7, 5.3),
                confidence=0.95,
                seeds=len(seeds),
                unit="%",
                note="",
                settles=run.spec.settles,
            )
        )
    if ended:
        events.append(End(t=1.25, status=status, seconds=1.25, error=error))
    writer = Writer(run)
    writer.write(*events)
    writer.close()
    return run

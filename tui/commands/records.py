"""A lab or a run as one record for scripts: plain values, ready to be JSON."""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from labs.journal import End, Follower, Run, Start, Verdict
from labs.replay import Replay

if TYPE_CHECKING:
    from labs.catalog import Lab

Record = dict[str, object]

TAIL_BYTES = 1 << 16  # the verdicts and the end are the last lines of a journal of many megabytes


def of_lab(lab: Lab, lang: str) -> Record:
    """A lab in a list: what it asks, settles, compares and costs."""
    return {
        "id": lab.id,
        "entry": lab.entry,
        "claims": lab.claims,
        "title": lab.title.get(lang),
        "title_zh": lab.title.zh,
        "title_en": lab.title.en,
        "question": lab.question.get(lang),
        "estimate_s": lab.estimate_s,
        "arms": [arm.id for arm in lab.arms],
        "knobs": lab.defaults,
        "quick": lab.quick,
        "seeds": {"start": lab.seeds.start, "step": lab.seeds.step, "max": lab.seeds.max},
        "folder": str(lab.folder),
    }


def of_whole_lab(lab: Lab, lang: str) -> Record:
    """Everything that lab.toml says, with the record of the list on top."""
    whole = msgspec.to_builtins(lab)
    whole.pop("file")
    return {**whole, **of_lab(lab, lang), "knobs": whole["knobs"], "title": lab.title.get(lang)}


def of_run(run: Run) -> Record:
    """A run in a list, from the first and the last lines of its journal. Raises LabProblem("run-broken")."""
    spec = run.spec
    status = run.status()
    start = _start(run)
    verdicts: dict[str, Verdict] = {}
    end: End | None = None
    last = 0.0
    follower = Follower(run)
    follower.offset = max(0, _size(run) - TAIL_BYTES)
    for event in follower.poll():
        last = event.t
        match event:
            case Verdict():
                verdicts[event.rule] = event
            case End():
                end = event
    seconds = last
    if end is not None and status in ("done", "stopped", "failed"):
        seconds = end.seconds
    elif status == "running" and start is not None:
        seconds = max(last, time.time() - datetime.fromisoformat(start.at).timestamp())
    return {
        "id": run.id,
        "lab": spec.lab,
        "entry": spec.entry,
        "status": status,
        "started": spec.created_at,
        "device": start.device if start else spec.device,
        "seeds": max([len(spec.seeds), *(verdict.seeds for verdict in verdicts.values())]),
        "seconds": round(seconds, 3),
        "verdicts": {rule: verdict.verdict for rule, verdict in verdicts.items()},
        "settles": spec.settles,
        "knobs": spec.knobs,
        "by": spec.by,
        "host": spec.host,
        "error": end.error if end and status == "failed" else None,
    }


def of_whole_run(run: Run, replay: Replay) -> Record:
    """Everything measured: verdicts in full, every outcome a seed, the log. `replay`: all events, fed."""
    start = replay.start
    return {
        **of_run(run),
        "seeds": replay.seeds or run.spec.seeds,
        "progress": replay.progress,
        "device_name": start.device_name if start else "",
        "device_reason": start.device_reason if start else "",
        "versions": start.versions if start else {},
        "verdicts": [msgspec.to_builtins(verdict) for verdict in replay.verdicts.values()],
        "outcomes": {
            outcome: {
                arm: {str(seed): value for seed, value in by_seed.items()} for arm, by_seed in arms.items()
            }
            for outcome, arms in replay.outcomes.items()
        },
        "log": [{"t": log.t, "level": log.level, "text": log.text} for log in replay.logs],
        "folder": str(run.folder),
    }


def replayed(run: Run) -> tuple[Replay, int]:
    """All events of a run, and how many lines of its journal could not be read."""
    follower, replay = Follower(run), Replay()
    replay.feed(follower.poll())
    return replay, follower.skipped


def _start(run: Run) -> Start | None:
    try:
        with run.events_file.open("rb") as file:
            return msgspec.json.decode(file.readline(), type=Start)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None


def _size(run: Run) -> int:
    try:
        return os.stat(run.events_file).st_size  # noqa: PTH116 (one call for each of many runs)
    except OSError:
        return 0

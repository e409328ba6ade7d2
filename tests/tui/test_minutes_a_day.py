"""The minutes that are set decide whether a confident error gets its extra look; all pages say so as the plan does."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from command_line import torchproof
from learner import NOW, make_app, write_bank

from questions.events import Answer, local_day, local_now
from questions.plan import Ask
from questions.progress import Progress
from tui.app import TorchproofApp
from tui.runs import RunWatch
from tui.screens.today import overview
from tui.standing import standings

CLAIMS = [f"E1.{n}" for n in range(1, 8)]
SLIPPED, *OTHERS = CLAIMS


def busy_weeks(folder: Path, today: datetime) -> None:
    """Yesterday a confident error in a claim long known; for weeks, seven minutes of other claims have been due."""
    clock = today
    log = Progress(folder, host="here", pid=1, now=lambda: clock)
    answers = [(ago, SLIPPED, True) for ago in (120, 117, 106, 70)]
    answers += [(60, claim, True) for claim in OTHERS]
    for ago, claim, ok in [*answers, (1, SLIPPED, False)]:
        clock = today - timedelta(days=ago)
        log.record(
            Answer(
                claim=claim,
                item=f"{claim}-q",
                kind="choice",
                option="a",
                p=0.9,
                ok=ok,
                chance=0.25,
                latency_ms=100_000,
            )
        )
    log.close()


def busy_app(tmp_path: Path, minutes: int) -> TorchproofApp:
    write_bank(tmp_path / "bank", CLAIMS)
    app = make_app(tmp_path)
    app.settings = app.settings.changed("minutes", minutes)
    busy_weeks(app.paths.events, NOW)
    return app


@pytest.mark.parametrize("minutes", [5, 15])
def test_a_claim_is_due_on_every_page_on_the_day_on_which_the_plan_takes_it_for_due(
    tmp_path: Path, minutes: int
) -> None:
    app = busy_app(tmp_path, minutes)
    due = {claim for claim, stand in standings(app).items() if stand.due and stand.due <= app.today()}
    assert due == ({*CLAIMS} if minutes == 15 else {*OTHERS})
    plan = app.plan()
    assert plan.due + plan.waiting == len(due)
    assert sum(entry.due for entry in overview(app, RunWatch(app.paths.runs)).entries) == plan.due
    again = {item.claim for item in plan.items if isinstance(item, Ask) and item.why == "recheck"}
    assert again == due - {*OTHERS}


@pytest.mark.parametrize("minutes", [5, 15])
def test_the_command_says_the_same(tmp_path: Path, minutes: int) -> None:
    today = local_now()
    busy_weeks(tmp_path / "data" / "events", today)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.toml").write_text(f"minutes = {minutes}\n", "utf-8")
    record = json.loads(torchproof(tmp_path, "progress", "show", "--json").stdout)
    due = {
        claim
        for claim, stand in record["claims_by_id"].items()
        if stand["due"] <= local_day(today).isoformat()
    }
    assert due == ({*CLAIMS} if minutes == 15 else {*OTHERS})
    assert record["due"] == len(due)

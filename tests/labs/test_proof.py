"""Which labs a proof needs, what it takes over, how runs fold into rows and a report, when labs may start."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sample_lab import LAB, write_lab

from labs import journal, proof, proving
from labs.catalog import EXPERIMENTS, Lab, find, load
from labs.hardware import Gpu, Hardware
from labs.journal import End, Log, Outcome, Run, RunSpec, Start, Writer, this_host
from labs.problems import LabProblem
from labs.proof import Need, Record, Share, Terms
from labs.replay import Replay

BEGAN = "2026-11-24T12:00:00.000Z"
LATER = datetime(2026, 11, 24, 12, 1, tzinfo=UTC)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return load(write_lab(tmp_path / "labs"))


def record(**changes: Any) -> Record:
    return Record(**{"began": BEGAN, "host": this_host(), "terms": Terms(device="cpu"), **changes})


def outcome(effect: float, changed: float = 0) -> list[Any]:
    """What both arms of the sample lab gave on four seeds, the second higher by `effect`."""
    seeds = [0, 1, 2, 3]
    noise = [0.0, 0.1, -0.1, 0.05]
    return [
        Outcome(t=1, arm="one", seeds=seeds, values={"accuracy": [50.0] * 4, "changed": [changed] * 4}),
        Outcome(
            t=1,
            arm="two",
            seeds=seeds,
            values={"accuracy": [50 + effect + n for n in noise], "changed": [0.0] * 4},
        ),
    ]


def replay(*events: Any) -> Replay:
    made = Replay()
    made.feed(events)
    return made


# ---- which labs --------------------------------------------------------------------------------------------


def test_a_claim_an_entry_or_a_lab_names_what_is_needed(lab: Lab) -> None:
    labs = {lab.id: lab}
    for names, rules in (
        ([], ["higher", "none_changed"]),
        (["E1"], ["higher", "none_changed"]),
        (["e1.7"], ["none_changed"]),
        (["sample"], ["higher", "none_changed"]),
        (["E1.7", "E1.6"], ["higher", "none_changed"]),
    ):
        (need,), broken = proof.needed(labs, [], names)
        assert [rule.id for rule in need.rules] == rules
        assert broken == []


@pytest.mark.parametrize("name", ["E1.66", "E9", "sampl", ""])
def test_a_name_that_nothing_answers_to_is_refused_with_what_comes_close(lab: Lab, name: str) -> None:
    with pytest.raises(LabProblem) as caught:
        proof.needed({lab.id: lab}, [], ["E1.6", name])
    assert caught.value.key == "proof-unknown"
    if name == "sampl":
        assert "sample" in str(caught.value)


def test_a_broken_lab_says_which_claims_stay_open(tmp_path: Path) -> None:
    write_lab(tmp_path, LAB.replace("estimate_s = 2.5", "estimate_s = true"))
    _, broken, _ = proof.gather(tmp_path)
    (one,) = broken
    assert (one.lab, one.entry) == ("sample", "E1")
    assert one.rules == (("higher", "E1.6"), ("none_changed", "E1.7"))
    _, asked = proof.needed({}, broken, ["E1.7"])
    (row,) = proof.fold_broken(asked[0])
    assert (row.claim, row.rule, row.status, row.stage) == ("E1.7", "none_changed", "undecided", "broken")
    assert "estimate_s" in row.reason


def test_a_lab_of_which_nothing_can_be_made_out_is_never_dropped(lab: Lab, tmp_path: Path) -> None:
    write_lab(tmp_path / "more", "not toml", "riddle")
    catalog, broken, _ = proof.gather(lab.folder.parent, tmp_path / "more")
    _, left = proof.needed(catalog.labs, broken, ["E1.6"])
    assert [one.lab for one in left] == ["riddle"]
    (row,) = proof.fold_broken(left[0])
    assert (row.claim, row.status) == ("", "undecided")


def test_a_lab_in_a_named_folder_takes_the_place_of_ours(lab: Lab, tmp_path: Path) -> None:
    text = LAB.replace('expected = "supported"', 'expected = "refuted"')
    write_lab(tmp_path / "more", text)
    catalog, broken, replaced = proof.gather(lab.folder.parent, tmp_path / "more")
    assert (replaced, broken) == (["sample"], [])
    assert catalog.labs["sample"].rules[0].expected == "refuted"


def test_claims_are_ordered_by_number() -> None:
    claims = ["E2.1", "E1.10", "E1.9", "E10.1"]
    assert sorted(claims, key=proof.claim_order) == ["E1.9", "E1.10", "E2.1", "E10.1"]


# ---- rows --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expected", "verdict", "status"),
    [
        ("supported", "supported", "confirmed"),
        ("refuted", "refuted", "confirmed"),
        ("supported", "refuted", "contradicted"),
        ("refuted", "supported", "contradicted"),
        ("supported", "undecided", "undecided"),
        ("undecided", "undecided", "confirmed"),
        ("undecided", "supported", "contradicted"),
        (None, "supported", "undecided"),
    ],
)
def test_a_status_compares_the_verdict_with_what_was_expected(
    expected: Any, verdict: Any, status: str
) -> None:
    assert proof.status_of(expected, verdict) == status


def test_each_rule_is_a_row_judged_by_the_rules_as_they_stand_now(lab: Lab) -> None:
    need = Need(lab, lab.rules)
    higher, changed = proof.fold(need, replay(*outcome(5)), "done", seconds=2.5, run="r")
    assert (higher.claim, higher.rule, higher.verdict, higher.status) == (
        "E1.6",
        "higher",
        "supported",
        "confirmed",
    )
    assert higher.effect == pytest.approx(5.0125)
    assert (higher.seeds, higher.seconds, higher.unit, higher.entry) == (4, 2.5, "pp", "E1")
    assert (changed.verdict, changed.status) == ("refuted", "confirmed")
    inverted = msgspec.structs.replace(lab.rules[0], expected="refuted")
    (row,) = proof.fold(Need(lab, (inverted,)), replay(*outcome(5)), "done")
    assert (row.verdict, row.status) == ("supported", "contradicted")


def test_an_effect_that_is_not_there_is_refuted_not_supported(lab: Lab) -> None:
    (row,) = proof.fold(Need(lab, lab.rules[:1]), replay(*outcome(0)), "done")
    assert (row.verdict, row.status) == ("refuted", "contradicted")


@pytest.mark.parametrize("stage", ["failed", "lost"])
def test_a_lab_that_failed_is_undecided_with_its_reason_whatever_it_measured(lab: Lab, stage: Any) -> None:
    rows = proof.fold(Need(lab, lab.rules), replay(*outcome(5)), stage, reason="It broke.")
    assert {(row.verdict, row.status, row.reason) for row in rows} == {
        ("undecided", "undecided", "It broke.")
    }


def test_a_lab_that_has_measured_nothing_has_rows_without_numbers(lab: Lab) -> None:
    for row in proof.fold(Need(lab, lab.rules), None, "waiting"):
        assert (row.effect, row.interval, row.seeds, row.status) == (None, None, 0, "undecided")


def test_a_claim_is_confirmed_only_by_all_of_its_rules() -> None:
    def row(claim: str, status: Any) -> proof.Row:
        return proof.Row(claim=claim, entry="E1", lab="a", rule="r", status=status)

    rows = [
        row("E1.10", "confirmed"),
        row("E1.2", "confirmed"),
        row("E1.2", "undecided"),
        row("E1.3", "undecided"),
        row("E1.3", "contradicted"),
        row("", "undecided"),
    ]
    told = proof.summary(rows)
    assert list(told.items()) == [("E1.2", "undecided"), ("E1.3", "contradicted"), ("E1.10", "confirmed")]
    assert proof.counted(told.values()) == {"confirmed": 1, "contradicted": 1, "undecided": 1}


def test_the_report_holds_every_row_and_says_why_what_is_open_is_open(lab: Lab) -> None:
    rows = proof.fold(Need(lab, lab.rules), replay(*outcome(5)), "failed", reason="It | broke.")
    text = proof.report(
        rows,
        facts=[("CPU", "a fast one")],
        say=lambda name, **fields: f"<{name}>",
        amount=lambda value, unit: f"{value} {unit}".strip(),
        sentence=lambda english: english,
        lang="zh",
    )
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 4  # heading, rule, two rows
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "第二种设置高出" in text
    assert "- CPU: a fast one" in text
    assert text.count("It | broke.") == 2


# ---- time --------------------------------------------------------------------------------------------------


def test_time_left_follows_the_pace_of_this_machine_and_the_number_of_labs_at_once() -> None:
    start = proof.START_S
    waiting = [Share(10 - start, "waiting")] * 4
    assert proof.time_left(waiting, 1) == 40
    assert proof.time_left(waiting, 2) == 20
    slow = Share(10 - start, "done", 1.0, spent_s=20)
    assert proof.time_left([slow, *waiting], 1) == 80
    taken = Share(10 - start, "done", 1.0, spent_s=0, counts=False)
    assert proof.time_left([taken, *waiting], 1) == 40
    assert proof.time_left([Share(1, "running", 0.5, 3, left_s=7.0)], 4) == 7
    assert proof.time_left([], 2) == 0


def test_progress_weighs_labs_by_their_estimates_and_ends_at_one() -> None:
    start = proof.START_S
    shares = [Share(30 - start, "done"), Share(10 - start, "running", 0.5), Share(10 - start, "waiting")]
    assert proof.progress(shares) == pytest.approx(0.7)
    assert proof.progress([Share(1, "failed"), Share(1, "skipped"), Share(1, "broken")]) == 1
    assert proof.progress([]) == 1


# ---- what is taken over ------------------------------------------------------------------------------------


def test_an_unfinished_proof_goes_on_under_the_same_terms_only() -> None:
    kept = record(wanted=["a"])
    same, resumed = proof.opened(kept, Terms(device="cpu"), ["b"], host=this_host(), now="n")
    assert (resumed, same.began, same.wanted) == (True, BEGAN, ["a", "b"])
    for other, terms, host, fresh in (
        (record(wanted=["a"], done=["a"]), Terms(device="cpu"), this_host(), False),
        (record(wanted=["a"]), Terms(device="cpu", seeds=3), this_host(), False),
        (record(wanted=["a"]), Terms(device="auto"), this_host(), False),
        (record(wanted=["a"]), Terms(device="cpu"), "elsewhere", False),
        (record(wanted=["a"]), Terms(device="cpu"), this_host(), True),
        (None, Terms(device="cpu"), this_host(), False),
    ):
        made, resumed = proof.opened(other, terms, ["b"], host=host, now="now", fresh=fresh)
        assert (resumed, made.began, made.wanted, made.done) == (False, "now", ["b"], [])


def test_a_run_fits_only_if_it_measures_the_same_thing_since_the_proof_began(
    lab: Lab, tmp_path: Path
) -> None:
    run = new_run(tmp_path, lab)
    sha = run.spec.source_sha256
    assert proof.fits(run.spec, lab, sha, record())

    def fits(**changes: Any) -> bool:
        spec: RunSpec = msgspec.structs.replace(run.spec, **changes)
        return proof.fits(spec, lab, sha, record())

    assert not fits(source_sha256="0")
    assert not fits(knobs={**lab.defaults, "steps": 7})
    assert not fits(seeds=[0, 1, 2])
    assert not fits(max_seeds=9)
    assert not fits(device="cuda")
    assert not fits(host="elsewhere")
    assert not fits(lab_folder="/other")
    assert not fits(created_at="2026-11-24T11:59:59.000Z")
    assert not fits(created_at="no time")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2.9.1+cpu", "2.9.1", True),
        ("2.9.1+cpu", "2.9.1+cpu", True),
        ("2.9.1+cpu", "2.9.1+cu130", False),
        ("2.9.1", "2.9.0", False),
        ("", "2.9.1", False),
        ("2.9.1", None, False),
    ],
)
def test_versions_of_torch_are_compared_with_their_build_where_both_tell_it(
    one: str, other: str | None, same: bool
) -> None:
    assert proving.same_version(one, other) is same


# ---- carrying it out ---------------------------------------------------------------------------------------


def new_run(runs: Path, lab: Lab, now: datetime = LATER, **changes: Any) -> Run:
    given: dict[str, Any] = {
        "knobs": lab.defaults,
        "seeds": range(4),
        "max_seeds": 8,
        "device": "cpu",
        "by": "command",
        "now": now,
        "python": "python",
        "version": "0",
        **changes,
    }
    return journal.create(runs, lab, **given)


def write(run: Run, *events: Any) -> None:
    writer = Writer(run)
    writer.write(*events)
    writer.close()


def start_event(run: Run, torch: str = "2.9.1") -> Start:
    spec = run.spec
    return Start(
        t=0,
        run=run.id,
        lab=spec.lab,
        entry=spec.entry,
        arms=["one", "two"],
        seeds=spec.seeds,
        device="cpu",
        device_name="CPU",
        device_reason="",
        knobs=spec.knobs,
        estimate_s=1,
        settles=True,
        versions={"torch": torch, "python": "3"},
        at=BEGAN,
    )


def finish(run: Run, torch: str = "2.9.1") -> None:
    write(run, start_event(run, torch), *outcome(5), End(t=1, status="done", seconds=1.0))


class Stage:
    """A proof over copies of the sample lab, whose runs this class starts and ends by hand."""

    def __init__(self, folder: Path, names: Sequence[str], alone: Sequence[str] = ()) -> None:
        self.folder, self.runs = folder, folder / "runs"
        self.started: list[Run] = []
        self.stopped: list[Run] = []
        self.at = 0.0
        for name in names:
            text = LAB.replace('id = "sample"', f'id = "{name}"')
            if name in alone:
                text = text.replace("estimate_s = 2.5", "estimate_s = 2.5\nalone = true")
            write_lab(folder / "labs", text, name)
        labs = find(folder / "labs").labs
        self.needs = [Need(lab, lab.rules) for lab in labs.values()]

    def proving(self, made: Record, **options: Any) -> proving.Proving:
        async def start(run: Run, alone: bool) -> None:
            self.started.append(run)

        async def stop(run: Run) -> None:
            self.stopped.append(run)
            write(run, End(t=1, status="stopped", seconds=1.0))

        return proving.Proving(
            self.needs,
            [],
            made,
            self.folder / "record.json",
            self.runs,
            start=start,
            stop=stop,
            torch="2.9.1",
            python="python",
            version="0",
            by="command",
            clock=lambda: self.at,
            **{"now": lambda: datetime.now(UTC), **options},
        )

    def labs(self) -> list[str]:
        return [run.spec.lab for run in self.started]


async def test_so_many_labs_run_at_once_and_the_next_starts_when_one_ends(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"])
    going = stage.proving(record(wanted=["a", "b", "c"]), jobs=2)
    await going.step()
    assert stage.labs() == ["a", "b"]
    finish(stage.started[0])
    await going.step()
    assert stage.labs() == ["a", "b", "c"]
    for run in stage.started[1:]:
        finish(run)
    await going.step()
    assert going.over
    kept = proving.kept(tmp_path / "record.json")
    assert kept is not None and kept.finished and kept.torch == "2.9.1"
    assert {row.status for row in going.rows()} == {"confirmed"}


async def test_a_lab_that_measures_time_has_the_machine_to_itself(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"], alone=["a"])
    going = stage.proving(record(), jobs=4)
    await going.step()
    assert stage.labs() == ["b", "c"]
    finish(stage.started[0])
    await going.step()
    assert stage.labs() == ["b", "c"]
    finish(stage.started[1])
    await going.step()
    assert stage.labs() == ["b", "c", "a"]


async def test_a_proof_that_was_interrupted_takes_over_what_is_done_and_nothing_else(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"])
    labs = [need.lab for need in stage.needs]
    finish(new_run(stage.runs, labs[0]))
    finish(new_run(stage.runs, labs[1]), torch="2.8.0")
    stopped = new_run(stage.runs, labs[2])
    write(stopped, start_event(stopped), End(t=1, status="stopped", seconds=1.0))
    going = stage.proving(record(wanted=["a", "b", "c"]), jobs=4)
    assert [item.lab.id for item in going.take_over()] == ["a"]
    await going.step()
    assert stage.labs() == ["b", "c"]
    assert {row.lab for row in going.rows() if row.taken_over} == {"a"}
    assert going.record.done == ["a"]


async def test_stopping_stops_what_the_proof_started_and_leaves_what_others_started(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"])
    theirs = new_run(stage.runs, stage.needs[0].lab, now=datetime.now(UTC))
    write(theirs, start_event(theirs))
    going = stage.proving(record(), jobs=2)
    assert [item.lab.id for item in going.take_over()] == ["a"]
    await going.step()
    assert stage.labs() == ["b"]
    await going.stop()
    assert [run.spec.lab for run in stage.stopped] == ["b"]
    assert going.over
    assert all(row.reason and row.status == "undecided" for row in going.rows())
    await going.step()
    assert stage.labs() == ["b"]
    kept = proving.kept(tmp_path / "record.json")
    assert kept is not None and not kept.done


async def test_within_a_budget_the_labs_that_fit_run_and_the_rest_say_why_not(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"])
    going = stage.proving(record(), jobs=1, budget_s=8)
    await going.step()
    finish(stage.started[0])
    stage.at = 5.0
    await going.step()
    assert going.over
    assert len(stage.started) == 1
    assert sum("budget" in row.reason for row in going.rows()) == 4


async def test_a_lab_still_running_when_the_budget_is_spent_is_stopped(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b"])
    going = stage.proving(record(), jobs=1, budget_s=20)
    await going.step()
    stage.at = 20.0
    await going.step()
    assert stage.stopped == stage.started
    assert going.over
    assert all("budget" in row.reason for row in going.rows())


async def test_one_lab_that_fails_stops_no_other_and_no_torch_stops_all(tmp_path: Path) -> None:
    stage = Stage(tmp_path, ["a", "b", "c"])
    going = stage.proving(record(), jobs=1)
    await going.step()
    why = str(LabProblem("experiment-raised", lab="a", error="ValueError: no"))
    write(
        stage.started[0],
        Log(t=1, level="error", text=why),
        End(t=1, status="failed", seconds=1.0, error=why),
    )
    await going.step()
    assert stage.labs() == ["a", "b"]
    assert {row.reason for row in going.rows() if row.lab == "a"} == {why}
    none = str(LabProblem("torch-missing", python="python"))
    write(stage.started[1], End(t=1, status="failed", seconds=1.0, error=none))
    await going.step()
    assert going.over and going.hopeless == none
    assert stage.labs() == ["a", "b"]


def test_a_record_that_cannot_be_read_counts_as_none(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    assert proving.kept(file) is None
    for text in ("", "[]", '{"v": 2}', "\xff"):
        file.write_text(text, "latin-1")
        assert proving.kept(file) is None


def test_labs_run_side_by_side_on_cores_and_one_by_one_on_a_card() -> None:
    card = Gpu(index=0, uuid="GPU-1", name="H100", total_mb=80_000, free_mb=70_000)
    assert proving.jobs_here(Hardware(cores=4), "auto", 1e6) == 4
    assert proving.jobs_here(Hardware(cores=4), "cpu", 2 * proving.ROOM_MB) == 2
    assert proving.jobs_here(Hardware(cores=4), "cpu", 10) == 1
    assert proving.jobs_here(Hardware(cores=4, gpus=(card,)), "auto", 1e6) == 1
    assert proving.jobs_here(Hardware(cores=4, gpus=(card,)), "cpu", 1e6) == 4
    assert proving.jobs_here(Hardware(cores=4), "cuda:0", 1e6) == 1


def test_every_lab_that_measures_times_says_that_it_runs_alone() -> None:
    times = {"s", "ms", "us", "µs", "ns"}
    labs = find(EXPERIMENTS).labs.values()
    timed = {lab.id for lab in labs if times & {outcome.unit for outcome in lab.outcomes}}
    assert timed
    assert timed == {lab.id for lab in labs if lab.alone}

"""Which labs prove which claims, and what their runs add up to: rows, time left, the report. No torch.

A proof measures claims anew on this machine. Its record says when it began and with what, so that one that
was interrupted goes on: what has been measured since then under the same terms need not be measured again.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from labs.catalog import Catalog, Lab, Rule, Ruling, Text, Value, find
from labs.journal import Number, RunSpec
from labs.problems import LabProblem
from labs.replay import Replay
from labs.verdict import judge

Status = Literal["confirmed", "contradicted", "undecided"]
Stage = Literal["waiting", "running", "done", "stopped", "failed", "lost", "skipped", "broken"]

STATUSES: tuple[Status, ...] = ("confirmed", "contradicted", "undecided")
START_S = 3.0  # from a run's folder to its first step: a process, torch, the data
SLOWEST, FASTEST = 20.0, 0.05  # how far a machine may be from the estimates in lab.toml


class Broken(msgspec.Struct, frozen=True):
    """A lab whose lab.toml cannot be used. rules: (rule, claim) as far as they can be made out."""

    lab: str
    entry: str
    rules: tuple[tuple[str, str], ...]
    problem: LabProblem


class Need(msgspec.Struct, frozen=True):
    """A lab that has to run, and those of its rules that were asked for."""

    lab: Lab
    rules: tuple[Rule, ...]


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """With what a proof measures. seeds: exactly so many; None: each lab decides, adding while undecided."""

    seeds: int | None = None
    base_seed: int = 0
    device: str = "auto"
    quick: bool = False

    def knobs(self, lab: Lab) -> dict[str, Value]:
        """All knobs of the lab: as registered, or in its short form where that is wanted and there is one."""
        return {**lab.defaults, **(lab.quick if self.quick else {})}

    def seed_list(self, lab: Lab) -> list[int]:
        count = lab.seeds.start if self.seeds is None else self.seeds
        return list(range(self.base_seed, self.base_seed + count))

    def max_seeds(self, lab: Lab) -> int:
        return lab.seeds.max if self.seeds is None else self.seeds


class Record(msgspec.Struct, kw_only=True):
    """A proof on disk. wanted: ids of all labs it needs; done: those measured; runs: lab id -> run id.

    began: ISO 8601, UTC. torch: the version that measured, empty until a run has begun.
    """

    began: str
    host: str
    terms: Terms
    torch: str = ""
    wanted: list[str] = []
    done: list[str] = []
    runs: dict[str, str] = {}
    v: Literal[1] = 1

    @property
    def finished(self) -> bool:
        return set(self.wanted) <= set(self.done)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rule: what was expected of its claim, and what has been measured.

    effect, interval: None where nothing was measured. reason: why there is no verdict, in English, empty
    where there is one; labs.problems.recognise knows most of these. progress: of its lab's run, 0 to 1.
    """

    claim: str
    entry: str
    lab: str
    rule: str
    statement: Text | None = None
    expected: Ruling | None = None
    verdict: Ruling = "undecided"
    status: Status = "undecided"
    effect: float | None = None
    interval: tuple[float, float] | None = None
    unit: str = ""
    seeds: int = 0
    seconds: float = 0.0
    note: str = ""
    reason: str = ""
    stage: Stage = "waiting"
    progress: float = 0.0
    run: str = ""
    taken_over: bool = False


class Share(msgspec.Struct, frozen=True):
    """A lab's part in the work. spent_s: since its run was made. left_s: as its own events tell, or None."""

    estimate_s: float
    stage: Stage
    progress: float = 0.0
    spent_s: float = 0.0
    left_s: float | None = None
    counts: bool = True  # measured now, so that its time says something about this machine


# ---- which labs --------------------------------------------------------------------------------------------


def gather(ours: Path, *more: Path) -> tuple[Catalog, list[Broken], list[str]]:
    """Our labs and those of the folders named, what is broken, and the ids of ours that a folder replaces.

    A lab in a folder that somebody names takes the place of ours with the same id.
    """
    catalog = find(*more, ours)
    replaced = [
        str(problem.fields["id"])
        for problem in catalog.problems
        if problem.key == "lab-twice" and _file_of(problem).parent.parent == ours
    ]
    others = [p for p in catalog.problems if p.key != "lab-twice" or str(p.fields["id"]) not in replaced]
    return catalog, broken_labs(others), replaced


def broken_labs(problems: Iterable[LabProblem]) -> list[Broken]:
    """The labs behind the problems of a catalog, with what their files still say of them."""
    broken = []
    for problem in problems:
        if problem.key == "lab-folder":
            folder = Path(str(problem.fields["folder"]))
            broken.append(Broken(folder.name, "", (), problem))
        else:
            broken.append(_salvaged(_file_of(problem), problem))
    return broken


def _file_of(problem: LabProblem) -> Path:
    return Path(re.sub(r":\d+$", "", str(problem.fields.get("where", ""))))


def _salvaged(file: Path, problem: LabProblem) -> Broken:
    """What a lab.toml that cannot be used still says of itself."""
    try:
        text = file.read_bytes().decode("utf-8", "replace")
    except OSError:
        text = ""
    entry = re.search(r'^entry\s*=\s*["\'](E\d+)["\']', text, re.MULTILINE)
    rules = []
    for part in re.split(r"^\[\[\s*rules\s*\]\]", text, flags=re.MULTILINE)[1:]:
        part = re.split(r"^\[", part, maxsplit=1, flags=re.MULTILINE)[0]
        claim = re.search(r'^claim\s*=\s*["\'](E\d+\.\d+)["\']', part, re.MULTILINE)
        id = re.search(r'^id\s*=\s*["\'](\w+)["\']', part, re.MULTILINE)
        if claim:
            rules.append((id[1] if id else "", claim[1]))
    return Broken(file.parent.name, entry[1] if entry else "", tuple(rules), problem)


def needed(
    labs: Mapping[str, Lab], broken: Sequence[Broken], names: Sequence[str]
) -> tuple[list[Need], list[Broken]]:
    """What has to run for these claims (E1.7), entries (E1) and labs; for everything where none is named.

    A broken lab of which nobody knows what it measures might have been needed, so it always counts.
    Raises LabProblem("proof-unknown") for a name that nothing answers to.
    """
    wanted = [_canonical(name) for name in names]
    for name, word in zip(names, wanted, strict=True):
        answers = any(_asked(rule.claim, lab.id, [word]) for lab in labs.values() for rule in lab.rules)
        if not answers and not any(
            one.lab == word or any(_asked(claim, one.lab, [word]) for _, claim in one.rules) for one in broken
        ):
            raise LabProblem("proof-unknown", name=name, near=_near(word, labs))
    needs = []
    for lab in labs.values():
        rules = tuple(rule for rule in lab.rules if not wanted or _asked(rule.claim, lab.id, wanted))
        if rules:
            needs.append(Need(lab, rules))
    left = []
    for one in broken:
        asked = tuple(pair for pair in one.rules if not wanted or _asked(pair[1], one.lab, wanted))
        if asked or not one.rules:
            left.append(Broken(one.lab, one.entry, asked, one.problem))
    return needs, left


def _canonical(name: str) -> str:
    return name.upper() if re.fullmatch(r"[eE]\d+(\.\d+)?", name) else name


def _asked(claim: str, lab: str, words: Sequence[str]) -> bool:
    return claim in words or entry_of(claim) in words or lab in words


def _near(word: str, labs: Mapping[str, Lab]) -> str:
    from difflib import get_close_matches

    claims = {rule.claim for lab in labs.values() for rule in lab.rules}
    entries = {entry_of(claim) for claim in claims}
    near = get_close_matches(word, [*claims, *entries, *labs], n=4, cutoff=0.5)
    return ", ".join(sorted(near, key=claim_order) or sorted(entries)) or "-"


def entry_of(claim: str) -> str:
    """E1 of E1.7."""
    return claim.partition(".")[0]


def claim_order(claim: str) -> tuple[object, ...]:
    """A sorting key by which E1.10 comes after E1.9."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", claim))


# ---- what may be taken over --------------------------------------------------------------------------------


def opened(
    kept: Record | None, terms: Terms, wanted: Iterable[str], *, host: str, now: str, fresh: bool = False
) -> tuple[Record, bool]:
    """The record to go on with, and whether it is that of a proof begun earlier.

    A proof goes on where one was left unfinished on this machine under the same terms; more labs may join
    it. Otherwise one begins at `now` (ISO 8601, UTC).
    """
    same = kept is not None and not fresh and not kept.finished and kept.host == host and kept.terms == terms
    if kept is not None and same:
        kept.wanted = list(dict.fromkeys([*kept.wanted, *wanted]))
        return kept, True
    return Record(began=now, host=host, terms=terms, wanted=list(wanted)), False


def fits(spec: RunSpec, lab: Lab, source_sha256: str, record: Record) -> bool:
    """Whether a run measures what the proof would: the same code, knobs, seeds, device, and since then.

    The version of torch stands in the run's events and is for the caller to compare.
    """
    terms = record.terms
    return (
        spec.lab == lab.id
        and spec.lab_folder == str(lab.folder.absolute())
        and spec.source_sha256 == source_sha256
        and spec.knobs == terms.knobs(lab)
        and spec.seeds == terms.seed_list(lab)
        and spec.max_seeds == terms.max_seeds(lab)
        and spec.device == terms.device
        and spec.host == record.host
        and _moment(spec.created_at) >= _moment(record.began)
    )


def _moment(iso: str) -> float:
    try:
        return datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return -math.inf


# ---- rows --------------------------------------------------------------------------------------------------


def status_of(expected: Ruling | None, verdict: Ruling) -> Status:
    """Whether a verdict confirms what was expected of the claim."""
    if expected == verdict:
        return "confirmed"
    return "undecided" if verdict == "undecided" or expected is None else "contradicted"


def fold(
    need: Need,
    replay: Replay | None,
    stage: Stage,
    *,
    seconds: float = 0.0,
    reason: str = "",
    run: str = "",
    taken_over: bool = False,
) -> list[Row]:
    """A row for each rule asked for. A lab that failed or was lost has decided nothing, whatever it measured.

    Outcomes are judged by the rules as they stand in lab.toml now. seconds: of work, so far.
    """
    rows = []
    for rule in need.rules:
        row = Row(
            claim=rule.claim,
            entry=entry_of(rule.claim),
            lab=need.lab.id,
            rule=rule.id,
            statement=rule.statement,
            expected=rule.expected,
            seconds=seconds,
            reason=reason,
            stage=stage,
            progress=1.0 if stage == "done" else replay.progress if replay is not None else 0.0,
            run=run,
            taken_over=taken_over,
        )
        if replay is not None and _measured(rule, replay):
            found = judge(rule, need.lab.declared, replay.outcomes, need.lab.seeds)
            verdict: Ruling = "undecided" if stage in ("failed", "lost") else found.verdict
            row = msgspec.structs.replace(
                row,
                verdict=verdict,
                status=status_of(rule.expected, verdict),
                effect=found.effect,
                interval=found.interval,
                unit=found.unit,
                seeds=found.seeds,
                note=found.note,
            )
            if stage in ("stopped", "skipped") and verdict != "undecided":
                row = msgspec.structs.replace(row, reason="")
        elif stage in ("stopped", "failed", "lost", "skipped"):
            row = msgspec.structs.replace(row, status="undecided")
        rows.append(row)
    return rows


def _measured(rule: Rule, replay: Replay) -> bool:
    """Whether there are values for every arm that the rule compares."""
    return all(
        replay.outcomes.get(check.outcome, {}).get(arm)
        for check in rule.checks
        for arm in (check.arm, check.versus)
        if arm is not None
    )


def fold_broken(broken: Broken) -> list[Row]:
    """Rows for a lab that cannot run at all; one without a claim where its rules cannot be made out."""
    return [
        Row(
            claim=claim,
            entry=entry_of(claim) or broken.entry,
            lab=broken.lab,
            rule=rule,
            reason=str(broken.problem),
            stage="broken",
        )
        for rule, claim in broken.rules or (("", ""),)
    ]


def in_order(rows: Iterable[Row]) -> list[Row]:
    """By claim; the rules of a claim in their labs' order. Rows without a claim come last."""
    return sorted(rows, key=lambda row: (not row.claim, claim_order(row.claim)))


def summary(rows: Iterable[Row]) -> dict[str, Status]:
    """Claim -> its status over all its rules: contradicted by any, confirmed only by all."""
    found: dict[str, set[Status]] = {}
    for row in in_order(rows):
        if row.claim:
            found.setdefault(row.claim, set()).add(row.status)
    told: dict[str, Status] = {}
    for claim, statuses in found.items():
        if "contradicted" in statuses:
            told[claim] = "contradicted"
        else:
            told[claim] = "undecided" if "undecided" in statuses else "confirmed"
    return told


def counted(statuses: Iterable[Status]) -> dict[Status, int]:
    """How many of each status."""
    listed = list(statuses)
    return {status: listed.count(status) for status in STATUSES}


# ---- time --------------------------------------------------------------------------------------------------


def progress(shares: Sequence[Share]) -> float:
    """How much of the work is done, 0 to 1, each lab weighing what it is estimated to take."""
    total = sum(share.estimate_s + START_S for share in shares)
    done = sum((share.estimate_s + START_S) * _done(share) for share in shares)
    return done / total if total else 1.0


def _done(share: Share) -> float:
    return share.progress if share.stage in ("waiting", "running") else 1.0


def time_left(shares: Sequence[Share], jobs: int) -> float:
    """Seconds to the end with so many labs at once, by what this machine has taken for those it has done."""
    pace = speed(shares)
    waiting = sum((s.estimate_s + START_S) * pace for s in shares if s.stage == "waiting")
    live = [_live_left(s, pace) for s in shares if s.stage == "running"]
    longest = max(live, default=0.0)
    return max(longest, (waiting + sum(live)) / max(1, jobs))


def speed(shares: Sequence[Share]) -> float:
    """Seconds taken for one estimated, from the labs that are done."""
    done = [s for s in shares if s.stage == "done" and s.counts]
    estimated = sum(s.estimate_s + START_S for s in done)
    if not estimated:
        return 1.0
    return min(max(sum(s.spent_s for s in done) / estimated, FASTEST), SLOWEST)


def _live_left(share: Share, pace: float) -> float:
    if share.left_s is not None and share.progress > 0:
        return share.left_s
    return max(0.0, (share.estimate_s + START_S) * pace - share.spent_s)


# ---- the report --------------------------------------------------------------------------------------------

Say = Callable[..., str]  # a name of a sentence and its fields -> the sentence


def report(
    rows: Sequence[Row],
    *,
    facts: Sequence[tuple[str, str]],
    say: Say,
    amount: Callable[[Number, str], str],
    sentence: Callable[[str], str],
    lang: str,
) -> str:
    """The proof as Markdown.

    facts: name and value of what it was measured on and with. say: our wording in the reader's language.
    amount: a number with its unit. sentence: a reason or note in the reader's language.
    """
    claims = counted(summary(rows).values())
    out = [f"# {say('title')}", "", say("claims", count=sum(claims.values()), **claims), ""]
    out += [f"- {name}: {value}" for name, value in facts]
    heads = ("claim", "statement", "expected", "measured", "effect", "interval", "seeds", "seconds", "lab")
    out += ["", _line(say(head) for head in heads), _line("---:" if h in RIGHT else "---" for h in heads)]
    for row in in_order(rows):
        low_high = ", ".join(amount(bound, "") for bound in row.interval) if row.interval else ""
        out.append(
            _line(
                (
                    row.claim or "-",
                    row.statement.get(lang) if row.statement else "-",
                    say(row.expected) if row.expected else "-",
                    f"{MARKS[row.status]} {say(row.verdict)}",
                    "-" if row.effect is None else amount(row.effect, row.unit),
                    f"[{low_high}]" if low_high else "-",
                    str(row.seeds),
                    f"{row.seconds:.1f}",
                    f"`{row.lab}`",
                )
            )
        )
    out += ["", say("marks", **MARKS)]
    open_rows = [row for row in in_order(rows) if row.status != "confirmed"]
    if open_rows:
        out += ["", f"## {say('open')}", ""]
        for row in open_rows:
            why = sentence(row.reason) or say(row.status)
            out.append(f"- {row.claim or '-'} (`{row.lab}`{f', {row.rule}' if row.rule else ''}): {why}")
    return "\n".join(out) + "\n"


MARKS: dict[Status, str] = {"confirmed": "✓", "contradicted": "✗", "undecided": "?"}
RIGHT = ("seeds", "seconds")


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(" ".join(cell.replace("|", "\\|").split()) for cell in cells) + " |"

"""Packs: what is sound is taken in, what is hostile is refused with a name, and no code runs unless it is allowed."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sample_bank
from hostile import ATTACKS, CLAIM, replaced, sound_pack, with_code, written
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sample_clock import Clock

from questions import catalog, packs, snapshot
from questions.catalog import Bank
from questions.ids import local, pack_of
from questions.merge import merge, prefixed
from questions.pack_record import digest, read_record
from questions.packs import Pack
from questions.plan import Ask, plan
from questions.problems import BankProblem
from questions.progress import Answer, Progress
from questions.schedule import fold

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return sound_pack(tmp_path / "theirs")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def add(source: Path, home: Path, name: str = "theirs", *, allow_code: bool = False, later: int = 0) -> Bank:
    return packs.add(source, home, name, now=NOW + timedelta(seconds=later), allow_code=allow_code)[0]


# --- taking one in


def test_a_sound_pack_is_copied_and_read(source: Path, home: Path, tmp_path: Path) -> None:
    bank = add(source, home)
    assert not bank.problems
    assert packs.names(home) == ["theirs"]
    (pack,) = packs.load_all(home, tmp_path / "cache")
    assert len(pack.bank.questions) == 12
    assert {question.file.parents[3] for question in pack.bank.questions.values()} == {home}
    assert not [path for path in home.iterdir() if path.name.startswith(".")]


def test_what_the_form_does_not_know_stays_behind(source: Path, home: Path) -> None:
    written(source, "E1/notes.py", "raise SystemExit")
    written(source, ".git/config", "x")
    written(source, "LICENSE.md", "free")
    _, left = packs.add(source, home, "theirs", now=NOW)
    assert left == [Path("E1/notes.py")]
    assert not list(home.rglob("*.py")) and not (home / "theirs" / ".git").exists()
    assert (home / "theirs" / "LICENSE.md").exists()


def test_one_name_is_given_once(source: Path, home: Path) -> None:
    add(source, home)
    with pytest.raises(BankProblem) as problem:
        add(source, home)
    assert problem.value.key == "pack-exists"


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "/etc", "a/b", "A", "a b", "-a", "a-", "中", "a" * 33, "a\n", "\x1b[2J"]
)
def test_a_name_cannot_lead_elsewhere(source: Path, home: Path, name: str) -> None:
    with pytest.raises(BankProblem) as problem:
        add(source, home, name)
    assert problem.value.key == "pack-name"
    assert "\x1b" not in str(problem.value)
    assert not home.exists()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/My FAQ.md", "my-faq"),
        ("/a/问答.md", "pack"),
        ("/a/v1.2", "v1"),
        ("/a/" + "x" * 99, "x" * 32),
        ("/", "pack"),
    ],
)
def test_a_name_is_made_of_the_file_s(path: str, name: str) -> None:
    assert packs.name_from(Path(path)) == name


# --- what is hostile


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_hostile_pack_is_refused_by_name_and_leaves_nothing(tmp_path: Path, attack: str) -> None:
    source, home, outside = sound_pack(tmp_path / "theirs"), tmp_path / "packs", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("TOP SECRET", "utf-8")
    (outside / "secret.toml").write_text("secret = 'TOP SECRET'", "utf-8")
    spoil, key = ATTACKS[attack]
    spoil(source, outside)
    try:
        problems = list(add(source, home).problems)
    except BankProblem as problem:
        problems = [problem]
    assert key in {problem.key for problem in problems}
    for problem in problems:
        text = str(problem)
        assert not re.search("[\x00-\x1f\x7f-\x9f\u200b\u202e\ud800-\udfff]", text)
        assert len(text) < 1500
        assert "SECRET" not in text
        assert ".adding-" not in text
    assert packs.names(home) == []
    assert not home.exists() or not list(home.iterdir())


@pytest.mark.parametrize("attack", [name for name in ATTACKS if "pipe" not in name])
def test_a_pack_that_turns_hostile_later_hides_no_other(tmp_path: Path, attack: str) -> None:
    home, outside = tmp_path / "packs", tmp_path / "outside"
    outside.mkdir()
    add(sound_pack(tmp_path / "good"), home, "good")
    add(sound_pack(tmp_path / "bad"), home, "bad", allow_code=True, later=1)
    ATTACKS[attack][0](home / "bad", outside)
    good, bad = packs.load_all(home, tmp_path / "cache")
    assert not good.problems and len(good.bank.questions) == 12
    assert bad.problems or attack.startswith("a file's name")
    assert not packs.is_allowed(home, "bad")
    assert packs.trusted(home, "bad") is None


def test_a_pipe_in_a_pack_blocks_nobody(source: Path, home: Path, tmp_path: Path) -> None:
    add(source, home)
    ATTACKS["a pipe"][0](home / "theirs", tmp_path)
    (pack,) = packs.load_all(home)
    assert pack.problem is not None and pack.problem.key == "not-a-file"
    ATTACKS["a pipe"][0](source, tmp_path)
    assert {problem.key for problem in catalog.load(source).problems} == {"not-a-file"}


def test_checking_a_folder_in_place_follows_no_link(source: Path, tmp_path: Path) -> None:
    outside = sound_pack(tmp_path / "outside")
    (source / "E8").symlink_to(outside / "E1")
    bank = catalog.load(source)
    assert [problem.key for problem in bank.problems] == ["link"]
    assert len(bank.questions) == 12


def test_a_problem_names_the_file_where_its_author_has_it(source: Path, home: Path) -> None:
    replaced(source, CLAIM, "# zh", "# cn")
    problems = add(source, home).problems
    assert {problem.fields["file"] for problem in problems if problem.key == "heading"} == {source / CLAIM}
    assert packs.names(home) == []


VALUES = st.one_of(
    st.sampled_from(
        [
            "true",
            "1",
            "-1",
            "1e400",
            "nan",
            "inf",
            "-inf",
            '""',
            "[]",
            "{}",
            "1979-05-27",
            '"x"',
            "[{}]",
            "[[]]",
        ]
    ),
    st.sampled_from(
        [
            '"\\n"',
            '"a/b"',
            '"../x"',
            '"E1.2"',
            "9223372036854775807",
            "0.1",
            "[1, 2]",
            "{zh = 1}",
            '"' + "y" * 999 + '"',
        ]
    ),
)
FIELDS = [
    "id",
    "claim",
    "kind",
    "difficulty",
    "source",
    "answer",
    "value",
    "bands",
    "misconceptions",
    "unit",
    "evidence",
]


@given(
    st.sampled_from(["e11-which", "e11-left", "e12-prints", "e11-why"]),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_no_value_of_a_field_does_worse_than_leave_its_file_out(
    tmp_path_factory: pytest.TempPathFactory, name: str, given: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("pack")
    pack, cache = sound_pack(folder / "a"), folder / "cache"
    file = next(pack.rglob(f"{name}.md"))
    lines = file.read_text("utf-8").split("\n")
    for field, value in given.items():
        lines = [f"{field} = {value}" if line.startswith(f"{field} = ") else line for line in lines]
    file.write_text("\n".join(lines), "utf-8")
    bank = packs.read(pack, cache)
    assert len(bank.questions) + len(bank.problems) == 12
    again = packs.read(pack, cache)
    assert list(again.questions) == list(bank.questions)
    prefixed(bank, "a")


# --- code


def test_code_is_allowed_by_name_and_for_these_contents(source: Path, home: Path) -> None:
    add(source, home)
    assert not packs.is_allowed(home, "theirs") and packs.trusted(home, "theirs") is None
    packs.allow(home, "theirs", now=NOW)
    assert packs.is_allowed(home, "theirs") and packs.trusted(home, "theirs") is not None
    replaced(home / "theirs", CLAIM, "Only buffers move.", "Only buffers move!")
    assert not packs.is_allowed(home, "theirs") and packs.trusted(home, "theirs") is None
    packs.allow(home, "theirs", now=NOW)
    assert packs.is_allowed(home, "theirs")


def test_code_may_be_allowed_at_once(source: Path, home: Path) -> None:
    add(source, home, allow_code=True)
    assert packs.is_allowed(home, "theirs")


def test_a_pack_cannot_allow_itself(source: Path, home: Path) -> None:
    record = {"added": "2026-11-24T12:00:00Z", "source": "", "contents": None, "allowed": digest(source)}
    for inside in ("theirs.json", "record.json", ".json", "E1/theirs.json"):
        written(source, inside, json.dumps(record))
    add(source, home)
    assert not packs.is_allowed(home, "theirs")


def test_what_is_allowed_goes_with_the_pack(source: Path, home: Path) -> None:
    add(source, home, allow_code=True)
    packs.remove(home, "theirs")
    add(source, home)
    assert not packs.is_allowed(home, "theirs")


@pytest.mark.parametrize(
    "record", [b"", b"{", b"[]", b'{"added": 1}', b'{"added": "2026-11-24T12:00:00"}', b"[" * 10**6]
)
def test_a_record_that_cannot_be_read_allows_nothing(source: Path, home: Path, record: bytes) -> None:
    add(source, home, allow_code=True)
    (home / "theirs.json").write_bytes(record)
    assert not packs.is_allowed(home, "theirs")
    assert packs.names(home) == ["theirs"]


@pytest.mark.parametrize("change", ["rename", "swap"])
def test_the_digest_knows_names_as_well_as_bytes(source: Path, change: str) -> None:
    before = digest(source)
    one, other = source / "E1/E1.1/e11-which.md", source / "E1/E1.1/e11-left.md"
    if change == "rename":
        one.rename(one.with_name("e11-what.md"))
    else:
        first, second = one.read_bytes(), other.read_bytes()
        one.write_bytes(second)
        other.write_bytes(first)
    assert digest(source) != before


# --- removing


def test_a_pack_is_removed_and_comes_back(source: Path, home: Path) -> None:
    add(source, home)
    packs.remove(home, "theirs")
    assert packs.names(home) == [] and not list(home.iterdir())
    add(source, home)


def test_work_done_here_is_not_deleted_in_passing(source: Path, home: Path) -> None:
    add(source, home)
    written(home / "theirs", "E2/E2.1/e21-mine.md", sample_bank.choice("e21-mine", "E2.1"))
    with pytest.raises(BankProblem) as problem:
        packs.remove(home, "theirs")
    assert problem.value.key == "pack-edited"
    assert packs.names(home) == ["theirs"]
    packs.remove(home, "theirs", edited=True)
    assert packs.names(home) == []


def test_a_pack_that_is_a_link_is_unlinked_not_emptied(source: Path, home: Path) -> None:
    home.mkdir()
    (home / "linked").symlink_to(source)
    (pack,) = packs.load_all(home)
    assert pack.problem is not None and pack.problem.key == "link"
    packs.remove(home, "linked")
    assert not (home / "linked").exists() and (source / "entries.toml").exists()


def test_a_pack_that_is_not_there_is_named_with_one_that_is(source: Path, home: Path) -> None:
    add(source, home)
    with pytest.raises(BankProblem) as problem:
        packs.remove(home, "their")
    assert problem.value.key == "pack-unknown"
    assert "theirs" in str(problem.value)


# --- as one with the bank


def test_packs_stand_behind_the_bank_in_the_order_in_which_they_came(
    bank: Bank, tmp_path: Path, home: Path
) -> None:
    for later, name in enumerate(("zebra", "ant")):
        add(sound_pack(tmp_path / name), home, name, later=later)
    merged = merge(bank, packs.load_all(home))
    assert list(merged.entries) == [
        *("E1", "E2", "E3"),
        *("zebra/E1", "zebra/E2", "zebra/E3"),
        *("ant/E1", "ant/E2", "ant/E3"),
    ]
    assert list(merged.claims)[: len(bank.claims)] == list(bank.claims)
    assert len(merged.questions) == 3 * len(bank.questions)


def test_every_id_of_a_pack_carries_its_name(bank: Bank) -> None:
    own = prefixed(bank, "p")
    things = [*own.entries, *own.claims, *own.misconceptions, *own.questions, *own.by_claim]
    named = [
        name
        for question in own.questions.values()
        for name in (question.claim, question.entry, *question.lures)
    ]
    needed = [id for claim in own.claims.values() for id in (claim.entry, *claim.requires)]
    assert {pack_of(id) for id in [*things, *named, *needed]} == {"p"}
    assert {local(id) for id in own.questions} == set(bank.questions)
    for id, question in bank.questions.items():
        pack = own.questions[f"p/{id}"]
        assert (pack.key, pack.reason_key) == (question.key, question.reason_key)
        assert {local(lure) for lure in pack.lures} == question.lures


def test_a_set_of_a_pack_is_not_a_set_of_the_bank_by_the_same_name(bank: Bank) -> None:
    claims = {id: replace(claim, confusable="s") for id, claim in bank.claims.items()}
    merged = merge(replace(bank, claims=claims), [Pack("p", Path("p"), replace(bank, claims=claims))])
    assert {(pack_of(c.id), c.confusable) for c in merged.claims.values()} == {("", "s"), ("p", "p/s")}


def test_answers_to_a_pack_s_question_stay_its_own(bank: Bank, clock: Clock, tmp_path: Path) -> None:
    merged = merge(bank, [Pack("p", tmp_path, bank)])
    log = Progress(tmp_path / "events", host="h", pid=1, now=clock)
    log.record(
        Answer(claim="p/E1.1", item="p/e11-which", kind="choice", option="none", p=0.9, ok=True, chance=1 / 3)
    )
    tracks = fold(log.events(), merged).tracks
    assert (tracks["p/E1.1"].answers, tracks["E1.1"].answers) == (1, 0)
    without = fold(log.events(), bank).tracks  # the pack was removed
    assert set(without) == set(bank.claims)


def test_claims_of_packs_are_planned_like_any_other(bank: Bank, clock: Clock) -> None:
    merged = merge(bank, [Pack("p", Path(), bank)])
    days = [plan(merged, [], [], clock(), 60)]
    asked = [item.claim for item in days[0].items if isinstance(item, Ask)]
    assert {pack_of(claim) for claim in asked} == {"", "p"}
    assert pack_of(asked[0]) == ""  # the bank's own come first


def test_a_snapshot_is_kept_for_each_pack(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        add(sound_pack(tmp_path / name), home, name)
    cache = tmp_path / "cache"
    first = packs.load_all(home, cache)
    assert len(list(cache.glob("bank-*.msgpack"))) == 2
    monkeypatch.setattr(catalog, "load", lambda root: pytest.fail("read again"))
    assert [list(pack.bank.questions) for pack in packs.load_all(home, cache)] == [
        list(pack.bank.questions) for pack in first
    ]


def test_a_folder_put_there_by_hand_counts_as_last_and_allows_nothing(tmp_path: Path, home: Path) -> None:
    add(sound_pack(tmp_path / "b"), home, "b")
    sound_pack(home / "a")
    sound_pack(home / "Not A Name")
    assert packs.names(home) == ["b", "a"]
    assert read_record(home, "a") is None and not packs.is_allowed(home, "a")
    assert [pack.problem and pack.problem.key for pack in packs.load_all(home)] == [None, None, "pack-name"]


def test_titles_of_a_pack_take_one_line(source: Path, home: Path) -> None:
    replaced(source, "entries.toml", "Convolutions", r"Con\nvo" + "l" * 300)
    add(source, home)
    entry = merge(Bank(), packs.load_all(home)).entries["theirs/E2"]
    assert entry.title.en.startswith("Con vol") and len(entry.title.en) < 130


def test_an_editor_s_lock_is_no_link_out(source: Path, tmp_path: Path) -> None:
    (source / "E1/E1.1/.#e11-which.md").symlink_to("someone@host.1234")
    assert not snapshot.load(source, cache=tmp_path).problems
    assert len(snapshot.load(source, cache=tmp_path).questions) == 12


def test_reading_a_pack_runs_none_of_its_code(source: Path, home: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with_code(source, f'open("{ran}", "w")')
    assert not add(source, home).problems
    packs.load_all(home, tmp_path / "cache")
    assert not ran.exists()

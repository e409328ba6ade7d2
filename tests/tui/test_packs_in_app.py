"""Packs in the app: their entries behind the bank's, drafts to read, text shown as it is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_app import NOW, MakeApp, opened, screen_text
from small_pack import MARKUP, added, write_pack
from textual.content import Content

from questions import packs, snapshot
from questions.catalog import Bank
from questions.faq_pack import import_faq
from questions.plan import Ask
from questions.progress import Answer, Progress
from tui.app import TorchproofApp
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.screens.card import CardScreen
from tui.screens.draft import DraftScreen, reading
from tui.screens.faq import ClaimsScreen, FaqScreen
from tui.widgets.prose import Block, Prose, strong

FAQ = f"""\
# 疑问解答
## 1. model.train() 有什么作用？
它**启用 Dropout**。{MARKUP}

| 层 | 作用 |
|---|---|
| Dropout | `p=0.5` |

~~~python
# 不是标题
~~~
## Why twice?
Because.
"""


@pytest.fixture(autouse=True)
def real_snapshots(make_app: MakeApp, bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small bank in place of ours, and packs as they lie on the disk."""

    def load(root: Path | None = None, *, cache: Path) -> Bank:
        return bank if root is None else on_disk(root, cache=cache)

    monkeypatch.undo()  # make_app's own replacement, which knows of no packs
    on_disk = snapshot.load
    monkeypatch.setattr(snapshot, "load", load)


@pytest.fixture
def make_app(paths: Paths, catalog: Any, monkeypatch: pytest.MonkeyPatch) -> MakeApp:
    from tui.settings import Settings

    def make(lang: Lang = "en") -> TorchproofApp:
        app = TorchproofApp(paths, Settings(), lang, now=lambda: NOW, spare=False, python="python")
        vars(app)["catalog"] = catalog
        return app

    return make


def read_faq(paths: Paths, tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text(FAQ, "utf-8")
    import_faq(tmp_path / "faq.md", paths.packs, "faq", now=NOW)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_drafts_are_read_from_the_faq_page(
    make_app: MakeApp, paths: Paths, tmp_path: Path, lang: Lang
) -> None:
    read_faq(paths, tmp_path)
    app = make_app(lang)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f")
        assert isinstance(app.screen, FaqScreen)
        lines = screen_text(app).splitlines()
        assert next(n for n, line in enumerate(lines) if "faq/F1" in line) > max(
            n for n, line in enumerate(lines) if "E2" in line
        )
        assert app.tr("shell.drafts", count=2) in screen_text(app)
        await pilot.press("end", "enter")
        await pilot.pause()
        assert isinstance(app.screen, ClaimsScreen)
        assert "1. model.train() 有什么作用？" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        page = app.screen
        assert isinstance(page, DraftScreen)
        shown = screen_text(app)
        assert app.tr("shell.draft_note") in shown
        assert "它启用 Dropout" in shown and "**" not in shown
        assert "| Dropout | `p=0.5` |" in shown and "# 不是标题" in shown
        assert MARKUP in shown
        assert str(app.bank.drafts[0].file) in page.query_one(Prose).text
        await pilot.press("n")
        await pilot.pause()
        assert "Why twice?" in screen_text(app) and "2 / 2" in screen_text(app)
        await pilot.press("n", "p", "l")
        await pilot.pause()
        assert app.tr("shell.draft_note") in screen_text(app)
        assert app.crash is None


async def test_a_draft_is_told_of_beside_the_list_in_a_wide_window(
    make_app: MakeApp, paths: Paths, tmp_path: Path
) -> None:
    read_faq(paths, tmp_path)
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot, "f", "end", "enter", "down")
        assert "Because." in screen_text(app)
        await pilot.press("a")
        await pilot.pause()
        assert isinstance(app.screen, ClaimsScreen)
        assert "A draft is not asked" in "".join(str(note.message) for note in app._notifications)


async def test_a_draft_that_is_gone_by_now_says_so(make_app: MakeApp, paths: Paths, tmp_path: Path) -> None:
    read_faq(paths, tmp_path)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "f", "end", "enter")
        app.bank.drafts[0].file.unlink()
        await pilot.press("enter")
        await pilot.pause()
        assert "is missing" in screen_text(app)
        assert app.crash is None


async def test_a_faq_to_be_read_stands_neither_on_today_nor_among_the_figures(
    make_app: MakeApp, paths: Paths, tmp_path: Path
) -> None:
    read_faq(paths, tmp_path)
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        assert "faq/F1" not in screen_text(app) and "E2" in screen_text(app)
        await pilot.press("p")
        await pilot.pause()
        assert "faq/F1" not in screen_text(app)


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_pack_s_card_shows_its_text_as_written_and_says_that_nobody_ran_its_code(
    make_app: MakeApp, paths: Paths, tmp_path: Path, lang: Lang
) -> None:
    ran = tmp_path / "ran"
    added(paths.packs, write_pack(tmp_path / "theirs", f'open("{ran}", "w")'))
    app = make_app(lang)
    async with app.run_test(size=(100, 50)) as pilot:
        await opened(pilot)
        assert "theirs/P1" in screen_text(app) and MARKUP in screen_text(app)
        assert "theirs/P1.1" in {item.claim for item in app.plan().items if isinstance(item, Ask)}
        page = app.open_page("card", "theirs/p1-what")
        assert isinstance(page, CardScreen)
        await pilot.pause()
        assert screen_text(app).count(MARKUP) >= 4
        await pilot.press("1", "1")
        await pilot.pause()
        assert page.phase == "verdict"
        text = page.evidence.text
        assert app.tr("card.pack_code", name="theirs") in text and str(ran) in text
        assert f"{MARKUP}" in page.explanation.text
        (answer,) = [event for event in app.progress.events() if isinstance(event, Answer)]
        assert (answer.item, answer.claim) == ("theirs/p1-what", "theirs/P1.1")
        await pilot.press("enter", "f", "end", "enter", "enter")
        await pilot.pause()
        shown = screen_text(app)
        assert MARKUP in shown and app.tr("card.pack_code", name="theirs")[:20] in shown
        assert app.is_running and not ran.exists()


async def test_no_such_note_where_the_code_is_allowed(
    make_app: MakeApp, paths: Paths, tmp_path: Path
) -> None:
    added(paths.packs, write_pack(tmp_path / "theirs"), allow_code=True)
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot)
        assert app.pack_code.note(app.tr, app.bank.questions["theirs/p1-what"]) == ""
        assert app.pack_code.note(app.tr, app.bank.claims["E1.3"]) == ""


async def test_a_broken_pack_is_told_of_once_and_hides_nothing(
    make_app: MakeApp, paths: Paths, tmp_path: Path
) -> None:
    for name in ("good", "damaged", "broken"):
        added(paths.packs, write_pack(tmp_path / name), name)
    (paths.packs / "broken" / "entries.toml").write_text("[[", "utf-8")
    (paths.packs / "damaged" / "P1" / "P1.1" / "p1-what.md").write_text("\x1b[2J", "utf-8")
    (paths.packs / "damaged" / "P1" / "P1.1" / "p1-that.md").write_text("+++", "utf-8")
    app = make_app()
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot, "f")
        told = [str(note.message) for note in app._notifications]
        assert len(told) == 2
        assert any("Pack broken was left out" in text for text in told)
        assert any("Pack damaged: 2 of its files" in text for text in told)
        assert not any("\x1b" in text for text in told)
        for entry in ("E1", "E2", "good/P1", "damaged/P1"):
            assert entry in screen_text(app)


async def test_answers_of_a_pack_that_was_removed_stay_in_the_log(
    make_app: MakeApp, paths: Paths, tmp_path: Path
) -> None:
    added(paths.packs, write_pack(tmp_path / "theirs"))
    log = Progress(paths.events, host="h", pid=1, now=lambda: NOW)
    log.record(
        Answer(
            claim="theirs/P1.1",
            item="theirs/p1-what",
            kind="choice",
            option="right",
            p=0.9,
            ok=True,
            chance=0.3,
        )
    )
    log.close()
    packs.remove(paths.packs, "theirs")
    app = make_app()
    async with app.run_test() as pilot:
        await opened(pilot, "p", "q", "f")
        assert app.crash is None and "theirs" not in screen_text(app)
        assert len(app.progress.events()) == 1


def test_without_packs_nothing_of_them_is_loaded(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from tui.app import TorchproofApp; from tui.paths import paths; "
        "app = TorchproofApp(paths({'TORCHPROOF_HOME': sys.argv[1]}), spare=False); app.bank; app.plan(); "
        "print([m for m in sys.modules if m in ('questions.packs', 'questions.pack_record', 'questions.faq_file')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_fences_and_tables_of_somebody_s_markdown() -> None:
    text = "a\n\n~~~~ py\nx = 1\n```\n~~~\n~~~~\n| a |\n|---|\nb\n```\nc"
    assert list(reading(text)) == [
        Block("paragraph", "a"),
        Block("code", "x = 1\n```\n~~~"),
        Content("| a |\n|---|"),
        Block("paragraph", "b"),
        Block("code", "c"),
    ]


@pytest.mark.parametrize(
    ("text", "plain", "bold"),
    [
        ("a **b c** d", "a b c d", ["b c"]),
        ("**启用 `BN`。**后", "启用 BN。后", ["启用 BN。"]),
        ("2**3 + 4**5", "2**3 + 4**5", []),
        ("`**kw` and `**args`", "**kw and **args", []),
        ("** a ** b", "** a ** b", []),
        ("**a", "**a", []),
        ("[b]x[/b] **[red]**", "[b]x[/b] [red]", ["[red]"]),
    ],
)
def test_bold_type_of_somebody_s_markdown(text: str, plain: str, bold: list[str]) -> None:
    made = strong(text)
    assert made.plain == plain
    assert [made.plain[span.start : span.end] for span in made.spans if span.style == "bold"] == bold

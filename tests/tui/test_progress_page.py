"""The sections of the progress page: what they say of no, one, ten and many answers, in any window and language."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fsrs.scheduler import DEFAULT_PARAMETERS
from small_app import NOW, MakeApp, opened, screen_text
from textual.pilot import Pilot

from questions.events import Answer, Bet, Event, Result, Weights
from questions.progress import Progress
from tui.i18n import LANGUAGES, Lang
from tui.paths import Paths
from tui.progresswords import SECTIONS
from tui.screens.progress import ProgressScreen
from tui.widgets.dots import Dot, draw

SIZES = [(80, 24), (120, 36), (40, 12), (20, 5)]


def record(paths: Paths, count: int) -> None:
    """`count` answers over as many days up to today, every fourth wrong, and bets on a lab."""
    progress = Progress(paths.events, host="other", pid=1, now=lambda: NOW)
    for n in range(count):
        number, ok = n % 3 + 1, n % 4 != 3
        progress._now = lambda n=n: NOW - timedelta(days=(count - n) // 3, minutes=60 - n % 3)  # type: ignore[misc]
        option, belief = ("none", None) if ok else ("all", "weights-move")
        progress.record(
            Answer(
                claim=f"E1.{number}",
                item=f"q{number}",
                kind="choice",
                option=option,
                p=0.9,
                ok=ok,
                chance=1 / 3,
                misconception=belief,
            )
        )
    if count > 1:
        events: list[Event] = [
            Bet(lab="sample", claim="E1.1", band=0, bands=3, p=0.9, run="r"),
            Result(lab="sample", run="r", claim="E1.1", band=2, bits=4.3),
        ]
        for event in events:
            progress.record(event)
    progress.close()


async def progress_page(pilot: Pilot[None], *keys: str) -> ProgressScreen:
    page = await opened(pilot, "p", *keys)
    assert isinstance(page, ProgressScreen)
    return page


@pytest.mark.parametrize("count", [0, 1, 10, 200])
@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_section_fits_every_window(
    make_app: MakeApp, paths: Paths, lang: Lang, count: int
) -> None:
    record(paths, count)
    app = make_app(lang)
    async with app.run_test(size=SIZES[0]) as pilot:
        page = await progress_page(pilot)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            for n, section in enumerate(SECTIONS, 1):
                await pilot.press(str(n))
                await pilot.pause()
                assert page.section == section
                lines = screen_text(app).splitlines()
                assert len(lines) == size[1]
                assert page.heading() in lines[0]
                if count and size[0] >= 40:
                    assert f"[{n} {app.tr(f'shell.section_{section}')}]" in lines[1]
                if section in ("confidence", "days", "ahead") and size[0] in (40, 120):
                    body = "\n".join(lines[2:-1]).replace("% … ", "")  # intervals
                    assert "…" not in body


async def test_tab_goes_round_the_sections_and_back(make_app: MakeApp, paths: Paths) -> None:
    record(paths, 3)
    app = make_app()
    async with app.run_test() as pilot:
        page = await progress_page(pilot)
        seen = []
        for _ in SECTIONS:
            seen.append(page.section)
            await pilot.press("tab")
        assert seen == list(SECTIONS)
        await pilot.press("shift+tab")
        assert page.section == SECTIONS[-1]


async def test_a_section_tells_what_the_log_holds(make_app: MakeApp, paths: Paths) -> None:
    record(paths, 40)
    app = make_app()
    async with app.run_test(size=(100, 50)) as pilot:
        await progress_page(pilot, "2")
        assert "1 bet settled, 0 right: 0%" in screen_text(app)
        assert "would win 33%" in screen_text(app)
        await pilot.press("3")
        await pilot.pause()
        assert "reviews:" in screen_text(app)
        assert "Log loss" in screen_text(app)
        await pilot.press("5")
        await pilot.pause()
        days = [line for line in screen_text(app).splitlines() if line.strip()[:4] in ("2026",)]
        assert len(days) == 14
        await pilot.press("6")
        await pilot.pause()
        text = screen_text(app)
        assert "Lab: A sample lab (sample; 90% sure on 2026-11-24; not asked since)" in text
        assert "a forward pass moves weights (since 2026-11-" in text


async def said_of(make_app: MakeApp, paths: Paths, section: str, *events: Event) -> str:
    """What a section says of these events, one a day up to yesterday."""
    for n, event in enumerate(events):
        then = NOW - timedelta(days=len(events) - n)
        Progress(paths.events, host=f"other{n}", pid=1, now=lambda then=then: then).record(event)  # type: ignore[misc, type-var]
    app = make_app()
    async with app.run_test(size=(80, 60)) as pilot:
        await progress_page(pilot, str(1 + SECTIONS.index(section)))  # type: ignore[arg-type]
        return screen_text(app)


def on(claim: str, item: str, option: str | None, p: float, *, ok: bool = False) -> Answer:
    return Answer(claim=claim, item=item, kind="choice", option=option, p=p, ok=ok, chance=1 / 3)


@pytest.mark.parametrize(
    ("days", "said"), [(1, "Answers on 1 day."), (3, "Answers on 3 days, the last 3 in a row.")]
)
async def test_days_in_a_row_are_told_from_two_on(
    make_app: MakeApp, paths: Paths, days: int, said: str
) -> None:
    events = [on("E1.1", "q1", "none", 0.9, ok=True)] * days
    assert said in await said_of(make_app, paths, "overview", *events)


async def test_who_can_say_nothing_higher_is_not_called_underconfident(
    make_app: MakeApp, paths: Paths
) -> None:
    sure = [on("E1.1", "q1", "none", 0.97, ok=True)] * 150
    assert "fits (nothing higher to say)" in await said_of(make_app, paths, "confidence", *sure)


async def test_not_knowing_is_counted_and_judges_nobody(make_app: MakeApp, paths: Paths) -> None:
    bet = Bet(lab="sample", claim="E1.1", band=None, bands=3, p=1 / 3, run="r")
    result = Result(lab="sample", run="r", claim="E1.1", band=2)
    text = await said_of(make_app, paths, "confidence", on("E1.1", "q1", None, 1 / 3), bet, result)
    assert "“Don't know”, 2 times, states no confidence" in text
    assert "“Don't know”, 1 time, bets on nothing" in text
    assert "No bet is settled yet" not in text


async def test_a_claim_surprises_once_however_many_of_its_questions_did(
    make_app: MakeApp, paths: Paths
) -> None:
    slips = [on("E1.1", item, "all", 0.9) for item in ("q1", "other")]
    assert (await said_of(make_app, paths, "surprises", *slips)).count("Claim 1") == 1


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            [
                "FSRS-6's defaults",
                "initial stabilities were fitted to 80",
                "foresaw newer ones no better (0.5000",
            ],
        ),
        ("zh", ["FSRS-6 的默认参数", "四个初始稳定性已用你的 80 次复习拟合", "没有预测得更准（之前 0.5000"]),
    ],
)
async def test_the_memory_section_says_which_parameters_are_in_force(
    make_app: MakeApp, paths: Paths, lang: Lang, said: list[str]
) -> None:
    record(paths, 40)
    app = make_app(lang)
    other = Progress(paths.events, host="other", pid=2, now=lambda: NOW)
    fitted = Weights(weights=(1.0, *DEFAULT_PARAMETERS[1:]), reviews=80, loss=0.5, loss_before=0.6)
    kept = Weights(weights=fitted.weights, reviews=160, loss=0.7, loss_before=0.5)
    async with app.run_test(size=(110, 50)) as pilot:
        for event, wanted in zip((None, fitted, kept), said, strict=True):
            if event is not None:
                other.record(event)
            await progress_page(pilot, "3")
            assert wanted in screen_text(app)
            await pilot.press("q")


async def test_an_answer_of_another_window_shows_when_the_page_opens_again(
    make_app: MakeApp, paths: Paths
) -> None:
    record(paths, 1)
    app = make_app()
    async with app.run_test() as pilot:
        await progress_page(pilot)
        assert "1 question answered" in screen_text(app)
        await pilot.press("q")
        other = Progress(paths.events, host="window", pid=9, now=lambda: NOW)
        other.record(
            Answer(claim="E1.2", item="q2", kind="choice", option="none", p=0.9, ok=True, chance=1 / 3)
        )
        await progress_page(pilot)
        assert "2 questions answered" in screen_text(app)


@pytest.mark.parametrize(("width", "height"), [(60, 9), (30, 5), (17, 4), (16, 9), (60, 3), (0, 0)])
def test_a_picture_has_the_size_it_was_given_or_is_not_drawn(width: int, height: int) -> None:
    edges = [Dot(p, p, 0.0, 1.0, p > 0.5) for p in (0.0, 0.5, 1.0)]
    rows = draw(edges, width, height)
    assert rows == [] or (len(rows) == height and all(len(row.cells) == width for row in rows))
    assert bool(rows) == (width >= 17 and height >= 4)


def test_dots_with_few_answers_are_hollow_and_stand_where_their_rates_are() -> None:
    rows = draw([Dot(0.0, 0.0, 0.0, 0.4, False), Dot(1.0, 1.0, 0.7, 1.0, True)], 45, 9)
    lines = ["".join(row.cells) for row in rows]
    assert lines[0].rstrip().endswith("●")
    assert lines[7].startswith("  0%┤○")

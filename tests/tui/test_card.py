"""A card: nothing is revealed before the commitment, and the commitment is on disk before anything is."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from learner import make_app, screen_text

from questions.events import Answer, Reason
from questions.problems import BankProblem
from tui.app import TorchproofApp
from tui.screens.card import CardScreen
from tui.widgets.bet import Stake

RIGHT = {"en": "None of them", "zh": "一个都不变"}


def card(app: TorchproofApp) -> CardScreen:
    assert isinstance(app.screen, CardScreen)
    return app.screen


def open_card(app: TorchproofApp, id: str = "e11-q1") -> CardScreen:
    app.open_page("card", id, order_seed=7)
    return card(app)


def key_of(screen: CardScreen, option: str) -> str:
    """The digit of an option."""
    return str(1 + [choice.id for choice in screen.choices].index(option))


async def test_enter_one_three_enter_answers_one_card(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("enter", "1", "3", "enter")
        await pilot.pause()
        (answer,) = app.progress.events()
        assert isinstance(answer, Answer)
        assert answer.p == 0.7
        assert card(app).phase == "open"
        assert card(app).question.id != answer.item
        await pilot.press("1", "3", "enter")
        await pilot.pause()
        assert len(app.progress.events()) == 2


async def test_keys_typed_ahead_of_the_first_paint_are_not_lost(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        open_card(app)
        card(app).action_digit(2)  # before anything is mounted
        card(app).action_digit(4)
        await pilot.pause()
        (answer,) = app.progress.events()
        assert isinstance(answer, Answer) and answer.p == 0.9
        assert card(app).phase == "verdict"


async def test_an_answer_is_on_disk_before_the_verdict_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        record = app.progress.record
        seen: list[str] = []

        def recorded(event: Answer) -> Answer:
            seen.append(screen.phase)
            stamped = record(event)
            lines = [f.read_text("utf-8") for f in app.paths.events.glob("*.jsonl")]
            assert any(stamped.id in line for line in lines)
            seen.append(screen.phase)
            return stamped

        monkeypatch.setattr(app.progress, "record", recorded)
        await pilot.press("1", "3")
        await pilot.pause()
        assert seen == ["open", "open"]
        assert screen.phase == "verdict"


async def test_nothing_is_revealed_before_both_are_locked(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 60)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        blind = screen_text(app)
        await pilot.press(key_of(screen, "all"))
        await pilot.pause()
        half = screen_text(app)
        for text in (blind, half):
            assert not any(word in text for word in ("✓", "✗", "Right", "Wrong", "Source", "optimizer's"))
        assert app.progress.events() == []
        await pilot.press("4")
        await pilot.pause()
        shown = screen_text(app)
        assert "✗ Wrong" in shown and "✓ right" in shown
        assert "A forward pass updates the weights" in shown  # the belief behind the choice
        assert "Only an optimizer's step() writes weights" in shown
        assert "bit for bit the same" in shown
        assert "# None" in shown  # what the evidence printed
        assert "Source: torch.nn.BatchNorm2d" in shown


async def test_the_option_may_be_changed_until_the_confidence_is_given(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        await pilot.press("1", "c")
        await pilot.pause()
        assert screen.stake.option is None
        await pilot.press("1", "down", "enter")  # by arrow keys instead
        await pilot.pause()
        assert screen.stake.option == 1 and screen.phase == "open"
        await pilot.press("5")
        await pilot.pause()
        answer = app.progress.events()[0]
        assert isinstance(answer, Answer) and answer.option == screen.choices[1].id and answer.p == 0.97
        await pilot.press("c", "2", "1")
        await pilot.pause()
        assert app.progress.events() == [answer]


async def test_zero_is_i_do_not_know_and_locks_at_once(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 40)) as pilot:
        open_card(app)
        await pilot.pause()
        await pilot.press("0")
        await pilot.pause()
        (answer,) = app.progress.events()
        assert isinstance(answer, Answer)
        assert answer.option is None and answer.p == answer.chance and not answer.ok
        assert "did not know" in screen_text(app)


@pytest.mark.parametrize(("sure", "told"), [("1", True), ("2", True), ("5", False)])
async def test_a_right_answer_that_was_rated_a_guess_is_called_one(
    tmp_path: Path, sure: str, told: bool
) -> None:
    app = make_app(tmp_path, clock=itertools.count(0, 10).__next__)  # ten seconds between any two looks at it
    async with app.run_test(size=(80, 30)) as pilot:
        screen = open_card(app)
        await pilot.press(key_of(screen, "none"), sure)
        await pilot.pause()
        text = screen_text(app)
        assert "✓ Right" in text
        assert ("Counted as a guess" in text) is told
        await pilot.press("l")
        await pilot.pause()
        assert ("按猜中计" in screen_text(app)) is told


async def test_an_answer_that_is_not_rated_is_no_guess_either(tmp_path: Path) -> None:
    """The second one of a day: the truth has been seen."""
    app = make_app(tmp_path, clock=itertools.count(0, 10).__next__)
    async with app.run_test(size=(80, 30)) as pilot:
        for _ in range(2):
            screen = open_card(app)
            await pilot.press(key_of(screen, "none"), "1")
            await pilot.pause()
            told = "Counted as a guess" in screen_text(app)
            await pilot.press("q")
            await pilot.pause()
        assert not told


async def test_a_full_disk_keeps_the_card_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        screen = open_card(app)
        await pilot.pause()

        def full(event: Answer) -> Answer:
            raise BankProblem("disk-full", file=app.paths.events)

        with monkeypatch.context() as patched:
            patched.setattr(app.progress, "record", full)
            await pilot.press("1", "3")
            await pilot.pause()
        assert screen.phase == "open" and screen.stake.option == 0
        assert "✓" not in screen_text(app) and "✗" not in screen_text(app)
        assert any("space" in notice.message for notice in app._notifications)
        await pilot.press("3")  # there is room again
        await pilot.pause()
        assert screen.phase == "verdict" and len(app.progress.events()) == 1


async def test_switching_language_mid_card_loses_nothing(tmp_path: Path) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=(80, 60)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        await pilot.press(key_of(screen, "none"))
        await pilot.pause()
        assert RIGHT["zh"] in screen_text(app) and "你有多大把握" in screen_text(app)
        await pilot.press("l")
        await pilot.pause()
        assert RIGHT["en"] in screen_text(app) and "How sure are you?" in screen_text(app)
        assert screen.stake.option is not None
        await pilot.press("4")
        await pilot.pause()
        assert "✓ Right" in screen_text(app)
        await pilot.press("l")
        await pilot.pause()
        assert "✓ 答对了" in screen_text(app) and "出处" in screen_text(app)
        assert len(app.progress.events()) == 1


async def test_a_two_step_card_asks_why_before_the_verdict(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 60)) as pilot:
        screen = open_card(app, "e11-q3")
        await pilot.pause()
        await pilot.press(key_of(screen, "none"), "3")
        await pilot.pause()
        assert screen.phase == "reason"
        (answer,) = app.progress.events()
        assert isinstance(answer, Answer)  # on disk already
        text = screen_text(app)
        assert "Why?" in text and "Source" not in text and "✓" not in text
        reasons = [reason.id for reason in screen.question.reasons(7)]
        await pilot.press(str(1 + reasons.index("step")))
        await pilot.pause()
        reason = app.progress.events()[1]
        assert isinstance(reason, Reason) and reason.ok and reason.answer == answer.id
        assert screen.phase == "verdict" and "Source" in screen_text(app)


async def test_the_reason_may_be_skipped(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 60)) as pilot:
        screen = open_card(app, "e11-q3")
        await pilot.pause()
        await pilot.press("1", "3", "enter")
        await pilot.pause()
        assert screen.phase == "verdict"
        assert [type(event) for event in app.progress.events()] == [Answer]


async def test_evidence_is_ones_own_measurement_where_there_is_one(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(100, 70)) as pilot:
        screen = open_card(app, "e17-q1")
        await pilot.pause()
        await pilot.press("1", "3")
        await pilot.pause()
        text = screen_text(app)
        assert "Recorded with the lab “What blank frames change”" in text and "8 seeds" in text
        assert "refuted; measured: 0 on every seed" in text
        await pilot.press("x")
        await pilot.pause()
        assert type(app.screen).__name__ == "LabScreen"
        await pilot.press("q")
        await pilot.pause()
        assert app.screen is screen and screen.phase == "verdict"


async def test_markup_in_a_question_shows_as_written(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(80, 40)) as pilot:
        open_card(app)
        await pilot.pause()
        assert "x[0] and list[int] included" in screen_text(app)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (40, 12), (20, 5), (6, 3), (1, 1)])
async def test_a_card_survives_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=size) as pilot:
        await pilot.press("enter", "2")
        await pilot.resize_terminal(80, 24)
        await pilot.press("3")
        await pilot.resize_terminal(*size)
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.progress.events()) == 1


async def test_a_card_looks_like_this_in_chinese(tmp_path: Path) -> None:
    app = make_app(tmp_path, "zh")
    async with app.run_test(size=(60, 18)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        await pilot.press(key_of(screen, "some"))
        await pilot.pause()
        assert screen_text(app) == SNAPSHOT_ZH


async def test_a_verdict_looks_like_this_in_english(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    async with app.run_test(size=(72, 36)) as pilot:
        screen = open_card(app)
        await pilot.pause()
        await pilot.press(key_of(screen, "all"), "3")
        await pilot.pause()
        assert screen_text(app) == SNAPSHOT_EN


digits = st.lists(st.integers(0, 9), max_size=8)


@given(st.integers(2, 5), digits)
def test_a_stake_is_complete_only_with_an_option_and_a_confidence_or_a_zero(
    options: int, pressed: list[int]
) -> None:
    stake = Stake(options)
    for digit in pressed:
        before = (stake.option, stake.level, stake.dont_know)
        was_complete = stake.complete
        took = stake.press(digit)
        assert took == (before != (stake.option, stake.level, stake.dont_know))
        assert not (was_complete and took)
    assert stake.complete == (stake.dont_know or (stake.option is not None and stake.level is not None))
    assert stake.option is None or 0 <= stake.option < options
    assert 1 / options <= stake.p <= 0.97


def test_the_levels_state_chance_50_70_90_and_97_per_cent() -> None:
    stated = []
    for level in range(1, 6):
        stake = Stake(4)
        stake.press(1)
        stake.press(level)
        stated.append(stake.p)
    assert stated == [0.25, 0.5, 0.7, 0.9, 0.97]


def test_the_shell_and_the_bank_agree_on_the_levels() -> None:
    from questions.grade import LEVELS
    from tui.widgets.bet import CERTAINTIES

    assert ("chance", *CERTAINTIES) == LEVELS


SNAPSHOT_ZH = """\
 torchproof  E1.1  train() 与 eval()

 模型处于训练模式，只做前向传播，不调用优化器（e11-q1）。
 哪些参数会变？

   model.train()
   for x in loader: model(x)

   1 ( ) 全部都变，包括 x[0] 和 list[int]
   2 ( ) 一个都不变
 › 3 (●) 只有批归一化的参数变

 你有多大把握？

 1 33% 纯猜   2 50%   3 70%   4 90%   5 97%   0 不知道
 按 c 收回选项；也可用方向键和回车另选

 c 改选  l EN  ? 帮助  q 返回"""
SNAPSHOT_EN = """\
 torchproof  E1.1  train() and eval()

 A model in training mode sees forward passes and no optimizer
 (e11-q1). Which parameters change?

   model.train()
   for x in loader: model(x)

   1 (●) All of them, x[0] and list[int] included  ✗ your choice
   2 ( ) None of them  ✓ right
   3 ( ) Those of batch norm

 Locked, 70% sure

 ✗ Wrong   you were 70% sure: -5 points
 Right: None of them

 What is often behind this choice: A forward pass updates the weights
 Only an optimizer's step() writes weights; a forward pass refreshes
 buffers at most.

 None of them: many expect a forward pass to train, yet every
 parameter tensor stayed bit for bit the same, because only step()
 writes parameters. What a forward pass moves are batch norm's
 buffers.

   print([p.grad for p in net.parameters()][0])

   # prints
   # None

 Source: torch.nn.BatchNorm2d: register_buffer(...)



 enter go on  x open its lab  l 中文  ? help  q back"""

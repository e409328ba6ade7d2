"""Cards that are not answered by picking a sentence: a typed number, an order, a faulty line, drawn numbers."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from learner import make_app, screen_text, write_bank
from textual.pilot import Pilot

from questions.events import Answer
from tui.app import TorchproofApp
from tui.screens.card import CardScreen
from tui.widgets.bet import NumberStake, OrderStake

TEXTS = """+++
# zh
题干：{zh}？
## explain
正确答案是 {answer}，很多人忘了偏置。
# en
Stem: {en}?
## explain
It is {answer}; the bias is often forgotten.
"""
NUMBER = (
    """+++
id = "e11-number"
claim = "E1.1"
kind = "number"
difficulty = 2
source = "torch"
value = 24.5
tolerance = 0.1
unit = {zh = "像素", en = "pixels"}
evidence = {code = "print(24.5)", prints = "24.5"}
[[slips]]
value = 12
misconception = "forward-trains"
"""
    + TEXTS
)
ORDER = (
    """+++
id = "e11-order"
claim = "E1.1"
kind = "order"
difficulty = 2
source = "torch"
[[steps]]
id = "zero"
text = "`optimizer.zero_grad()`"
[[steps]]
id = "backward"
text = "`loss.backward()`"
[[steps]]
id = "step"
text = "`optimizer.step()`"
[[slips]]
first = "step"
then = "backward"
misconception = "forward-trains"
"""
    + TEXTS
)
BUG = (
    """+++
id = "e11-bug"
claim = "E1.1"
kind = "bug"
difficulty = 2
source = "torch"
code = '''
x = [1, 2]
total = 1
for number in x:
    total += number
print(total)
'''
answer = "start"
fix = "total = 0"
prints = "4"
fixed_prints = "3"
[[options]]
id = "sum"
line = 4
misconception = "forward-trains"
[[options]]
id = "start"
line = 2
[[options]]
id = "loop"
line = 3
misconception = "no-grad-freezes"
"""
    + TEXTS
)
GENERATED = (
    """+++
id = "e11-drawn"
claim = "E1.1"
kind = "generated"
difficulty = 2
source = "torch"
template = "conv_size"
unit = {zh = "像素", en = "pixels"}
[[slips]]
of = "one_sided"
misconception = "forward-trains"
"""
    + TEXTS
)


def app_with(tmp_path: Path, lang: str = "en") -> TorchproofApp:
    root = write_bank(tmp_path / "bank")
    text = "{size}×{size}，核 {kernel}，步长 {stride}，填充 {padding}，空洞 {dilation}"
    for name, form in (("number", NUMBER), ("order", ORDER), ("bug", BUG), ("drawn", GENERATED)):
        path = root / "E1" / "E1.1" / f"e11-{name}.md"
        filled = form.replace("{zh}", text).replace("{en}", text)
        answer = {"number": "24.5", "order": "`zero_grad`", "bug": "2", "drawn": "{answer}"}[name]
        path.write_text(filled.replace("{answer}", answer), encoding="utf-8")
    app = make_app(tmp_path, lang)
    assert not app.bank.problems, app.bank.problems
    return app


async def opened(pilot: Pilot[None], name: str, *keys: str, seed: int = 7) -> CardScreen:
    app = pilot.app
    assert isinstance(app, TorchproofApp)
    app.open_page("card", f"e11-{name}", order_seed=seed)
    await pilot.pause()
    await pilot.press(*keys)
    await pilot.pause()
    assert isinstance(app.screen, CardScreen)
    return app.screen


def answer_of(app: TorchproofApp) -> Answer:
    (answer,) = app.progress.events()
    assert isinstance(answer, Answer)
    return answer


async def test_a_number_is_typed_entered_and_staked(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "number", "2", "4", "full_stop", "6")
        assert "Your number: 24.6_ pixels" in screen_text(app)
        await pilot.press("enter", "4")
        await pilot.pause()
        answer = answer_of(app)
        assert (answer.option, answer.ok, answer.p, answer.kind) == ("24.6", True, 0.9, "number")
        assert "✓ Right" in screen_text(app)


async def test_a_slip_shows_the_belief_behind_it_and_the_right_number(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 30)) as pilot:
        await opened(pilot, "number", "1", "2", "enter", "3")
        answer = answer_of(app)
        assert (answer.ok, answer.misconception) == (False, "forward-trains")
        assert "Right: 24.5 pixels" in screen_text(app)
        assert "A forward pass updates the weights" in screen_text(app)


async def test_enter_on_nothing_is_no_knowledge_and_stands_in_the_key_bar(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "number")
        assert "enter don't know" in screen_text(app).splitlines()[-1]
        await pilot.press("enter")
        await pilot.pause()
        answer = answer_of(app)
        assert (answer.option, answer.p, answer.chance) == (None, 0.01, 0.01)
        assert "You did not know this one" in screen_text(app)


async def test_what_is_typed_can_be_taken_back_until_the_confidence(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "number", "9", "9", "backspace", "c", "minus", "enter")
        assert app.progress.events() == []  # a lone minus is no number
        assert "Your number: -_" in screen_text(app)
        await pilot.press(
            "backspace", "2", "5", "enter", "c", "backspace", "4", "full_stop", "5", "enter", "2"
        )
        await pilot.pause()
        assert answer_of(app).option == "24.5"


async def test_an_order_is_put_step_by_step_and_the_last_one_follows(tmp_path: Path) -> None:
    app = app_with(tmp_path, "zh")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "order")
        ids = [choice.id for choice in screen.choices]
        assert ids != ["zero", "backward", "step"]
        digits = [str(ids.index(step) + 1) for step in ("zero", "backward")]
        await pilot.press(digits[0])
        await pilot.pause()
        assert "1." in screen_text(app)
        await pilot.press(digits[1])
        await pilot.pause()
        assert "你有多大把握" in screen_text(app)
        await pilot.press("c", digits[1], "4")
        await pilot.pause()
        answer = answer_of(app)
        assert (answer.option, answer.ok) == ("zero>backward>step", True)
        assert answer.chance == 1 / 6


async def test_the_cursor_goes_on_to_a_step_that_is_left(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 30)) as pilot:
        screen = await opened(pilot, "order")
        options = screen.commit.options
        await pilot.press("2")
        assert options.cursor == 0  # not taken yet, so it stays
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(screen.stake, OrderStake) and screen.stake.placed == [1, 0, 2]
        await pilot.press("c", "c", "down", "enter")
        await pilot.pause()
        assert screen.stake.placed == [1]
        assert options.cursor == 2


async def test_a_wrong_order_shows_each_steps_place_and_the_belief(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 30)) as pilot:
        screen = await opened(pilot, "order")
        ids = [choice.id for choice in screen.choices]
        await pilot.press(*(str(ids.index(step) + 1) for step in ("zero", "step")), "3")
        await pilot.pause()
        answer = answer_of(app)
        assert (answer.option, answer.ok, answer.misconception) == (
            "zero>step>backward",
            False,
            "forward-trains",
        )
        text = screen_text(app)
        assert "✗ place 2, you had 3" in text and "✓ place 1" in text
        assert "3. optimizer.step()" in text


async def test_not_knowing_an_order_is_shown_the_places_without_a_mark_for_any(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 30)) as pilot:
        await opened(pilot, "order")
        await pilot.press("0")
        await pilot.pause()
        text = screen_text(app)
        assert "place 1" in text and "place 3" in text
        assert "✓" not in text and "✗" not in text


async def test_not_knowing_a_number_leaves_no_empty_line_for_one(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 30)) as pilot:
        await opened(pilot, "number")
        assert "Your number" in screen_text(app)
        await pilot.press("enter")
        await pilot.pause()
        assert "Your number" not in screen_text(app)


async def test_a_faulty_line_is_named_by_its_number_and_shown_mended(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 40)) as pilot:
        screen = await opened(pilot, "bug")
        text = screen_text(app)
        assert " 2  total = 1" in text and "1 ( ) 2: total = 1" in text
        assert [choice.line for choice in screen.choices] == [2, 3, 4]
        await pilot.press("1", "5")
        await pilot.pause()
        assert answer_of(app).ok
        text = screen_text(app)
        assert "Line 2 mended:" in text and "total = 0" in text and "# 3" in text


async def test_drawn_numbers_stay_through_a_change_of_language_and_can_be_drawn_again(tmp_path: Path) -> None:
    app = app_with(tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, "drawn", seed=3)
        assert "{" not in screen_text(app)
        numbers = screen.question.stem.en.removeprefix("Stem: ")
        await pilot.press("l")
        await pilot.pause()
        assert numbers.rstrip("?") in screen_text(app).replace("\n ", "")
        await pilot.press(*screen.question.key, "enter", "3")
        await pilot.pause()
        answer = answer_of(app)
        assert answer.ok and answer.order_seed == 3
        again = app.bank.question(answer.item).drawn(answer.order_seed)
        assert again.stem.en.removeprefix("Stem: ") == numbers
        assert app.bank.question(answer.item).drawn(4).stem != again.stem


keys = st.lists(st.sampled_from([*"0123456789.-", "enter", "back", "change"]), max_size=12)


@given(keys)
def test_no_sequence_of_keys_locks_what_is_no_number(pressed: list[str]) -> None:
    stake = NumberStake(0)
    for key in pressed:
        if key == "enter":
            stake.enter()
        elif key == "back":
            stake.rub_out()
        elif key == "change":
            stake.change()
        elif key.isdigit():
            stake.press(int(key))
        else:
            stake.type(key)
    assert not stake.complete or stake.dont_know or stake.value is not None
    assert stake.complete == (stake.dont_know or stake.level is not None)


@given(st.integers(3, 5), st.lists(st.one_of(st.integers(0, 9), st.just("c")), max_size=12))
def test_an_order_holds_each_step_once(steps: int, pressed: list[int | str]) -> None:
    stake = OrderStake(steps)
    for key in pressed:
        if isinstance(key, int):
            stake.press(key)
        else:
            stake.change()
        assert len(set(stake.placed)) == len(stake.placed)
        assert len(stake.placed) != steps - 1  # the last one follows by itself
    if stake.level is not None:
        assert sorted(stake.placed) == list(range(steps))

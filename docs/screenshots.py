"""Makes the README's pictures: plays a lab from bet to verdict in the real app and saves the screens.

    python docs/screenshots.py [FOLDER]      (`make screenshots`)

Runs the lab for real on this machine, in a learner's folder of its own; needs no display.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from html import escape, unescape
from pathlib import Path

from rich.cells import cell_len

LAB = "blank_frames"
SIZE = (96, 32)
CELL = 12.2  # width of a cell in Rich's pictures


async def picture(lang: str, folder: Path) -> None:
    from tui.app import TorchproofApp
    from tui.paths import paths
    from tui.settings import Settings

    app = TorchproofApp(paths(), Settings(), lang, spare=False)  # type: ignore[arg-type]
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot, "E8")
        save(app, folder / f"today-{lang}.svg")
        app.open_lab(LAB)
        await shown(pilot, "1 ( )")
        await pilot.press("2", "4")  # a band, 90 % sure
        await pilot.press("r")
        await shown(pilot, "┤")
        await late_in_the_run(pilot)
        save(app, folder / f"lab-{lang}.svg")
        await shown(pilot, "4 ( )", seconds=120)  # the readout's options: the run has ended
        await pilot.press("1")
        await pilot.pause(0.5)
        save(app, folder / f"verdict-{lang}.svg")


async def late_in_the_run(pilot) -> None:  # type: ignore[no-untyped-def]
    """Wait until three quarters of the lab's steps are drawn."""
    view = pilot.app.screen.view
    while view.phase == "live":
        drawn = max((line.steps[-1] for line in view.replay.lines.values() if line.steps), default=0.0)
        if view.until and drawn >= 0.75 * view.until:
            break
        await pilot.pause(0.02)
    await pilot.pause(0.2)


async def shown(pilot, text: str, seconds: float = 30) -> None:  # type: ignore[no-untyped-def]
    """Wait until `text` stands on the screen."""
    for _ in range(int(seconds * 10)):
        await pilot.pause(0.1)
        strips = pilot.app.screen._compositor.render_strips()
        if any(text in strip.text for strip in strips):
            return
    raise SystemExit(f"{text!r} never came on the screen")


def save(app, path: Path) -> None:  # type: ignore[no-untyped-def]
    picture = app.export_screenshot(title="torchproof", simplify=True)
    path.write_text(TEXT.sub(placed, picture), encoding="utf-8")
    print(path)


TEXT = re.compile(
    r'<text class="([^"]+)" x="([\d.]+)" y="([\d.]+)" textLength="[\d.]+"([^>]*)>([^<]*)</text>'
)
GAP = re.compile("\xa0{2,}|(?<=[\u2800-\u28ff])\xa0|\xa0(?=[\u2800-\u28ff])|^\xa0")


def placed(text: re.Match[str]) -> str:
    """A line of text in pieces, each at its own cell: viewers differ in what they do with spaces and fonts."""
    style, left, y, rest, escaped = text.groups()
    line, pieces, start = unescape(escaped), [], 0
    for gap in [*GAP.finditer(line), None]:
        piece = line[start : gap.start() if gap else None]
        if piece.strip("\xa0"):
            x, width = float(left) + CELL * cell_len(line[:start]), CELL * cell_len(piece)
            place = f'x="{x:.1f}" y="{y}" textLength="{width:.1f}"'
            pieces.append(f'<text class="{style}" {place}{rest}>{escape(piece, quote=False)}</text>')
        start = gap.end() if gap else 0
    return "".join(pieces)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "zh"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TORCHPROOF_HOME"] = home
            asyncio.run(picture(lang, folder))


if __name__ == "__main__":
    main()

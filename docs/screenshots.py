"""Makes the README's pictures: plays a lab from bet to verdict in the real app and saves the screens.

    python docs/screenshots.py [FOLDER]      (`make screenshots`)

Runs the lab for real on this machine, in a learner's folder of its own; needs no display.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

LAB = "blank_frames"
SIZE = (96, 32)


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
        await shown(pilot, "40", seconds=2, required=False)
        save(app, folder / f"lab-{lang}.svg")
        await shown(pilot, "4 ( )", seconds=120)  # the readout's options: the run has ended
        await pilot.press("1")
        await pilot.pause(0.5)
        save(app, folder / f"verdict-{lang}.svg")


async def shown(pilot, text: str, seconds: float = 30, *, required: bool = True) -> None:  # type: ignore[no-untyped-def]
    """Wait until `text` stands on the screen."""
    for _ in range(int(seconds * 10)):
        await pilot.pause(0.1)
        strips = pilot.app.screen._compositor.render_strips()
        if any(text in strip.text for strip in strips):
            return
    if required:
        raise SystemExit(f"{text!r} never came on the screen")


def save(app, path: Path) -> None:  # type: ignore[no-untyped-def]
    path.write_text(app.export_screenshot(title="torchproof", simplify=True), encoding="utf-8")
    print(path)


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    folder.mkdir(parents=True, exist_ok=True)
    for lang in ("en", "zh"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TORCHPROOF_HOME"] = home
            asyncio.run(picture(lang, folder))


if __name__ == "__main__":
    main()

"""A floor for key latency: a list whose highlight moves with the cursor keys, and a key bar."""

import sys

from textual.app import App, ComposeResult
from textual.widgets import Footer, OptionList


class Keys(App[None]):
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        yield OptionList(*[f"row {n}" for n in range(20)])
        yield Footer()


if __name__ == "__main__":
    app = Keys()
    app.run()
    sys.exit(app.return_code or 0)

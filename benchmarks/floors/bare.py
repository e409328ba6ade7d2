"""A floor: the least a Textual application can be, one line of text and a key bar."""

import sys

from textual.app import App, ComposeResult
from textual.widgets import Footer, Static


class Bare(App[None]):
    BINDINGS = [("q", "quit", "Quit")]

    def compose(self) -> ComposeResult:
        yield Static("floor is up")
        yield Footer()


if __name__ == "__main__":
    app = Bare()
    app.run()
    sys.exit(app.return_code or 0)

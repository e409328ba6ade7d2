"""The looks: three colour themes of our own and one that uses the terminal's sixteen colours.

A few variables are ours, so that widgets colour by meaning: $muted for what is secondary, $key for keys,
$code and $string for source text, $series-1 to $series-4 for the arms of a chart.
"""

from typing import Final

from textual.theme import Theme


def _bars(bar: str, track: str) -> dict[str, str]:
    """Quiet scrollbars: `bar` on `track`, whatever the mouse does."""
    tracks = ("scrollbar-background", "scrollbar-background-hover", "scrollbar-background-active")
    bars = dict.fromkeys(("scrollbar", "scrollbar-hover", "scrollbar-active"), bar)
    return {**bars, **dict.fromkeys((*tracks, "scrollbar-corner-color"), track)}


DARK: Final = Theme(
    name="torchproof-dark",
    dark=True,
    primary="#7aa2f7",
    secondary="#9db4d6",
    accent="#ffb454",
    warning="#f0c674",
    error="#ff8a80",
    success="#8fd694",
    foreground="#dfe3ea",
    background="#14171c",
    surface="#1b1f26",
    panel="#232831",
    variables={
        "muted": "#949fb0",
        "key": "#9db4d6",
        "code": "#8ccfe0",
        "string": "#b9d48f",
        "rule": "#3a4250",
        **_bars("#3a4250", "#14171c"),
        "series-1": "#7aa2f7",
        "series-2": "#ffb454",
        "series-3": "#8fd694",
        "series-4": "#e39ad0",
    },
)

LIGHT: Final = Theme(
    name="torchproof-light",
    dark=False,
    primary="#2a55b5",
    secondary="#3f5678",
    accent="#9a4b00",
    warning="#7a5600",
    error="#b3261e",
    success="#1e6b30",
    foreground="#1d2129",
    background="#fafaf7",
    surface="#f0f0ec",
    panel="#e6e6e0",
    variables={
        "muted": "#5b6472",
        "key": "#3f5678",
        "code": "#0b6275",
        "string": "#4a6410",
        "rule": "#c4c8cf",
        **_bars("#c4c8cf", "#fafaf7"),
        "series-1": "#2a55b5",
        "series-2": "#9a4b00",
        "series-3": "#1e6b30",
        "series-4": "#8a2a75",
    },
)

CONTRAST: Final = Theme(
    name="torchproof-contrast",
    dark=True,
    primary="#00e5ff",
    secondary="#ffffff",
    accent="#ffff00",
    warning="#ffff00",
    error="#ff9d9d",
    success="#7dff7d",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    variables={
        "muted": "#d0d0d0",
        "key": "#ffff00",
        "code": "#00e5ff",
        "string": "#7dff7d",
        "rule": "#8a8a8a",
        **_bars("#8a8a8a", "#000000"),
        "series-1": "#00e5ff",
        "series-2": "#ffff00",
        "series-3": "#7dff7d",
        "series-4": "#ff9dff",
    },
)

# Leaves every colour to the terminal, which is what sixteen colours can carry and some eyes have set up.
TERMINAL: Final = Theme(
    name="torchproof-terminal",
    ansi=True,
    dark=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_yellow",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    variables={
        "muted": "ansi_default",
        "key": "ansi_cyan",
        "code": "ansi_cyan",
        "string": "ansi_green",
        "rule": "ansi_default",
        "series-1": "ansi_blue",
        "series-2": "ansi_yellow",
        "series-3": "ansi_green",
        "series-4": "ansi_magenta",
        # Textual's own rules for such themes need these
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "border-blurred": "ansi_default",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_white",
        "input-cursor-background": "ansi_black",
        "input-cursor-foreground": "ansi_bright_white",
        "input-cursor-text-style": "none",
        "input-selection-background": "ansi_bright_blue",
        "input-selection-foreground": "ansi_black",
        "screen-selection-background": "ansi_bright_blue",
        "screen-selection-foreground": "ansi_black",
    },
)

THEMES: Final = {"dark": DARK, "light": LIGHT, "contrast": CONTRAST, "terminal": TERMINAL}


def theme_for(wish: str, color_system: str | None) -> Theme:
    """The theme for a setting; "auto" is dark, or the terminal's own colours where there are only sixteen."""
    if wish in THEMES:
        return THEMES[wish]
    return TERMINAL if color_system in (None, "standard") else DARK

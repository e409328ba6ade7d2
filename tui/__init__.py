"""The interface: the command, the app and its pages. Never imports torch or numpy."""

__version__ = "0.1.0"

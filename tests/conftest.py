"""Signals as in a terminal: nohup and background jobs ignore some, and every child process inherits that."""

import signal


def pytest_sessionstart() -> None:
    for number, usual in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, usual)

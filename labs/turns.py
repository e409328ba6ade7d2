"""Lets several generators take turns in one process as if each ran alone."""

from __future__ import annotations

import random
import sys
from typing import Any, NamedTuple


class _State(NamedTuple):
    """Random state and gradient mode that are global, though a generator believes them its own."""

    torch: Any
    cuda: Any
    python: Any
    numpy: Any
    gradients: bool


class Turns:
    """Swaps the global random state and the gradient mode when another generator's turn comes.

    A generator that yields inside `with torch.no_grad():` would otherwise turn gradients off for its
    neighbours, and two that draw from the global generator would share one stream.
    """

    def __init__(self, torch: Any, cuda: bool) -> None:
        self._torch = torch
        self._cuda = cuda
        self._whose: int | None = None
        self._states: dict[int, _State] = {}

    def take(self, who: int, seed: int) -> None:
        """Now it is the turn of generator `who`; at its first turn everything is seeded with `seed`."""
        if who == self._whose:
            return
        if self._whose is not None:
            self._states[self._whose] = self._state()
        self._whose = who
        if state := self._states.get(who):
            self._restore(state)
        else:
            self._seed(seed)

    def leave(self, who: int) -> None:
        """Generator `who` has ended."""
        self._states.pop(who, None)
        if self._whose == who:
            self._whose = None

    def _seed(self, seed: int) -> None:
        self._torch.manual_seed(seed)
        self._torch.set_grad_enabled(True)
        random.seed(seed)
        if numpy := _numpy():
            numpy.random.seed(seed % 2**32)

    def _state(self) -> _State:
        numpy = _numpy()
        return _State(
            torch=self._torch.get_rng_state(),
            cuda=self._torch.cuda.get_rng_state_all() if self._cuda else None,
            python=random.getstate(),
            numpy=numpy.random.get_state() if numpy else None,
            gradients=self._torch.is_grad_enabled(),
        )

    def _restore(self, state: _State) -> None:
        self._torch.set_rng_state(state.torch)
        if state.cuda is not None:
            self._torch.cuda.set_rng_state_all(state.cuda)
        random.setstate(state.python)
        numpy = _numpy()
        if numpy and state.numpy is not None:
            numpy.random.set_state(state.numpy)
        self._torch.set_grad_enabled(state.gradients)


def _numpy() -> Any:
    return sys.modules.get("numpy")  # who has not loaded it draws nothing from it

"""What the tests of labs share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from trial_runs import STUB, tidy

from labs.bench import Bench


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Path]:
    """A folder for runs, of which none is left at work when the test ends."""
    yield from (tmp_path / "runs" for _ in tidy(tmp_path / "runs"))


@pytest.fixture
def stub_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes load at once: torch is a stand-in."""
    monkeypatch.setenv("PYTHONPATH", str(STUB))


@pytest.fixture
async def bench(runs: Path) -> AsyncIterator[Bench]:
    bench = Bench(runs, next_spare_s=3600)
    yield bench
    await bench.close()


@pytest.fixture
def one_thread() -> Iterator[None]:
    """torch on one thread, as in a worker: numbers are then the same to the last bit."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)

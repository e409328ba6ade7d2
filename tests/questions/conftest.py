"""A sample bank and a clock for the tests of this folder."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
import sample_bank
from sample_clock import CHINA, Clock

from questions.catalog import Bank, load


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 11, 24, 20, 0, tzinfo=CHINA))


@pytest.fixture(scope="session")
def bank_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sample_bank.write_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture(scope="session")
def bank(bank_folder: Path) -> Bank:
    return load(bank_folder)

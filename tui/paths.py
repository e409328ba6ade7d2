"""Where torchproof keeps things: progress, runs, settings, caches."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Paths(NamedTuple):
    """The four roots. Nothing is created here: whoever writes makes the folder it needs."""

    data: Path
    state: Path
    cache: Path
    config: Path

    @property
    def events(self) -> Path:
        """The learner's log: one JSONL file per process."""
        return self.data / "events"

    @property
    def packs(self) -> Path:
        """Questions from elsewhere and imported FAQs: one folder a pack, in the form of our own bank."""
        return self.data / "packs"

    @property
    def runs(self) -> Path:
        """One folder per run of a lab."""
        return self.state / "runs"

    @property
    def logs(self) -> Path:
        """Tracebacks of crashes."""
        return self.state / "log"

    @property
    def settings(self) -> Path:
        return self.config / "settings.toml"

    @property
    def datasets(self) -> Path:
        return self.cache / "datasets"


def paths(environ: Mapping[str, str] = os.environ) -> Paths:
    """The roots of this user, or those below TORCHPROOF_HOME where that is set."""
    if home := environ.get("TORCHPROOF_HOME"):
        root = Path(home).expanduser().absolute()
        return Paths(root / "data", root / "state", root / "cache", root / "config")

    from platformdirs import PlatformDirs  # not needed, and not paid for, with a home of our own

    dirs = PlatformDirs("torchproof", appauthor=False)
    return Paths(dirs.user_data_path, dirs.user_state_path, dirs.user_cache_path, dirs.user_config_path)

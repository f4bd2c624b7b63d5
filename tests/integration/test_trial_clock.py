"""Do all processes of a trial go by one clock?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from launcher.clocks import FILE, clock_of
from settings import Settings
from system.clock import RealClock
from system.errors import ConfigError

TRIAL = "2024-02-29T23:00@600"


def settings(folder: Path, trial: str = TRIAL) -> Settings:
    return Settings.load({"HORARIUM_VAR": str(folder), "HORARIUM_TRIAL_CLOCK": trial} if trial else {"HORARIUM_VAR": str(folder)}, folder)


def test_without_a_trial_the_clock_is_the_real_one(tmp_path: Path) -> None:
    assert isinstance(clock_of(settings(tmp_path / "var", "")), RealClock)
    assert not (tmp_path / "var").exists()


def test_a_trial_begins_at_its_start_and_whoever_comes_later_joins_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        clocks = list(pool.map(lambda _: clock_of(settings(tmp_path / "var")), range(8)))
    found = [clock.now() for clock in clocks]
    assert max(found) - min(found) < timedelta(minutes=10)
    assert datetime(2024, 2, 29, 23, tzinfo=UTC) <= found[0] < datetime(2024, 3, 1, 23, tzinfo=UTC)
    assert [path.name for path in (tmp_path / "var").iterdir()] == [FILE]


def test_another_trial_over_the_same_folder_is_refused(tmp_path: Path) -> None:
    clock_of(settings(tmp_path))
    with pytest.raises(ConfigError, match="plays a trial on the clock 2024-02-29T23:00@600, not 2020-01-01@2"):
        clock_of(settings(tmp_path, "2020-01-01@2"))


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("soon")
    with pytest.raises(ConfigError, match=r"trial_clock is no trial.s clock"):
        clock_of(settings(tmp_path))

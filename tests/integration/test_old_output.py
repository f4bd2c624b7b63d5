"""Do old files of output go, and nothing else?"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from system.clock import ManualClock
from tests.support.waiting import wait_until
from workers.oldoutput import OldOutput

AGES = {"sales/2026010100/1.1.1.log": 40, "sales/2026010100/1.1.2.log": 5, "sales/2026010101/1.1.1.log": 31, ".slots/old": 99}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def output(tmp_path: Path, clock: ManualClock) -> Path:
    """A folder with files of many ages, in days."""
    for name, days in AGES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("words")
        age(path, days, clock)
    for folder in ("sales/2026010100", "sales/2026010101", "sales"):
        age(tmp_path / folder, 40, clock)
    return tmp_path


def age(path: Path, days: float, clock: ManualClock) -> None:
    """Make a file look as old as that."""
    at = (clock.now() - timedelta(days=days)).timestamp()
    os.utime(path, (at, at))


def names(folder: Path) -> set[str]:
    """Return the files that are there."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_fault_21_old_files_of_output_go_and_the_slots_files_stay(output: Path, clock: ManualClock) -> None:
    assert sum(OldOutput(output, 30, clock).sweep(clock.now())) == 2
    assert names(output) == {"sales/2026010100/1.1.2.log", ".slots/old"}


def test_an_empty_folder_goes_a_day_later(output: Path, clock: ManualClock) -> None:
    tidying = OldOutput(output, 30, clock)
    list(tidying.sweep(clock.now()))
    assert (output / "sales" / "2026010101").is_dir()
    age(output / "sales" / "2026010101", 2, clock)
    list(tidying.sweep(clock.now()))
    assert not (output / "sales" / "2026010101").exists()
    assert (output / "sales" / "2026010100").is_dir()


def test_a_folder_that_is_not_there_is_fine(tmp_path: Path, clock: ManualClock) -> None:
    assert list(OldOutput(tmp_path / "none", 30, clock).sweep(clock.now())) == []


def test_the_thread_tidies_and_stops(output: Path, clock: ManualClock) -> None:
    tidying = OldOutput(output, 30, clock)
    tidying.start()
    wait_until(lambda: len(names(output)) == 2)
    tidying.stop()


def test_for_ever_is_for_ever(output: Path, clock: ManualClock) -> None:
    tidying = OldOutput(output, 0, clock)
    tidying.start()
    tidying.stop()
    assert len(names(output)) == len(AGES)

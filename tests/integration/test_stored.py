"""Is the store that pages are measured over one that a deployment could have? Its counts, and what the scheduler's own desk makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.stored import Size, make, roof_of, settings_of
from scheduler.desk import Desk

TREES = 5
ACTIVE = 6  # in one of five trees


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder: Path = tmp_path_factory.mktemp("stored") / "var"
    size = Size(trees=TREES, days=2)
    roof = roof_of(settings_of(folder, size))
    said = make(roof, size)
    assert said["processes"] == TREES * 4
    assert said["active"] == ACTIVE
    with roof.desk() as opened:
        yield opened


def test_all_that_is_due_is_finished_but_for_what_is_behind(desk: Desk) -> None:
    progress = desk.progress()
    assert progress.finished > 5 * 38_000
    assert progress.due - progress.finished == 3 * 24 + 3  # three days of hours, and these days, of one tree
    assert (progress.active, progress.held, progress.failing) == (6, 2, 1)


def test_there_is_work_in_every_condition(desk: Desk) -> None:
    found = desk.jobs(["area_000_hourly"], "", 6)
    assert {line.phase for line in found.lines} == {"held", "failing", "running", "requested"}
    assert desk.late()[0].process == "area_000_hourly"


def test_what_is_finished_has_its_records(desk: Desk) -> None:
    view = desk.job("area_001_hourly", "2026061503")
    assert view.job is not None
    assert view.uow is not None
    assert view.uow.finished_at is not None
    assert not view.archived

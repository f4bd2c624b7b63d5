"""Is what was archived there after a kill at any moment, whole, and once?"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from system.archive import ArchiveError, Files, Nowhere, read_archive, whole_length

MONTH = "2026-11"


def rows(low: int, high: int) -> list[dict[str, int]]:
    """Return some records."""
    return [{"id": n} for n in range(low, high)]


def written(folder: Path) -> list[int]:
    """Return the ids in the archive."""
    return [record["id"] for record in read_archive(folder / f"uow-{MONTH}.jsonl.gz")]


def test_batches_are_appended_and_any_gzip_reads_them(tmp_path: Path) -> None:
    archive = Files(tmp_path / "a" / "b")
    archive.append("uow", MONTH, rows(0, 3))
    archive.append("uow", MONTH, [])
    archive.append("uow", MONTH, rows(3, 5))
    assert written(tmp_path / "a" / "b") == [0, 1, 2, 3, 4]
    with gzip.open(tmp_path / "a" / "b" / f"uow-{MONTH}.jsonl.gz", "rt", encoding="ascii") as file:
        assert len(file.readlines()) == 5


def test_fault_21_a_kill_at_any_byte_of_a_batch_halves_nothing(tmp_path: Path) -> None:
    path = tmp_path / f"uow-{MONTH}.jsonl.gz"
    Files(tmp_path).append("uow", MONTH, rows(0, 20))
    first = path.read_bytes()
    Files(tmp_path).append("uow", MONTH, rows(20, 40))
    both = path.read_bytes()
    for cut in range(len(first), len(both)):
        path.write_bytes(both[:cut])
        assert whole_length(both[:cut]) == len(first)
        Files(tmp_path).append("uow", MONTH, rows(20, 40))
        assert written(tmp_path) == list(range(40))


def test_what_a_disk_left_as_zeroes_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / f"uow-{MONTH}.jsonl.gz"
    Files(tmp_path).append("uow", MONTH, rows(0, 3))
    path.write_bytes(path.read_bytes() + bytes(4096))
    Files(tmp_path).append("uow", MONTH, rows(3, 4))
    assert written(tmp_path) == [0, 1, 2, 3]


def test_two_archives_over_one_folder_do_not_cut_each_other(tmp_path: Path) -> None:
    first, second = Files(tmp_path), Files(tmp_path)
    for n in range(6):
        (first, second)[n % 2].append("uow", MONTH, rows(n, n + 1))
    assert written(tmp_path) == list(range(6))


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ArchiveError, match="old records stay in the store"):
        Files(tmp_path / "file").append("uow", MONTH, rows(0, 1))


def test_an_archive_that_is_not_wanted_keeps_nothing(tmp_path: Path) -> None:
    Nowhere().append("uow", MONTH, rows(0, 1))
    assert list(tmp_path.iterdir()) == []

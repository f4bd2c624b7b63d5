"""How is a log read without leaving its folder, without reading all of it, and without showing a password?

Names are looked up in the folder's own list, so that none leads elsewhere; a link is no log. A file is opened without following links.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from mx.models.logs import LogFile, LogLine, LogPart
from system.errors import NotFound
from system.hidden import hide

LEVELS = ("debug", "info", "warning", "error", "critical")
MOST_KILOBYTES, MOST_LINES = 4_096, 5_000
_NAME = re.compile(r"(?P<daemon>[A-Za-z0-9_][A-Za-z0-9_.-]*?)\.(?P<kind>log|out)(?:\.(?P<number>\d{1,3}))?")
# As system/logs.py writes it: time, level, process, logger.
_LINE = re.compile(r"\d{4}-\d\d-\d\dT\S+Z (?P<level>debug|info|warning|error|critical) ")
_LONGEST_LINE = 8_000
_PIECE = 65_536
_MOST_FILES = 2_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What part of a log somebody wants to see."""

    kilobytes: int
    level: str
    words: str
    lines: int


def files_in(folder: Path) -> list[LogFile]:
    """Return the logs of a folder: by daemon, what it logged before what it printed, the current file first. Empty where there is none."""
    try:
        with os.scandir(folder) as found:
            rows = [row for entry in found if (row := _file(entry)) is not None]
    except FileNotFoundError:
        return []
    return sorted(rows, key=lambda row: (row.daemon, row.kind, row.number))[:_MOST_FILES]


def _file(entry: os.DirEntry[str]) -> LogFile | None:
    named = _NAME.fullmatch(entry.name)
    if named is None or not entry.is_file(follow_symlinks=False):
        return None
    try:
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # rotated away just now
    kind = "log" if named["kind"] == "log" else "printed"
    changed = datetime.fromtimestamp(seen.st_mtime, UTC)
    number = int(named["number"] or 0)
    return LogFile(name=entry.name, daemon=named["daemon"], kind=kind, number=number, size_bytes=seen.st_size, changed_at=changed)


@contextmanager
def opened(folder: Path, name: str) -> Iterator[BinaryIO]:
    """Open a log of the folder; raises NotFound for whatever is none."""
    if not _NAME.fullmatch(name):
        raise NotFound(f"there is no log {name!r}: /logs lists them")
    try:
        number = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NotFound(f"there is no log {name!r} ({error.strerror}): /logs lists them; a rotated one may have gone meanwhile") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise NotFound(f"{name!r} is no log: /logs lists them")
    with os.fdopen(number, "rb") as file:
        yield file


def part_of(folder: Path, name: str, asked: Asked) -> LogPart:
    """Return the end of a log, or what was found there; raises NotFound."""
    wanted = min(max(1, asked.kilobytes), MOST_KILOBYTES) * 1024
    with opened(folder, name) as file:
        seen = os.fstat(file.fileno())
        file.seek(max(0, seen.st_size - wanted))
        raw = file.read(wanted)
    if seen.st_size > len(raw):
        raw = raw[raw.find(b"\n") + 1 :]  # the first line is a part of one
    kept = _kept(hide_lines(raw.decode("utf-8", errors="replace")), asked)
    shown = kept[-min(max(1, asked.lines), MOST_LINES) :]
    changed = datetime.fromtimestamp(seen.st_mtime, UTC)
    return LogPart(name=name, size_bytes=seen.st_size, read_bytes=len(raw), lines=tuple(shown), found=len(kept), changed_at=changed)


def hide_lines(text: str) -> list[str]:
    """Return the lines of a text with passwords hidden, and those that are too long cut."""
    return [hide(line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + " ...") for line in text.splitlines()]


def _kept(lines: list[str], asked: Asked) -> list[LogLine]:
    """Return the lines that match. What follows a line without a level of its own belongs to it, and is found with it."""
    least = LEVELS.index(asked.level) if asked.level in LEVELS else 0
    low, kept = asked.words.casefold(), []
    for group in _groups(lines):
        level = group[0].level
        if (level and LEVELS.index(level) < least) or (least and not level):
            continue
        if not low or any(low in line.text.casefold() for line in group):
            kept += group
    return kept


def _groups(lines: list[str]) -> Iterator[list[LogLine]]:
    group: list[LogLine] = []
    for text in lines:
        found = _LINE.match(text)
        goes_on = not found and text[:1] in (" ", "\t") and group
        if group and not goes_on:
            yield group
            group = []
        group.append(LogLine(level=found["level"] if found else "", text=text))
    if group:
        yield group


def text_of(folder: Path, name: str) -> Iterator[str]:
    """Yield a whole log as it is now, line by line together, passwords hidden; raises NotFound when it is first asked."""
    with opened(folder, name) as file:
        left, rest = os.fstat(file.fileno()).st_size, ""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while left > 0 and (piece := file.read(min(_PIECE, left))):
            left -= len(piece)
            # A line is hidden as a whole, or a password could lie over the border of two pieces.
            whole, _, rest = (rest + decoder.decode(piece)).rpartition("\n")
            if len(rest) > _PIECE:
                whole, rest = f"{whole}\n{rest}", ""
            if whole:
                yield hide(whole) + "\n"
        if rest:
            yield hide(rest)

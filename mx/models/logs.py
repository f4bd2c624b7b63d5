"""What the daemons of this box wrote: their logs, and what they printed."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class LogFile(Model):
    """A file of the folder of logs."""

    name: str
    daemon: str = Field(description="whose it is")
    kind: str = Field(description="`log`, or `printed` for what the daemon wrote to its terminal")
    number: int = Field(description="0 for the current one, 1 for the one before it, and so on")
    size_bytes: int
    changed_at: datetime


class LogFiles(Model):
    """The logs of the box that serves this page; those of another lie there."""

    box: str
    folder: str
    files: tuple[LogFile, ...]
    boxes: tuple[str, ...] = Field(description="other boxes that are known, whose logs are there; empty where that is not known")


class LogLine(Model):
    """One line. Its level is empty where it goes on from the line before it."""

    level: str
    text: str


class LogPart(Model):
    """The end of a log, or what was found in it. Passwords are hidden."""

    name: str
    size_bytes: int
    read_bytes: int = Field(description="how much of its end was read")
    lines: tuple[LogLine, ...]
    found: int = Field(description="how many lines match, of which the last ones are here")
    changed_at: datetime

"""Where do the rows of a process come from? A table or collection behind a URL, by the column that says when a row belongs to.

Written as an entry, or as one text: `postgresql://me@box/shop#table=orders&time=placed_at&key=id`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qsl

from system.hidden import hide

_NAMES = ("table", "time", "key")
SCHEMES = ("sqlite", "postgresql", "mysql", "mongodb")


@dataclass(frozen=True, slots=True, repr=False)
class SourceEntry:
    """Rows of `table` at `url`: those whose `time` lies in a window belong to it. `key` orders them; empty: by their time."""

    url: str
    table: str
    time: str
    key: str = ""

    def __repr__(self) -> str:
        """Return it as one text, without a password."""
        key = f"&key={self.key}" if self.key else ""
        return hide(f"{self.url}#table={self.table}&time={self.time}{key}")


def source_of(given: object) -> SourceEntry:
    """Return the source that a process's field names; raises ValueError that says what is wrong with it, without a password."""
    entry = given if isinstance(given, SourceEntry) else _parsed(given)
    faults = list(_faults(entry))
    if faults:
        raise ValueError(f"source {hide(repr(given))}: {faults[0]}")
    return entry


def source_fault(given: object) -> str:
    """Return what is wrong with the source of a process that needs one, empty when nothing is."""
    if given is None:
        return "source is missing: a recomputing process asks its source for new rows; write source_entry(URL, TABLE, TIME_COLUMN)"
    try:
        source_of(given)
    except ValueError as error:
        return str(error)
    return ""


def _parsed(given: object) -> SourceEntry:
    if not isinstance(given, str) or "#" not in given:
        raise ValueError(f"source {hide(repr(given))} names no table: write URL#table=NAME&time=COLUMN, or source_entry(URL, NAME, COLUMN)")
    url, _, rest = given.rpartition("#")
    named = dict(parse_qsl(rest, keep_blank_values=True))
    wrong = sorted(set(named) - set(_NAMES))
    if wrong:
        raise ValueError(f"source {hide(repr(given))}: {wrong[0]!r} is unknown: use {', '.join(_NAMES)}")
    return SourceEntry(url, named.get("table", ""), named.get("time", ""), named.get("key", ""))


def _faults(entry: SourceEntry) -> Iterator[str]:
    for name in ("url", *_NAMES):
        if not isinstance(getattr(entry, name), str):
            yield f"{name} is no text"
            return
    scheme = entry.url.partition(":")[0].partition("+")[0]
    if scheme not in SCHEMES or ":" not in entry.url:
        yield f"its URL names none of {', '.join(SCHEMES)}"
    if not entry.table:
        yield "it names no table: write table=NAME"
    if not entry.time:
        yield "it names no time column: write time=COLUMN"

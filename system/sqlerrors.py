"""What does a database file's error mean to us, and what can its reader do about it?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from system.errors import StoreError, Unavailable

_HELD = "another program holds it; nothing was written. Close what has it open (a database shell, a backup), then try again"
_TEMPORARY = {
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_FULL: "the disk is full; nothing was written, nothing is lost. Free some space, the work goes on by itself",
    sqlite3.SQLITE_IOERR: "its disk can't be read or written; check the disk (free space, quota, cables, `dmesg`), then try again",
}
_LASTING = {
    sqlite3.SQLITE_READONLY: "it may not be written; check the permissions of the file and of its folder, and that the disk takes writes",
    sqlite3.SQLITE_PERM: "it may not be opened; check the permissions of the file and of its folder",
    sqlite3.SQLITE_CANTOPEN: "it can't be opened; check the permissions of the file and of its folder, and that `ulimit -n` is not used up",
    sqlite3.SQLITE_NOTADB: "it is not a database; name another file, or move this one away",
    sqlite3.SQLITE_CORRUPT: "it is damaged; stop everything, keep a copy, and restore it from a backup",
}


def ours(error: BaseException, path: Path) -> StoreError:
    """Return our error for a driver's (or one that wraps it): Unavailable where the same call may succeed later, else StoreError."""
    cause = getattr(error, "orig", None) or error
    # A code's low byte is its family: SQLITE_IOERR_WRITE is an SQLITE_IOERR.
    code = getattr(cause, "sqlite_errorcode", -1)
    family = code & 0xFF
    if code == sqlite3.SQLITE_READONLY_DBMOVED or (family == sqlite3.SQLITE_CANTOPEN and not path.exists()):
        return Unavailable(f"the store {path} is away ({cause}): it was moved. Put it back, and the work goes on by itself")
    if family in _TEMPORARY:
        return Unavailable(f"the store {path} is not available ({cause}): {_TEMPORARY[family]}")
    if family in _LASTING:
        return StoreError(f"the store {path} can't be used ({cause}): {_LASTING[family]}")
    if "no such table" in str(cause) or "no such column" in str(cause):
        return StoreError(f"the store {path} has no tables of ours ({cause}): it was not prepared, or it belongs to another program")
    return StoreError(f"the store {path} refused a statement: {cause}")

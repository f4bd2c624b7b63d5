"""How does the gateway ask PostgreSQL? By libpq, each command in its own thread, on a line that the last one has just left.

Its own calls cost little, and they let other threads run. What PostgreSQL sees again and again is prepared once on each line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

from psycopg import pq

Value = str | bytes | None
Row = tuple[bytes | None, ...]

_MOST = 60  # lines, the server allows some more
_GONE = ("08", "57P")  # states of SQL that say so: it goes down, or is not up yet
_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY


class Failed(Exception):
    """PostgreSQL refuses a statement; `state` is its SQLSTATE."""

    def __init__(self, state: str, message: str) -> None:
        super().__init__(message)
        self.state = state


class Line:
    """One connection, for one thread at a time."""

    def __init__(self, url: str) -> None:
        self._connection = pq.PGconn.connect(url.encode())
        self._names: dict[str, bytes] = {}
        if not self.is_up:
            raise ConnectionError(self._connection.get_error_message())

    @property
    def is_up(self) -> bool:
        """Whether it can be used further."""
        return self._connection.status == pq.ConnStatus.OK

    def close(self) -> None:
        """Let go of it."""
        self._connection.finish()

    def row(self, statement: str, values: Sequence[Value]) -> Row:
        """Return the first row of what `statement` finds, in PostgreSQL's binary form; bytes among `values` are of type bytea."""
        name = self._names.get(statement) or self._prepare(statement)
        formats = [_BINARY if isinstance(value, bytes) else _TEXT for value in values]
        plain: list[Any] = [value.encode() if isinstance(value, str) else value for value in values]  # None is NULL, which its type forgets
        found = self._sound(self._connection.exec_prepared(name, plain, formats, _BINARY))
        return tuple(found.get_value(0, column) for column in range(found.nfields)) if found.ntuples else ()

    def execute(self, statement: str) -> list[Row]:
        """Return all rows of what `statement` finds, as text; there may be several statements in it."""
        found = self._sound(self._connection.exec_(statement.encode()))
        return [tuple(found.get_value(row, column) for column in range(found.nfields)) for row in range(found.ntuples)]

    def _prepare(self, statement: str) -> bytes:
        name = b"s%d" % len(self._names)
        self._sound(self._connection.prepare(name, statement.encode()))
        self._names[statement] = name
        return name

    def _sound(self, found: pq.abc.PGresult) -> pq.abc.PGresult:
        if found.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
            return found
        state = (found.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
        message = (found.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or b"").decode() or found.get_error_message()
        if not self.is_up or state.startswith(_GONE):
            raise ConnectionError(message)
        raise Failed(state, message)


class Database:
    """The lines to one database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[Line] = []
        self._places = BoundedSemaphore(_MOST)

    @contextmanager
    def line(self) -> Iterator[Line]:
        """Lend a line; raises ConnectionError where there is no server."""
        with self._places:
            try:
                line = self._free.pop()  # one step, as other threads take lines too
            except IndexError:
                line = Line(self._url)
            try:
                yield line
            finally:
                if line.is_up:
                    self._free.append(line)
                else:
                    line.close()

    def row(self, statement: str, *values: Value) -> Row:
        """Return the first row, as a line does. Raises Failed, and ConnectionError where the server is away."""
        with self.line() as line:
            return line.row(statement, values)

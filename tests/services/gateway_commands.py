"""What does a MongoDB command mean to PostgreSQL? A call of one function of the DocumentDB extension; it holds all the semantics.

A command's BSON goes to the extension as it came, with what a driver adds for sessions: that is passed over there. Its answer goes back
as it comes, unless something in it has to be said in another way. What is said here by hand is what a driver asks a server about itself.
"""

from __future__ import annotations

from collections.abc import Callable

import bson

from system.clock import RealClock
from tests.services.gateway_database import Database, Failed, Row, Value
from tests.services.gateway_explain import explain
from tests.services.gateway_wire import Document, Request

Answer = Document | bytes

_API = "documentdb_api"
_BSON = "::bytea::documentdb_core.bson"
_SEQUENCE = "::bytea::documentdb_core.bsonsequence"
_VERSION = "7.0.77"
# Codes of write errors, which the extension writes as PostgreSQL packs an SQLSTATE into a number.
_PACKED_CODES = {
    16777245: 2, 50331677: 9, 67108893: 14, 285212701: 28, 319029277: 11000, 335544349: 40, 385875997: 52, 436207645: 56,
    486539293: 66, 503316509: 67, 520093725: 68, 553648157: 73, 570425373: 85, 587202589: 86,
}  # fmt: skip
_CODES = {
    "M0001": 2, "M0003": 9, "M0004": 14, "M0008": 26, "M0009": 27, "M000E": 43, "M000F": 48, "57014": 50, "23505": 11000,
    "40001": 112, "40P01": 112,  # two transactions in each other's way: MongoDB would say so, too
}  # fmt: skip
_NAMES = {43: "CursorNotFound", 59: "CommandNotFound", 112: "WriteConflict", 11000: "DuplicateKey"}
_CLOCK = RealClock()


class Refused(Exception):
    """A command can't be done; `code` is MongoDB's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Commands:
    """Answers commands from one database, in any thread. What a client's cursors continue from is kept here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._continuations: dict[int, bytes] = {}
        self._verbs: dict[str, Callable[[str, Request], Answer]] = {
            **dict.fromkeys(["ping", "endsessions", "logout", "fsync"], _yes),
            **dict.fromkeys(["hello", "ismaster"], _hello),
            "buildinfo": _build_info,
            "getparameter": _parameter,
            "serverstatus": _server_status,
            "connectionstatus": _connection_status,
            **dict.fromkeys(["insert", "update", "delete"], self._write),
            "findandmodify": self._find_and_modify,
            **dict.fromkeys(["find", "aggregate", "listcollections", "listindexes"], self._open_cursor),
            "getmore": self._get_more,
            "killcursors": self._kill_cursors,
            **dict.fromkeys(["count", "distinct"], self._query),
            "createindexes": self._create_indexes,
            "dropindexes": self._drop_indexes,
            **dict.fromkeys(["create", "drop", "collstats"], self._of_collection),
            **dict.fromkeys(["dropdatabase", "dbstats"], self._of_database),
            "listdatabases": self._list_databases,
            "explain": self._explain,
        }

    def answer(self, request: Request) -> Answer:
        """Return the answer to a command, a refusal being one. Raises ConnectionError where the database itself is away."""
        try:
            name = _name(request)
            verb = self._verbs.get(name.lower())
            if verb is None:
                raise Refused(59, f"no such command: '{name}'")
            return verb(request.document.get("$db", "admin"), request)
        except Refused as error:
            return _refusal(error.code, str(error))
        except Failed as error:
            return _refusal(_CODES.get(error.state, 1), str(error))

    def _call(self, function: str, result: str, *values: Value) -> bytes:
        """Return the document in `result` of a function; a document among `values` goes there as BSON."""
        places = ", ".join(f"${n}" + (_BSON if isinstance(value, bytes) else "") for n, value in enumerate(values, 1))
        return _document(self._database.row(f"SELECT {result}::bytea FROM {_API}.{function}({places}) AS whole", *values))

    def _write(self, database: str, request: Request) -> Answer:
        sequence = next(iter(request.sequences.values()), None)
        statement = f"SELECT p_result::bytea FROM {_API}.{_name(request)}($1, $2{_BSON}, $3{_SEQUENCE})"
        raw = _document(self._database.row(statement, database, request.raw, sequence))
        if b"writeErrors" not in raw:
            return raw
        answer: Document = bson.decode(raw)
        for error in answer.get("writeErrors", ()):
            error["code"] = _PACKED_CODES.get(error["code"], error["code"])
        return answer

    def _find_and_modify(self, database: str, request: Request) -> Answer:
        return self._call("find_and_modify", "p_result", database, request.raw)

    def _query(self, database: str, request: Request) -> Answer:
        return self._call(f"{_name(request)}_query", "document", database, request.raw)

    def _open_cursor(self, database: str, request: Request) -> Answer:
        name = _name(request).lower()
        function = {"listcollections": "list_collections", "listindexes": "list_indexes"}.get(name, name)
        return self._page(f"{function}_cursor_first_page($1, $2{_BSON})", database, request.raw)

    def _get_more(self, database: str, request: Request) -> Answer:
        cursor = request.document["getMore"]
        before = self._continuations.pop(cursor, None)
        if before is None:
            raise Refused(43, f"cursor id {cursor} not found")
        return self._page(f"cursor_get_more($1, $2{_BSON}, $3{_BSON})", database, request.raw, before)

    def _page(self, call: str, *values: Value) -> bytes:
        page, continuation = self._database.row(f"SELECT cursorpage::bytea, continuation::bytea FROM {_API}.{call}", *values)
        assert page is not None
        if continuation:
            self._continuations[bson.decode(page)["cursor"]["id"]] = continuation
        return page

    def _kill_cursors(self, database: str, request: Request) -> Answer:
        killed = [cursor for cursor in request.document["cursors"] if self._continuations.pop(cursor, None)]
        return {"cursorsKilled": killed, "cursorsNotFound": [], "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0}

    def _create_indexes(self, database: str, request: Request) -> Answer:
        statement = f"SELECT documentdb_api_internal.create_indexes_non_concurrently($1, $2{_BSON}, true)::bytea"
        answer: Document = bson.decode(_document(self._database.row(statement, database, request.raw)))
        answer = next(iter(answer["raw"].values()), answer) if "raw" in answer else answer
        answer.setdefault("ok", 1.0)
        if "code" in answer:
            answer["code"] = _PACKED_CODES.get(answer["code"], answer["code"])
        return answer

    def _drop_indexes(self, database: str, request: Request) -> Answer:
        self._database.row(f"CALL {_API}.drop_indexes($1, $2{_BSON}, NULL)", database, request.raw)
        return {"ok": 1.0}

    def _of_collection(self, database: str, request: Request) -> Answer:
        verb, collection = next(iter(request.document.items()))
        if verb.lower() == "collstats":
            return self._call("coll_stats", "whole", database, collection)
        self._database.row(f"SELECT {_API}.{verb}_collection($1, $2)", database, collection)
        return {"ok": 1.0, "ns": f"{database}.{collection}"}

    def _of_database(self, database: str, request: Request) -> Answer:
        if _name(request).lower() == "dbstats":
            return self._call("db_stats", "whole", database)
        self._database.row(f"SELECT {_API}.drop_database($1)", database)
        return {"ok": 1.0, "dropped": database}

    def _explain(self, database: str, request: Request) -> Answer:
        return explain(self._database, database, request.document["explain"])

    def _list_databases(self, database: str, request: Request) -> Answer:
        return self._call("list_databases", "whole", request.raw)


def _name(request: Request) -> str:
    """Return what a command is called."""
    return next(iter(request.document))


def _document(row: Row) -> bytes:
    (document,) = row
    assert document is not None
    return document


def _refusal(code: int, message: str) -> Document:
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": _NAMES.get(code, "InternalError")}


def _yes(database: str, request: Request) -> Answer:
    return {"ok": 1.0}


def _hello(database: str, request: Request) -> Answer:
    return {
        "ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000,
        "maxWriteBatchSize": 100000, "localTime": _CLOCK.now(), "minWireVersion": 0, "maxWireVersion": 21,
        "readOnly": False, "ok": 1.0,
    }  # fmt: skip


def _build_info(database: str, request: Request) -> Answer:
    numbers = [*map(int, _VERSION.split(".")), 0]
    return {"version": _VERSION, "versionArray": numbers, "maxBsonObjectSize": 16777216, "modules": ["documentdb"], "ok": 1.0}


def _parameter(database: str, request: Request) -> Answer:
    return {"featureCompatibilityVersion": {"version": "7.0"}, "ok": 1.0}


def _server_status(database: str, request: Request) -> Answer:
    return {"version": _VERSION, "process": "documentdb-gateway", "connections": {"current": 1}, "ok": 1.0}


def _connection_status(database: str, request: Request) -> Answer:
    return {"authInfo": {"authenticatedUsers": [], "authenticatedUserRoles": []}, "ok": 1.0}

"""What does a MongoDB command mean to PostgreSQL? A call of one function of the DocumentDB extension; it holds all the semantics.

A command's BSON goes to the extension as it came, and its answer comes back as BSON. What is said here by hand is what a driver asks
a server about itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import bson

from system.clock import RealClock
from tests.services.gateway_explain import explain
from tests.services.gateway_wire import Document, Request

_API = "documentdb_api"
_BSON = "::bytea::documentdb_core.bson"
_SEQUENCE = "::bytea::documentdb_core.bsonsequence"
_VERSION = "7.0.77"
# What a driver adds for servers with sessions and transactions; this one has none.
_NOT_OURS = ("lsid", "$db", "$clusterTime", "txnNumber", "$readPreference", "apiVersion", "apiStrict")
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
    """Answers commands from one database. What a client's cursors continue from is kept here."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._continuations: dict[int, bytes] = {}
        self._verbs: dict[str, Callable[[str, Document, Request], Awaitable[Document]]] = {
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

    async def answer(self, request: Request) -> Document:
        """Return the answer to a command, a refusal being one. Raises what says that the database itself is away."""
        try:
            return await self._do(request)
        except Refused as error:
            return _refusal(error.code, str(error))
        except asyncpg.PostgresError as error:
            if (error.sqlstate or "").startswith(("08", "57P")):  # it goes down, or is not up yet
                raise ConnectionError(str(error)) from error
            return _refusal(_CODES.get(error.sqlstate or "", 1), str(error))

    async def _do(self, request: Request) -> Document:
        command = dict(request.document)
        name = next(iter(command))
        database = command.get("$db", "admin")
        for key in _NOT_OURS:
            command.pop(key, None)
        verb = self._verbs.get(name.lower())
        if verb is None:
            raise Refused(59, f"no such command: '{name}'")
        return await verb(database, command, request)

    async def _row(self, statement: str, *values: object) -> Any:
        async with self._pool.acquire() as connection:
            return await connection.fetchrow(statement, *values)

    async def _call(self, function: str, result: str, *values: object) -> Document:
        """Return the document in `result` of a function; a document among `values` goes there as BSON."""
        places = ", ".join(f"${n}" + (_BSON if isinstance(value, bytes) else "") for n, value in enumerate(values, 1))
        row = await self._row(f"SELECT {result}::bytea AS answer FROM {_API}.{function}({places}) AS whole", *values)
        return bson.decode(row["answer"])

    async def _write(self, database: str, command: Document, request: Request) -> Document:
        name = next(iter(command))
        row = await self._row(
            f"SELECT p_result::bytea AS answer FROM {_API}.{name}($1, $2{_BSON}, $3{_SEQUENCE})",
            database, bson.encode(command), next(iter(request.sequences.values()), None),
        )  # fmt: skip
        answer = bson.decode(row["answer"])
        for error in answer.get("writeErrors", ()):
            error["code"] = _PACKED_CODES.get(error["code"], error["code"])
        return answer

    async def _find_and_modify(self, database: str, command: Document, request: Request) -> Document:
        return await self._call("find_and_modify", "p_result", database, bson.encode(command))

    async def _query(self, database: str, command: Document, request: Request) -> Document:
        return await self._call(f"{next(iter(command))}_query", "document", database, bson.encode(command))

    async def _open_cursor(self, database: str, command: Document, request: Request) -> Document:
        name = next(iter(command)).lower()
        function = {"listcollections": "list_collections", "listindexes": "list_indexes"}.get(name, name)
        return await self._page(f"{function}_cursor_first_page($1, $2{_BSON})", database, bson.encode(command))

    async def _get_more(self, database: str, command: Document, request: Request) -> Document:
        before = self._continuations.pop(command["getMore"], None)
        if before is None:
            raise Refused(43, f"cursor id {command['getMore']} not found")
        return await self._page(f"cursor_get_more($1, $2{_BSON}, $3{_BSON})", database, bson.encode(command), before)

    async def _page(self, call: str, *values: object) -> Document:
        row = await self._row(f"SELECT cursorpage::bytea AS page, continuation::bytea AS continuation FROM {_API}.{call}", *values)
        page = bson.decode(row["page"])
        cursor = page["cursor"]["id"]
        if cursor and row["continuation"]:
            self._continuations[cursor] = row["continuation"]
        return page

    async def _kill_cursors(self, database: str, command: Document, request: Request) -> Document:
        killed = [cursor for cursor in command["cursors"] if self._continuations.pop(cursor, None)]
        return {"cursorsKilled": killed, "cursorsNotFound": [], "cursorsAlive": [], "cursorsUnknown": [], "ok": 1.0}

    async def _create_indexes(self, database: str, command: Document, request: Request) -> Document:
        row = await self._row(
            f"SELECT documentdb_api_internal.create_indexes_non_concurrently($1, $2{_BSON}, true)::bytea AS answer",
            database, bson.encode(command),
        )  # fmt: skip
        answer = bson.decode(row["answer"])
        answer = next(iter(answer["raw"].values()), answer) if "raw" in answer else answer
        answer.setdefault("ok", 1.0)
        if "code" in answer:
            answer["code"] = _PACKED_CODES.get(answer["code"], answer["code"])
        return answer

    async def _drop_indexes(self, database: str, command: Document, request: Request) -> Document:
        await self._row(f"CALL {_API}.drop_indexes($1, $2{_BSON}, NULL)", database, bson.encode(command))
        return {"ok": 1.0}

    async def _of_collection(self, database: str, command: Document, request: Request) -> Document:
        verb, collection = next(iter(command.items()))
        if verb.lower() == "collstats":
            return await self._call("coll_stats", "whole", database, collection)
        await self._row(f"SELECT {_API}.{verb}_collection($1, $2)", database, collection)
        return {"ok": 1.0, "ns": f"{database}.{collection}"}

    async def _of_database(self, database: str, command: Document, request: Request) -> Document:
        if next(iter(command)).lower() == "dbstats":
            return await self._call("db_stats", "whole", database)
        await self._row(f"SELECT {_API}.drop_database($1)", database)
        return {"ok": 1.0, "dropped": database}

    async def _explain(self, database: str, command: Document, request: Request) -> Document:
        return await explain(self._pool, database, command["explain"])

    async def _list_databases(self, database: str, command: Document, request: Request) -> Document:
        return await self._call("list_databases", "whole", bson.encode(command))


def _refusal(code: int, message: str) -> Document:
    return {"ok": 0.0, "errmsg": message, "code": code, "codeName": _NAMES.get(code, "InternalError")}


async def _yes(database: str, command: Document, request: Request) -> Document:
    return {"ok": 1.0}


async def _hello(database: str, command: Document, request: Request) -> Document:
    return {
        "ismaster": True, "isWritablePrimary": True, "helloOk": True, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000,
        "maxWriteBatchSize": 100000, "localTime": _CLOCK.now(), "minWireVersion": 0, "maxWireVersion": 21,
        "readOnly": False, "ok": 1.0,
    }  # fmt: skip


async def _build_info(database: str, command: Document, request: Request) -> Document:
    numbers = [*map(int, _VERSION.split(".")), 0]
    return {"version": _VERSION, "versionArray": numbers, "maxBsonObjectSize": 16777216, "modules": ["documentdb"], "ok": 1.0}


async def _parameter(database: str, command: Document, request: Request) -> Document:
    return {"featureCompatibilityVersion": {"version": "7.0"}, "ok": 1.0}


async def _server_status(database: str, command: Document, request: Request) -> Document:
    return {"version": _VERSION, "process": "documentdb-gateway", "connections": {"current": 1}, "ok": 1.0}


async def _connection_status(database: str, command: Document, request: Request) -> Document:
    return {"authInfo": {"authenticatedUsers": [], "authenticatedUserRoles": []}, "ok": 1.0}

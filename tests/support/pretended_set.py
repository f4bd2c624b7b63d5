"""How does a test meet a replica set where there is one server? A relay that greets as a set of one, and tells times as a set does.

It shows what the store sends to a set: sessions, concerns, times to wait for. What a failover makes of them, only a real set can show.
"""

from __future__ import annotations

import asyncio
import struct
from contextlib import closing, suppress
from typing import Self
from urllib.parse import urlsplit

import bson
from bson.int64 import Int64
from bson.timestamp import Timestamp

from tests.services.gateway_wire import HEAD, OP_MSG, Document, Request, answer, parse
from tests.support.relay import LOOPBACK, Relay

_GREETINGS = ("hello", "ismaster")


class PretendedSet:
    """A replica set of one, before the server that `url` names. `asked` is what was sent to it, greetings left out, each with the
    time that was `told` with its answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        self._to = (parts.hostname, parts.port or 27017)
        self._seconds = 0
        self.asked: list[Document] = []
        self._relay = Relay("set")
        self._server: asyncio.Server = self._relay.do(self._relay.serve(self._serve))
        self._port = self._server.sockets[0].getsockname()[1]
        # A server that is alone takes no numbers of transactions, with which a driver repeats writes.
        self.url = parts._replace(netloc=f"{LOOPBACK}:{self._port}", query="replicaSet=rs&retryWrites=false").geturl()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._relay.do(self._relay.stop(self._server))
        self._relay.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            answers, server = await self._relay.connect(self._to)
            with closing(server):
                while True:
                    length, number, _, operation = HEAD.unpack(await reader.readexactly(HEAD.size))
                    request = parse(number, operation, await reader.readexactly(length - HEAD.size))
                    server.write(_passed_on(request))
                    size = HEAD.unpack(await answers.readexactly(HEAD.size))[0]
                    found = bson.decode((await answers.readexactly(size - HEAD.size))[5:])
                    writer.write(answer(request, number, self._told(request, found)))

    def _told(self, request: Request, found: Document) -> Document:
        """Return a server's answer as a set's."""
        if next(iter(request.document)).lower() in _GREETINGS:
            me = f"{LOOPBACK}:{self._port}"
            found |= {"setName": "rs", "setVersion": 1, "hosts": [me], "me": me, "primary": me, "logicalSessionTimeoutMinutes": 30}
            found.pop("topologyVersion", None)
        self._seconds += 1
        time = Timestamp(self._seconds, 1)
        if "setName" not in found:
            self.asked.append(request.document | {"told": time})
        return found | {"operationTime": time, "$clusterTime": {"clusterTime": time, "signature": {"hash": bytes(20), "keyId": Int64(0)}}}


def _passed_on(request: Request) -> bytes:
    """Return a request without what only a set takes."""
    document = {name: value for name, value in request.document.items() if name not in ("$clusterTime", "lsid")}
    if "readConcern" in document:
        document["readConcern"] = {name: value for name, value in document["readConcern"].items() if name != "afterClusterTime"}
    sections = b"\0" + bson.encode(document | {"$db": document.get("$db", "admin")})
    for name, sequence in request.sequences.items():
        sections += b"\1" + struct.pack("<i", len(name) + 5 + len(sequence)) + name.encode() + b"\0" + sequence
    body = struct.pack("<I", 0) + sections
    return HEAD.pack(HEAD.size + len(body), request.number, 0, OP_MSG) + body

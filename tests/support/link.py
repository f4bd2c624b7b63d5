"""How does a test part a process from its server? A TCP link between them that can hang, refuse, be cut and be mended.

Processes connect to `port` instead of the server's: servers need no restart for it, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from tests.support.relay import LOOPBACK, Relay

_PIECE = 1 << 16


class Link:
    """A link to the server that `url` names. It is open at first; every verb returns once it holds.

    With `tls` whoever connects to it speaks TLS, and is shown what that holds; the server behind it does not.
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._to = (parts.hostname, parts.port)
        self._tls = tls
        self._relay = Relay("link")
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self._is_closed = False
        self.port = 0
        self._relay.do(self._open())
        who, at, _ = parts.netloc.rpartition("@")
        self.url = parts._replace(netloc=f"{who}{at}{LOOPBACK}:{self.port}").geturl()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hang(self) -> None:
        """Let nothing through, without saying so: as a server that stands still, or a cable that was pulled."""
        self._relay.do(self._stop_flow())

    def refuse(self) -> None:
        """Reset what is connected, and refuse who comes: as a server that was killed."""
        self._relay.do(self._refuse())

    def cut(self) -> None:
        """Reset what is connected now; who comes anew is let through."""
        self._relay.do(self._reset())

    def mend(self) -> None:
        """Let everything through again. What was held up arrives."""
        self._relay.do(self._open())

    def close(self) -> None:
        """End it."""
        if not self._is_closed:
            self._is_closed = True
            self._relay.do(self._refuse())
            self._relay.close()

    async def _open(self) -> None:
        if self._server is None:
            self._server = await self._relay.serve(self._connect, self.port, tls=self._tls)
            self.port = self._server.sockets[0].getsockname()[1]
        self._flows.set()

    async def _stop_flow(self) -> None:
        self._flows.clear()

    async def _refuse(self) -> None:
        if self._server:
            server, self._server = self._server, None
            await self._relay.stop(server)
        await self._reset()

    async def _reset(self) -> None:
        self._flows.set()  # who waits to pass something on finds its end gone
        for end in self._relay.ends:
            _reset(end)
        if self._relay.talks:
            await asyncio.wait(self._relay.talks)

    async def _connect(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            await self._flows.wait()
            if near.transport.is_closing():
                return
            answers, far = await self._relay.connect(self._to)
            try:
                await asyncio.gather(self._pump(reader, far), self._pump(answers, near))
            finally:
                far.close()
                self._relay.ends.discard(far)
        except OSError:
            _reset(near)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            if writer.can_write_eof():
                writer.write_eof()
            else:  # TLS has no half that ends alone
                writer.close()


def _reset(end: asyncio.StreamWriter) -> None:
    """Close at once, so that the other side is told of it as of a fault."""
    if not end.transport.is_closing():
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()

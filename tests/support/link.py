"""How does a test part a process from its server? A TCP link between them that can hang, refuse, be cut and be mended.

Processes connect to `port` instead of the server's: servers need no restart for it, and nobody else notices.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any, Self
from urllib.parse import urlsplit

_LOOPBACK = "127.0.0.1"
_PATIENCE_S = 10.0
_PIECE = 1 << 16


class Link:
    """A link to the server that `url` names. It is open at first; every verb returns once it holds."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._to = (parts.hostname, parts.port)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="link", daemon=True)
        self._thread.start()
        self._ends: set[asyncio.StreamWriter] = set()
        self._talks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._flows = asyncio.Event()
        self.port = 0
        self._do(self._open())
        who, at, _ = parts.netloc.rpartition("@")
        self.url = parts._replace(netloc=f"{who}{at}{_LOOPBACK}:{self.port}").geturl()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def hang(self) -> None:
        """Let nothing through, without saying so: as a server that stands still, or a cable that was pulled."""
        self._do(self._stop_flow())

    def refuse(self) -> None:
        """Reset what is connected, and refuse who comes: as a server that was killed."""
        self._do(self._refuse())

    def cut(self) -> None:
        """Reset what is connected now; who comes anew is let through."""
        self._do(self._reset())

    def mend(self) -> None:
        """Let everything through again. What was held up arrives."""
        self._do(self._open())

    def close(self) -> None:
        """End it."""
        if self._thread.is_alive():
            self._do(self._refuse())
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_S)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())  # what is closed is let go of one round later
            self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._connect, _LOOPBACK, self.port)
            self.port = self._server.sockets[0].getsockname()[1]
        self._flows.set()

    async def _stop_flow(self) -> None:
        self._flows.clear()

    async def _refuse(self) -> None:
        if self._server:
            self._server.close()
            self._server = None
        await self._reset()

    async def _end(self) -> None:
        """End whoever came while the rest was ended."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset(self) -> None:
        self._flows.set()  # who waits to pass something on finds its end gone
        for end in self._ends:
            _reset(end)
        if self._talks:
            await asyncio.wait(self._talks)

    async def _connect(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        self._ends.add(near)
        far: asyncio.StreamWriter | None = None
        try:
            await self._flows.wait()
            if near.transport.is_closing():
                return
            answers, far = await asyncio.open_connection(*self._to)
            self._ends.add(far)
            await asyncio.gather(self._pump(reader, far), self._pump(answers, near))
        except OSError:
            _reset(near)
        finally:
            for end in (near, far):
                if end:
                    end.close()
                    self._ends.discard(end)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_PIECE):
            await self._flows.wait()
            writer.write(data)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


def _reset(end: asyncio.StreamWriter) -> None:
    """Close at once, so that the other side is told of it as of a fault."""
    if not end.transport.is_closing():
        end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.transport.abort()

"""How does a test stand between two who talk by TCP? By a loop in a thread of its own, which leaves no connection open behind it."""

from __future__ import annotations

import asyncio
import ssl
import types
from collections.abc import Callable, Coroutine, Generator
from threading import Thread
from typing import Any

LOOPBACK = "127.0.0.1"
_PATIENCE_S = 10.0
_ACCEPTING = "_accept_connection2"  # asyncio's task between a connection that came and its talk

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@types.coroutine
def next_round() -> Generator[None, None, None]:
    """Let the loop go on by one round; no clock has a part in it."""
    yield


class Relay:
    """A loop that serves connections. Whatever it has accepted or made is in `ends` until it is closed, each talk in `talks`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        self.ends: set[asyncio.StreamWriter] = set()
        self.talks: set[asyncio.Task[None]] = set()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Do `work` in the loop, and return what it does."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def serve(self, talk: Talk, port: int = 0, *, tls: ssl.SSLContext | None = None) -> asyncio.Server:
        """Have `talk` called with each connection to `port`, 0 for a free one; by TLS where there is something to show."""

        def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Noted at once: a talk that is cancelled before its first step would leave its connection open.
            self.ends.add(writer)
            task = self._loop.create_task(talk(reader, writer))
            self.talks.add(task)
            task.add_done_callback(lambda _: self._over(task, writer))

        return await asyncio.start_server(accepted, LOOPBACK, port, ssl=tls)

    async def stop(self, server: asyncio.Server) -> None:
        """Close what `serve` began. A connection that is being accepted then would be left open by asyncio, so those come first."""
        while any(getattr(task.get_coro(), "__name__", "") == _ACCEPTING for task in asyncio.all_tasks()):
            await next_round()
        server.close()

    async def connect(self, to: tuple[str, int]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to a host and port."""
        reader, writer = await asyncio.open_connection(*to)
        self.ends.add(writer)
        return reader, writer

    def close(self) -> None:
        """End all talks and connections, also those that come meanwhile; the servers are stopped already."""
        if not self._loop.is_closed():
            self.do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(_PATIENCE_S)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())  # what is closed is let go of one round later
            self._loop.close()

    def _over(self, task: asyncio.Task[None], writer: asyncio.StreamWriter) -> None:
        self.talks.discard(task)
        writer.close()
        self.ends.discard(writer)

    async def _end(self) -> None:
        me, told = asyncio.current_task(), set[asyncio.Task[None]]()
        while asyncio.all_tasks() != {me}:
            for task in self.talks - told:
                task.cancel()
                told.add(task)
            await next_round()  # a connection that was being accepted begins its talk, or it would be left open
        for end in list(self.ends):
            end.close()
        await next_round()

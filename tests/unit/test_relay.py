"""Does a relay of the tests leave nothing open, whenever it is ended?"""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import suppress

import pytest

from tests.support.relay import LOOPBACK, Relay, next_round


async def pause() -> None:
    await next_round()


async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


@pytest.mark.parametrize("turns", range(12))
def test_who_comes_while_it_ends_is_let_go_of(turns: int) -> None:
    relay = Relay("test")
    server: asyncio.Server = relay.do(relay.serve(listen))
    with socket.create_connection((LOOPBACK, server.sockets[0].getsockname()[1]), timeout=5) as client:
        for _ in range(turns):  # so far the loop has come with accepting it, which takes some
            relay.do(pause())
        relay.do(relay.stop(server))
        relay.close()
        gc.collect()  # what is let go of unclosed warns here, and a warning is an error
        assert not relay.ends
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""

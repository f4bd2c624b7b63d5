"""How does a MongoDB client talk to PostgreSQL? Through this program, for tests where no mongod can be had.

python -m tests.services.gateway --database postgresql://postgres@127.0.0.1:9712/postgres --address 127.0.0.1 --port 27017
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
from collections.abc import Sequence

import asyncpg
import uvloop

from tests.services.gateway_commands import Commands
from tests.services.gateway_wire import HEAD, Malformed, answer, parse

_LONGEST_MESSAGE = 64 << 20


class Gateway:
    """Serves each client in turn with its commands, one after the other."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands
        self._numbers = itertools.count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it goes; where the database is away its line is cut, as a server that is away would."""
        try:
            while True:
                await self._serve_one(reader, writer)
        except (asyncio.IncompleteReadError, OSError, Malformed, asyncpg.InterfaceError):
            return
        finally:
            writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length, number, _, operation = HEAD.unpack(await reader.readexactly(HEAD.size))
        request = parse(number, operation, await reader.readexactly(length - HEAD.size))
        document = await self._commands.answer(request)
        if request.wants_answer:
            writer.write(answer(request, next(self._numbers), document))
            await writer.drain()


class Kept(asyncpg.Connection):  # type: ignore[misc]
    """A connection that is not reset after each use: no command of ours changes its settings, and a reset costs as much as a command."""

    def get_reset_query(self) -> str:
        """Return nothing to do."""
        return ""


async def serve(database: str, address: str, port: int) -> None:
    """Serve until the process is ended."""
    async with asyncpg.create_pool(database, min_size=2, max_size=60, connection_class=Kept) as pool:
        server = await asyncio.start_server(Gateway(Commands(pool)).serve, address, port, limit=_LONGEST_MESSAGE)
        async with server:
            await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line and serve."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", required=True)
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=27017)
    given = options.parse_args(argv)
    uvloop.run(serve(given.database, given.address, given.port))


if __name__ == "__main__":
    main()

"""How does a MongoDB client talk to PostgreSQL? Through this program, for tests where no mongod can be had.

python -m tests.services.gateway --database postgresql://postgres@127.0.0.1:9712/postgres --address 127.0.0.1 --port 27017
"""

from __future__ import annotations

import argparse
import itertools
import socketserver
from collections.abc import Sequence

from tests.services.gateway_commands import Commands
from tests.services.gateway_database import Database
from tests.services.gateway_wire import HEAD, Malformed, answer, parse


class Gateway(socketserver.ThreadingTCPServer):
    """Serves each client in a thread with its commands, one after the other. All that costs time there waits outside of Python."""

    allow_reuse_address = daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], commands: Commands) -> None:
        self.commands = commands
        self.numbers = itertools.count(1)
        super().__init__(address, _Client)


class _Client(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Gateway

    def handle(self) -> None:
        """Answer one client until it goes; where the database is away its line is cut, as a server that is away would."""
        try:
            while head := self.rfile.read(HEAD.size):
                self._serve_one(*HEAD.unpack(head))
        except (OSError, Malformed):
            return

    def _serve_one(self, length: int, number: int, _answered: int, operation: int) -> None:
        request = parse(number, operation, self.rfile.read(length - HEAD.size))
        document = self.server.commands.answer(request)
        if request.wants_answer:
            self.wfile.write(answer(request, next(self.server.numbers), document))


def main(argv: Sequence[str] | None = None) -> None:
    """Read the command line, and serve until the process is ended."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--database", required=True)
    options.add_argument("--address", default="127.0.0.1")
    options.add_argument("--port", type=int, default=27017)
    given = options.parse_args(argv)
    with Gateway((given.address, given.port), Commands(Database(given.database))) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()

"""How does a consumer learn at once that something was published, and the others that it has died? By a socket that it holds open.

Each consumer binds a Unix datagram socket, and beside it puts a file with the names of its queues. Whoever publishes sends one byte to
the sockets of that queue's consumers. A socket whose owner has gone refuses: that is how a death is seen, whatever killed it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from system.errors import BrokerError

SOCKET = ".sock"
QUEUES = ".queues"
# What a socket's address may be long, its closing zero included.
ADDRESS_LIMIT = 108
_KIND = (socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)


class Belfry:
    """The folder of all bells. Any thread may ring."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        with _refusing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            # Through it a socket is reached by a short address, however deep the folder lies.
            self._fd = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._hand = socket.socket(*_KIND)
        # A bell's queues never change and its name is never used again, so what was read once stays true.
        self._known: dict[str, frozenset[str]] = {}

    def hang(self, queues: Sequence[str]) -> Doorbell:
        """Return a new bell for a consumer of `queues`."""
        name = f"{os.getpid()}-{uuid4().hex[:12]}"
        bell = socket.socket(*_KIND)
        try:
            with _refusing(self.folder):
                bell.bind(self._address(name))
                # Last, and whole: a bell that is listed can be rung.
                draft = self.folder / f".{name}"
                draft.write_text(json.dumps(list(queues)))
                draft.rename(self.folder / f"{name}{QUEUES}")
        except BaseException:
            bell.close()
            raise
        return Doorbell(self, name, bell)

    def ring(self, queues: Collection[str], *, but: str = "") -> None:
        """Ring the bells of those who consume one of `queues`. One that hangs no more, or was rung before, is no fault."""
        self.ring_these([name for name, of in self._listed().items() if name != but and not of.isdisjoint(queues)])

    def ring_these(self, names: Sequence[str]) -> None:
        """Ring the bells of those names."""
        for name in names:
            # Refused or gone: its owner is dead; whoever looks at the messages it holds will find that out, and take the bell down.
            with _refusing(self.folder), suppress(BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                self._hand.sendto(b"!", self._address(name))

    def is_alive(self, name: str) -> bool:
        """Return whether the owner of a bell lives. Its bell is not rung."""
        with _refusing(self.folder), socket.socket(*_KIND) as hand:
            try:
                hand.connect(self._address(name))
            except (ConnectionRefusedError, FileNotFoundError):
                return False
        return True

    def sweep(self) -> list[str]:
        """Take down the bells of the dead; returns their names."""
        with _refusing(self.folder):
            names = {Path(file).stem for file in os.listdir(self._fd) if file.endswith(SOCKET)}  # noqa: PTH208  pathlib lists no descriptor
        dead = sorted(name for name in names if not self.is_alive(name))
        for name in dead:
            self.take_down(name)
        return dead

    def take_down(self, name: str) -> None:
        """Remove a bell's files. Idempotent."""
        self._known.pop(name, None)
        for file in (f"{name}{QUEUES}", f"{name}{SOCKET}"):
            (self.folder / file).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the folder."""
        self._hand.close()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _listed(self) -> dict[str, frozenset[str]]:
        """Return the queues of each bell that hangs. The folder is read each time (20 microseconds): its date is too coarse to trust."""
        with _refusing(self.folder):
            names = {file.removesuffix(QUEUES) for file in os.listdir(self._fd) if file.endswith(QUEUES)}  # noqa: PTH208
        self._known = {name: self._known.get(name) or self._read(name) for name in names}
        return self._known

    def _read(self, name: str) -> frozenset[str]:
        try:
            return frozenset(json.loads((self.folder / f"{name}{QUEUES}").read_text()))
        except (FileNotFoundError, ValueError):  # taken down just now, or not ours
            return frozenset()

    def _address(self, name: str) -> str:
        direct = f"{self.folder}/{name}{SOCKET}"
        return direct if len(os.fsencode(direct)) < ADDRESS_LIMIT else f"/proc/self/fd/{self._fd}/{name}{SOCKET}"


class Doorbell:
    """A consumer's own bell. `name` is the consumer's name as well."""

    def __init__(self, belfry: Belfry, name: str, bell: socket.socket) -> None:
        self.name = name
        self._belfry = belfry
        self._bell = bell

    def fileno(self) -> int:
        """Return the descriptor that is readable once it was rung; -1 after `close`."""
        return self._bell.fileno()

    def quiet(self) -> None:
        """Forget that it was rung. To be called before looking for messages, so that a ring in between is kept."""
        with suppress(BlockingIOError):
            while True:
                self._bell.recv(16)

    def ring(self) -> None:
        """Ring it oneself: there may be more."""
        self._belfry.ring_these([self.name])

    def close(self) -> None:
        """Take it down. Idempotent."""
        if self._bell.fileno() >= 0:
            self._belfry.take_down(self.name)
            self._bell.close()


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BrokerError(
            f"the folder of doorbells {folder} can't be used: {error.strerror or error}; check its permissions and the free space, "
            "or name another folder for what Horarium keeps"
        ) from error

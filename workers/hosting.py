"""How does a worker speak to the forkserver that hosts its slots? One process, a few verbs, and what it tells of its own accord."""

from __future__ import annotations

import json
import logging
import os
import secrets
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from system.errors import SlotError
from workers.leftovers import HOST_MARK, end_marked

log = logging.getLogger(__name__)

_MESSAGE_BYTES = 1 << 16
_START_WAIT_MS = 10_000
_ROOT = Path(__file__).resolve().parent.parent


class Hosting:
    """The forkserver as its worker sees it. `extend` may be called from any thread, the rest under the caller's lock.

    `marks` stand in the environment of all that it starts. After `is_gone` turned True nothing works but `restart` and `close`.
    """

    def __init__(self, place: Mapping[str, object], marks: Mapping[str, str]) -> None:
        self._place = json.dumps(dict(place))
        self._marks = {**marks, HOST_MARK: secrets.token_hex(8)}
        self._until_s = 0.0
        self.is_gone = False
        self._launch()

    def _launch(self) -> None:
        self._control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_ROOT / "workers" / "host.py"), str(far.fileno()), self._place],
                stdin=subprocess.DEVNULL, pass_fds=[far.fileno()], env={**os.environ, **self._marks}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._control.close()
            raise SlotError(f"the slots' host could not be started: {error}") from error
        finally:
            far.close()
        if not self.wait(_START_WAIT_MS) or not (greeting := self.read()):
            self._process.kill()
            self._process.wait()
            self._control.close()
            raise SlotError("the slots' host did not come up; what it printed is in this worker's log or terminal")
        for note in greeting[0][1]:
            log.warning("%s", note)
        self.is_gone = False

    def fileno(self) -> int:
        """Return the descriptor that becomes readable when the forkserver says something."""
        return self._control.fileno()

    def wait(self, milliseconds: float) -> bool:
        """Wait until there is something to read; returns False when the time is up first."""
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        return bool(poll.poll(milliseconds))

    def read(self) -> list[tuple[str, list[Any]]]:
        """Return what the forkserver said, without waiting: (`exited`, [number, how, cause]), (`expired`, []), (`empty`, [id])."""
        found: list[tuple[str, list[Any]]] = []
        while True:
            try:
                data = self._control.recv(_MESSAGE_BYTES, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return found
            except OSError:
                data = b""
            if not data:
                self.is_gone = True
                return found
            what, facts = json.loads(data)
            found.append((what, facts))

    def start(self, number: int, kind: str, scratch: Path, line: socket.socket) -> None:
        """Have a slot (`kind` `function`) or a guardian (`command`) started at the other end of `line`."""
        message = json.dumps({"do": "start", "number": number, "kind": kind, "scratch": str(scratch)}).encode()
        self._try(lambda: socket.send_fds(self._control, [message], [line.fileno()]))

    def ask(self, number: int) -> None:
        """Ask a slot to end: SIGTERM."""
        self._send({"do": "ask", "number": number})

    def kill(self, number: int) -> None:
        """Kill a slot; what it started goes with it."""
        self._send({"do": "kill", "number": number})

    def end_all(self, request: int) -> None:
        """Kill all slots; `empty` with this number follows when nothing is left."""
        self._send({"do": "end_all", "id": request})

    def extend(self, until_s: float) -> None:
        """Let slots live until `until_s` of the clock's `monotonic`."""
        self._until_s = until_s
        self._send({"do": "extend", "until_s": until_s})

    def restart(self) -> None:
        """End what is left of a forkserver that is gone or does not answer, with all that it started, and start another."""
        self.close(0.0)
        self._launch()
        if self._until_s:
            self.extend(self._until_s)

    def close(self, patience_s: float) -> None:
        """End the forkserver with all that it started. It has `patience_s` to do that by itself."""
        self._control.close()
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.returncode != 0:  # else it saw to the end of all by itself
            end_marked({HOST_MARK: self._marks[HOST_MARK]})

    def _send(self, message: Mapping[str, object]) -> None:
        data = json.dumps(message).encode()
        self._try(lambda: self._control.send(data))

    def _try(self, call: Callable[[], object]) -> None:
        try:
            call()
        except OSError:  # the worker's thread finds out by reading, and starts another
            self.is_gone = True

"""Who starts a worker's slots, and ends them? A process of one thread that was started before the worker had threads or connections.

It forks slots and guardians on request, reaps them, and tells of an exit only when nothing of what they started is left. It holds the
time until which slots may live and kills them all past it, whatever the worker does. When the worker is gone, it ends all and itself.
It only ever waits: no polling.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from system.clock import RealClock
from workers.guardian import run_guardian
from workers.linux import Alarm, adopt_orphans, children, die_with_parent, how_it_ended, kill
from workers.slot import Place, run_slot

_MESSAGE_BYTES = 1 << 16
_DYING_S = 5.0  # after which what was killed counts as beyond us: it hangs in the kernel, or another process traces it
_DEFAULTS = (signal.SIGCHLD, signal.SIGHUP)


class Exit(NamedTuple):
    """The end of a slot. `cause` is why we killed it: `expired`, `ended`; empty where it ended by itself or by someone else.
    `refused` and `failed` mean that it never began: the worker's time was over, or there was no process to be had.
    """

    number: int
    how: str
    cause: str


class ForkServer:
    """Holds a worker's slots. Belongs to the only thread of its process."""

    def __init__(self, control: socket.socket, place: Place, monotonic: Callable[[], float]) -> None:
        self._control = control
        self._place = place
        self._monotonic = monotonic
        self._me = os.getpid()
        self._selector = selectors.DefaultSelector()
        self._alarm = Alarm()
        self._slots: dict[int, int] = {}
        self._causes: dict[int, str] = {}
        self._gone: list[Exit] = []
        self._beyond_us: set[int] = set()
        self._killed: dict[int, float] = {}  # strangers that have not died yet, and since when
        self._asked_for_emptiness: list[int] = []
        self._until_s = 0.0
        self._is_open = True

    def run(self) -> None:
        """Serve until the worker is gone; nothing is left then."""
        notes = [] if adopt_orphans() else ["this kernel has no subreapers: what a job detaches from itself can't be ended"]
        self._wake_by_signals()
        self._selector.register(self._control, selectors.EVENT_READ, self._hear)
        if self._alarm.fileno() >= 0:
            self._selector.register(self._alarm.fileno(), selectors.EVENT_READ, lambda: None)
        self._say("ready", notes)
        while self._is_open:
            for key, _ in self._selector.select(self._wait_s()):
                key.data()
            self._expire()
            self._reap()
        self._leave()

    # -- what the worker asks for

    def _hear(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 1)
        except ConnectionResetError:
            data, fds = b"", []
        if not data:
            self._is_open = False
            return
        message = json.loads(data)
        verb = message["do"]
        if verb == "start":
            self._start(message["number"], message["kind"], message["scratch"], fds)
        elif verb == "extend":
            self._until_s = message["until_s"]
            self._alarm.set(self._until_s)
        elif verb == "end_all":
            self._kill_all("ended")
            self._asked_for_emptiness.append(message["id"])
        else:
            self._signal(message["number"], signal.SIGKILL if verb == "kill" else signal.SIGTERM)

    def _signal(self, number: int, signal_number: int) -> None:
        for pid, slot in self._slots.items():
            if slot == number:  # not reaped yet, so the pid is its own
                os.kill(pid, signal_number)

    def _start(self, number: int, kind: str, scratch: str, fds: list[int]) -> None:
        line = socket.socket(fileno=fds[0])
        if self._monotonic() >= self._until_s:
            self._gone.append(Exit(number, "not started: the worker's time is over", "refused"))
        else:
            self._fork(number, kind, scratch, line)
        line.close()

    def _fork(self, number: int, kind: str, scratch: str, line: socket.socket) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # until the child has its own way to take it
        try:
            pid = os.fork()
        except OSError as error:
            self._gone.append(Exit(number, f"a slot can't be forked: {error}", "failed"))
        else:
            if pid == 0:
                self._become(kind, scratch, line)
            self._slots[pid] = number
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})

    def _become(self, kind: str, scratch: str, line: socket.socket) -> None:
        """Be a slot or a guardian, in the child; never returns."""
        try:
            self._let_go()
            os.setsid()
            adopt_orphans()
            if kind == "command":
                die_with_parent(self._me, signal.SIGTERM)
                run_guardian(line, self._place, self._monotonic)
            else:
                die_with_parent(self._me, signal.SIGKILL)
                run_slot(line, scratch, self._place, self._monotonic)
        except BaseException:  # noqa: BLE001  the edge of a process's life; it is told where the slot prints, and by the exit code
            traceback.print_exc()
        finally:
            os._exit(70)

    def _let_go(self) -> None:
        signal.set_wakeup_fd(-1)
        for number in _DEFAULTS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self._selector.close()
        self._alarm.close()
        self._control.close()
        self._woken.close()
        self._waker.close()

    # -- time

    def _wait_s(self) -> float | None:
        moments = [at_s + _DYING_S for at_s in self._killed.values()]
        if self._alarm.fileno() < 0 and self._slots:
            moments.append(self._until_s)
        return max(0.0, min(moments) - self._monotonic()) if moments else None

    def _expire(self) -> None:
        if self._until_s and self._monotonic() >= self._until_s:
            self._until_s = 0.0
            self._alarm.set(0.0)
            self._kill_all("expired")
            self._say("expired", [])

    # -- ends

    def _kill_all(self, cause: str) -> None:
        for pid, number in self._slots.items():
            self._causes.setdefault(number, cause)
            os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        """Reap who has died, end what the dead left behind, and tell of them once nothing is left of any."""
        for pid, status in _dead():
            self._beyond_us.discard(pid)
            self._killed.pop(pid, None)
            number = self._slots.pop(pid, None)
            if number is not None:
                self._gone.append(Exit(number, how_it_ended(status), self._causes.pop(number, "")))
        # Slots adopt the orphans below them, so whoever is our child and no slot was left behind by one that has died.
        if not self._gone or self._end_strangers():
            self._answer()
            return
        gone, self._gone = self._gone, []
        for item in gone:
            self._say("exited", list(item))
        self._answer()

    def _end_strangers(self) -> bool:
        """Kill children that are no slots; returns whether there were any. Their own children become ours by that, and are next."""
        now_s = self._monotonic()
        strangers = [pid for pid in children() if pid not in self._slots and pid not in self._beyond_us]
        refused = kill(strangers)
        self._killed = {pid: self._killed.get(pid, now_s) for pid in strangers if pid not in refused}
        undying = [pid for pid, at_s in self._killed.items() if now_s - at_s >= _DYING_S]
        self._give_up(refused, "run as another user, can't be ended")
        self._give_up(undying, "killed, but does not die")
        return bool(self._killed)

    def _give_up(self, pids: list[int], why: str) -> None:
        """Wait no more for these: one that can't be ended must not keep every lane from hearing of its end."""
        for pid in pids:
            self._beyond_us.add(pid)
            self._killed.pop(pid, None)
        if pids:
            print(f"left by a slot, {why}: pids {pids}", file=sys.stderr)  # noqa: T201  no logging here

    def _answer(self) -> None:
        if not self._slots and not self._gone:
            for number in self._asked_for_emptiness:
                self._say("empty", [number])
            self._asked_for_emptiness.clear()

    def _leave(self) -> None:
        self._kill_all("ended")
        while self._has_killable_children():
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break

    def _has_killable_children(self) -> bool:
        pids = children()
        return len(kill(pids)) < len(pids)

    # -- the rest

    def _say(self, what: str, facts: list[Any]) -> None:
        try:
            self._control.send(json.dumps([what, facts]).encode())
        except OSError:
            self._is_open = False  # the worker is gone

    def _wake_by_signals(self) -> None:
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0.0)
        self._waker.settimeout(0.0)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):  # whoever stops everything stops the worker, and that ends this one
            signal.signal(number, signal.SIG_IGN)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda: self._woken.recv(_MESSAGE_BYTES))


def _dead() -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        found.append((pid, status))


def _forget_our_packages(root: Path) -> None:
    """Take our packages out of `sys.modules`: a user may have packages of the same names, and finds his own then."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name != "__main__" and file is not None and Path(file).is_relative_to(root) and name.partition(".")[0] in {"system", "workers"}:
            del sys.modules[name]


def serve(control_fd: int, place: Place) -> None:
    """Be the forkserver of the worker at the other end of `control_fd`; returns when the worker is gone."""
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    control = socket.socket(fileno=control_fd)
    _forget_our_packages(Path(place.root))
    gc.freeze()  # what all slots share stays shared
    ForkServer(control, place, RealClock().monotonic).run()

"""How are real processes of this machine started, watched and cleaned up after?

A member is watched by a descriptor of its process, so its death is noticed at once, whether it is our child or was adopted. Every
member, and by inheritance all that it starts, carries a mark in its environment: `<folder's id>.<name>.<chance>`. A marked process
whose member is dead is a leftover. As a subreaper we also inherit the orphans of our children that have thrown the mark away.
"""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import selectors
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from supervisor import rotation
from supervisor.crew import Crew, Death, Member
from system import processes
from system.processes import MARK_VARIABLE, Identity

log = logging.getLogger(__name__)

_BY_HAND = "by-hand"
_MANY_KILLS = 40  # after which a leftover is not going to die: it hangs in the kernel, or is another user's
_PRINTED_LOOK_S = 10.0  # between looks at what members have printed
_BLIND_LOOK_S = 0.1  # between looks where the system can't watch a process


def folder_id(var: Path) -> str:
    """Return the short name under which processes of this `var` folder are marked."""
    return hashlib.sha256(str(var.resolve()).encode()).hexdigest()[:10]


def mark_by_hand(var: Path) -> str:
    """Return the mark for this process where no supervisor started it; it names the process, so its leftovers can be told too."""
    own = processes.own_identity()
    return f"{folder_id(var)}.{_BY_HAND}.{own.pid}-{own.created_s}"


def is_by_hand(mark: str) -> bool:
    """Return whether a mark is of what a person started, without a supervisor."""
    return mark.split(".")[1:2] == [_BY_HAND]


def run_folder(var: Path) -> Path:
    """Return the folder of the pid files of a supervisor's children."""
    return var / "run"


class LocalCrew(Crew):
    """Processes of this machine. `command` gives the argument list for a name; `environ` is theirs, a mark is added.

    Two settings lead to the same `fingerprint` only where a survivor may go on as it is.
    """

    def __init__(
        self, var: Path, command: Callable[[str], Sequence[str]], environ: Mapping[str, str], *, fingerprint: str = "", log_bytes: int = 0
    ) -> None:
        self._id = folder_id(var)
        self._run, self._log, self._log_bytes = run_folder(var), var / "log", log_bytes
        for folder in (self._run, self._log):
            folder.mkdir(parents=True, exist_ok=True)
        self._command, self._environ, self._fingerprint = command, dict(environ), fingerprint
        self._members: dict[str, Member] = {}
        self._watched: dict[str, int] = {}
        self._kills: dict[Identity, int] = {}  # of each leftover
        processes.become_subreaper()
        self._own = processes.own_identity()
        # Whoever replaced itself by us (a shell's `exec`) may have left us children of its own: not ours to end.
        self._strangers = frozenset(processes.children(self._own))
        self._bell, self._button = socket.socketpair()
        self._bell.settimeout(0)
        self._button.settimeout(0)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._bell, selectors.EVENT_READ)

    def take_up(self, fingerprint: str) -> None:
        """Let what is started from now on go by other settings; who runs has taken them up by itself."""
        self._fingerprint = fingerprint

    def survivors(self) -> list[Member]:
        """Return who still runs of an earlier supervisor; a pid file that names nobody, or a stranger, is removed and no more."""
        for path in sorted(self._run.glob("*.pid")):
            said = processes.read_pid_file(path)
            # The mark is asked of the process itself: what a file says of a pid proves nothing.
            if said and processes.is_alive(said.identity) and said.mark and processes.mark_of(said.pid) == said.mark:
                self._admit(Member(path.stem, said.identity, said.mark, said.fingerprint == self._fingerprint))
            else:
                path.unlink(missing_ok=True)
        return list(self._members.values())

    def start(self, name: str) -> Member:
        """Start a process in a session of its own: Ctrl-C and a closed terminal reach the supervisor only."""
        argv, mark = list(self._command(name)), f"{self._id}.{name}.{secrets.token_hex(4)}"
        pid = os.posix_spawn(
            argv[0],
            argv,
            {**self._environ, MARK_VARIABLE: mark},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(self._fresh_output(name)), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=(),
        )
        identity = processes.identity_of(pid, or_ended=True)
        if identity is None:
            raise ProcessLookupError(f"{name} (pid {pid}) was gone before it could be looked at")
        member = Member(name, identity, mark)
        self._admit(member)
        try:
            processes.write_pid_file(self._pid_file(name), identity, mark=mark, fingerprint=self._fingerprint)
        except OSError as error:
            log.warning("the pid file of %s can't be written (%s): a later supervisor will replace the process", name, error)
        return member

    def deaths(self) -> list[Death]:
        """Return who died, and reap them and the orphans that we inherited."""
        found = []
        for member in list(self._members.values()):
            ended, exit_code = self._exit_of(member)
            if ended:
                self._dismiss(member)
                found.append(Death(member, exit_code))
        self._reap()
        return found

    def send(self, member: Member, signum: int) -> None:
        """Send a signal to a member and to nobody else."""
        processes.send_signal(member.identity, signum)

    def is_alive(self, identity: Identity) -> bool:
        """Return whether that very process runs."""
        return processes.is_alive(identity)

    def clear(self) -> bool:
        """Kill leftovers by their mark, and inherited orphans without one. What they started in turn is found by the next call.

        One that does not die of many kills counts no more: what the dead held must not wait for it.
        """
        self._kills = {identity: self._kills.get(identity, 0) + 1 for identity in self._leftovers()}
        for identity, kills in self._kills.items():
            if kills == 1:
                log.warning("ended what a dead process left: pid %d", identity.pid, extra={"action": "leftover_ended"})
            elif kills == _MANY_KILLS:
                log.error("what a dead process left can't be ended: pid %d", identity.pid, extra={"action": "leftover_stays"})
            processes.end(identity)
        self._reap()
        return all(kills >= _MANY_KILLS for kills in self._kills.values())

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or when a member died, or when woken. What members print is kept short by the way."""
        for name in self._members if self._log_bytes else ():
            rotation.cut(self._output(name), self._log_bytes)
        is_blind = len(self._watched) < len(self._members)
        for key, _ in self._selector.select(min(seconds, _BLIND_LOOK_S if is_blind else _PRINTED_LOOK_S)):
            if key.fileobj is self._bell:
                self._bell.recv(4096)

    def wake(self) -> None:
        """Ring the bell; one that rings already is enough."""
        try:
            self._button.send(b"!")
        except (BlockingIOError, OSError):
            return

    def close(self) -> None:
        """Let go of descriptors."""
        for descriptor in self._watched.values():
            os.close(descriptor)
        self._watched.clear()
        self._selector.close()
        self._bell.close()
        self._button.close()

    def _admit(self, member: Member) -> None:
        self._members[member.name] = member
        descriptor = processes.watch(member.identity)
        if descriptor is not None:
            self._watched[member.name] = descriptor
            self._selector.register(descriptor, selectors.EVENT_READ)

    def _dismiss(self, member: Member) -> None:
        del self._members[member.name]
        descriptor = self._watched.pop(member.name, None)
        if descriptor is not None:
            self._selector.unregister(descriptor)
            os.close(descriptor)
        said = processes.read_pid_file(self._pid_file(member.name))
        if said is None or said.identity == member.identity:
            self._pid_file(member.name).unlink(missing_ok=True)

    def _exit_of(self, member: Member) -> tuple[bool, int | None]:
        """Return whether a member has ended, and its exit code where it was our child."""
        try:
            pid, status = os.waitpid(member.identity.pid, os.WNOHANG)
        except ChildProcessError:  # adopted
            return not processes.is_alive(member.identity), None
        return pid != 0, os.waitstatus_to_exitcode(status) if pid else None

    def _reap(self) -> None:
        known = {m.identity.pid for m in self._members.values()} | {s.pid for s in self._strangers}
        processes.reap_orphans(known)

    def _leftovers(self) -> set[Identity]:
        living = {m.mark for m in self._members.values()}
        found = {identity for identity, mark in processes.all_marked() if self._is_left(mark, living)}
        members = {m.identity for m in self._members.values()}
        for orphan in set(processes.children(self._own)) - self._strangers - members:
            mark = processes.mark_of(orphan.pid)
            if not mark or self._is_left(mark, living):
                found.add(orphan)
        return found

    def _is_left(self, mark: str, living: set[str]) -> bool:
        folder, _, rest = mark.partition(".")
        if folder != self._id or mark in living:
            return False
        kind, _, owner = rest.partition(".")
        if kind != _BY_HAND:
            return True
        pid, _, created_s = owner.partition("-")
        return not processes.is_alive(Identity(int(pid), float(created_s)))

    def _fresh_output(self, name: str) -> Path:
        """Return the file for what a member prints outside its log, such as a traceback at its start; one generation back is kept."""
        path = self._output(name)
        if self._log_bytes and path.exists() and path.stat().st_size > self._log_bytes:
            path.replace(rotation.older(path))
        return path

    def _output(self, name: str) -> Path:
        return self._log / f"{name}.out"

    def _pid_file(self, name: str) -> Path:
        return self._run / f"{name}.pid"

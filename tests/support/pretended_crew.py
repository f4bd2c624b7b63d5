"""How does a test keep processes that don't exist? A crew whose members die when the test says so."""

from __future__ import annotations

import signal

from supervisor.crew import Crew, Death, Member
from system.processes import Identity


class PretendedCrew(Crew):
    """Remembers what was asked of it. `survivors_found` are adopted first; `leftovers` is how many looks find something left."""

    def __init__(self, survivors: tuple[Member, ...] = ()) -> None:
        self.survivors_found = list(survivors)
        self.living: dict[str, Member] = {}
        self.started: list[str] = []
        self.sent: list[tuple[str, int]] = []
        self.leftovers = 0
        self.refuses = False
        self.obeys = True
        self.kills = True
        self.log: list[str] = []
        self._dead: list[Death] = []
        self._strangers: set[Identity] = set()
        self._pid = 100

    def survivors(self) -> list[Member]:
        self.living = {m.name: m for m in self.survivors_found}
        return list(self.survivors_found)

    def start(self, name: str) -> Member:
        if self.refuses:
            raise OSError("no more processes")
        self._pid += 1
        self.living[name] = Member(name, Identity(self._pid, float(self._pid)), f"mark-{self._pid}")
        self.started.append(name)
        return self.living[name]

    def deaths(self) -> list[Death]:
        found, self._dead = self._dead, []
        return found

    def send(self, member: Member, signum: int) -> None:
        self.sent.append((member.name, signum))
        if self.kills if signum == signal.SIGKILL else self.obeys:
            self.die(member.name, 0 if signum == signal.SIGTERM else -signum)

    def is_alive(self, identity: Identity) -> bool:
        return identity in self._strangers or identity in {m.identity for m in self.living.values()}

    def clear(self) -> bool:
        self.log.append("clear")
        self.leftovers = max(0, self.leftovers - 1)
        return self.leftovers == 0

    def wait(self, seconds: float) -> None:
        return

    def wake(self) -> None:
        self.log.append("wake")

    def close(self) -> None:
        self.log.append("close")

    def die(self, name: str, exit_code: int | None = 1) -> None:
        """Let a member die."""
        self._dead.append(Death(self.living.pop(name), exit_code))

    def let_live(self, identity: Identity) -> None:
        """Let a process live that is no member."""
        self._strangers.add(identity)

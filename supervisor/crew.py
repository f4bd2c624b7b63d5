"""What does the keeper ask of the processes that it keeps? A port: real children of this machine, or pretended ones in tests."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from system.processes import Identity


@dataclass(frozen=True, slots=True)
class Member:
    """One process that runs under a name. `is_current` is false where it was started with other settings than today's."""

    name: str
    identity: Identity
    mark: str
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Death:
    """A member that runs no more. A negative exit code is a signal, None unknown: it was not our child."""

    member: Member
    exit_code: int | None


class Crew(ABC):
    """Starts processes by name, notices their deaths, ends what they leave behind. Belongs to one thread, but for `wake`."""

    @abstractmethod
    def survivors(self) -> list[Member]:
        """Return the processes that an earlier supervisor of this folder started and that still run; from now on they are members."""

    @abstractmethod
    def start(self, name: str) -> Member:
        """Start a process under `name`; raises OSError where the system can't."""

    @abstractmethod
    def deaths(self) -> list[Death]:
        """Return the members that died since the last call, without waiting; each once."""

    @abstractmethod
    def send(self, member: Member, signum: int) -> None:
        """Send a signal to a member; nothing happens where it is gone."""

    @abstractmethod
    def is_alive(self, identity: Identity) -> bool:
        """Return whether that very process of this machine runs."""

    @abstractmethod
    def clear(self) -> bool:
        """Kill what dead members left running. Returns whether nothing of theirs is left, but for what can't be killed; call again soon
        where not."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or as soon as a member died or `wake` was called."""

    @abstractmethod
    def wake(self) -> None:
        """End a `wait`, from any thread or a signal's handler."""

    @abstractmethod
    def close(self) -> None:
        """Let go of descriptors. Members go on."""

"""What does Horarium ask of a broker? The port that every backend answers.

A message is a hint: a queue's name and a short text (a unit of work's id). It may be lost, doubled, late or out of order; that costs
time, never correctness. Every verb may raise Unavailable (it may succeed later) or BrokerError.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from system.context import Queue
from system.records import lean

# So few messages are worth being foretold; where there are more, nobody waits for a single one.
FEW = 8


@lean
@dataclass(frozen=True, slots=True)
class Message:
    """A text for whoever consumes `queue`. What is `urgent` overtakes what is not: work that was lost and is due again at once."""

    queue: str
    body: str
    urgent: bool = False


@lean
@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that a consumer took. `tag` names it until it is acknowledged."""

    tag: int
    queue: str
    body: str


class Consumer(ABC):
    """Takes messages from some queues. Belongs to one thread. What it did not acknowledge comes back when it closes or dies."""

    @abstractmethod
    def fileno(self) -> int:
        """Return a descriptor that becomes readable when there may be something to take; -1 where there is none (simulation)."""

    @abstractmethod
    def take(self, limit: int) -> list[Delivery]:
        """Return at most `limit` messages without waiting, urgent ones first, then the oldest, over all its queues; may be empty.

        0 says that there is no time for messages until the next call: a broker that has sent some ahead gives them to others.
        """

    @abstractmethod
    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Drop what was taken; it does not come back (unless this process dies within moments)."""

    @abstractmethod
    def close(self) -> None:
        """Stop consuming; what was taken and not acknowledged is there for others."""


@dataclass(frozen=True, slots=True)
class BrokerFacts:
    """What a broker tells of itself and of the queues that it was asked about.

    `server` is its product and version. `unsupported` is a sentence that says which version is expected, empty where this one is good.
    `missing` names what the broker keeps its queues in and is not there. `undeclared` are queues that are not there, `differing` those
    that were made with other arguments, each with what differs. `dead` counts by queue the messages that were given up on. `notes` are
    sentences for a person.
    """

    server: str
    unsupported: str = ""
    missing: tuple[str, ...] = ()
    undeclared: tuple[str, ...] = ()
    differing: Mapping[str, str] = field(default_factory=dict)
    dead: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Broker(ABC):
    """Carries messages. May be called from any thread."""

    @abstractmethod
    def prepare(self) -> None:
        """Create what is missing. Idempotent."""

    def route(self, queues: Iterable[Queue]) -> None:  # noqa: B027  a broker without exchanges has nothing to do
        """Learn by which exchange and routing key some queues are reached; to be said before they are declared."""

    @abstractmethod
    def describe(self, queues: Sequence[str]) -> BrokerFacts:
        """Return what the broker tells of itself and of `queues`. Changes nothing, and works on one that was not prepared."""

    @abstractmethod
    def mend(self) -> None:
        """Create again what `describe` finds `missing` in a broker that is prepared. Idempotent."""

    @abstractmethod
    def declare(self, queues: Sequence[str]) -> None:
        """Create those of `queues` that are not there; durable. Idempotent."""

    @abstractmethod
    def publish(self, messages: Sequence[Message]) -> None:
        """Hand over `messages` in order; durable on return. Raises QueueMissing, with nothing sent, where a queue is not declared.

        A queue that was deleted behind our back is made again where this broker declared it; elsewhere all is sent but what was for it.
        """

    def foretell(self, messages: Sequence[Message]) -> None:  # noqa: B027  where a message is there at once, nothing is won
        """Send what `publish` is about to say: so it is on its way while what it tells of is written. May do nothing; never raises.

        Nobody knows whether it arrives, so `publish` must follow. Whoever takes it may find that what it tells of is not there yet.
        """

    @abstractmethod
    def consumer(self, queues: Sequence[str]) -> Consumer:
        """Return a new consumer of `queues`, which must be declared."""

    @abstractmethod
    def depths(self, queues: Sequence[str]) -> dict[str, int]:
        """Return how many messages each queue holds; those held by a consumer that has died count as waiting again."""

    @abstractmethod
    def purge(self, queue: str) -> int:
        """Drop every message that waits in `queue`; returns how many."""

    @abstractmethod
    def close(self) -> None:
        """Let go of connections and threads."""

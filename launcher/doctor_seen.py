"""What did the doctor see? Facts alone, as they were gathered; judging them is `doctor_checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from db.facts import StoreFacts
from launcher.boxes import BoxRow
from launcher.query import Found
from mq.broker import BrokerFacts
from scheduler.health import Health
from settings import Settings


class Gravity(StrEnum):
    """How grave a finding is. Only what is WRONG needs a person."""

    WRONG = "wrong"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found. `check` is who found it, `fix` what to do about it, in words or to be pressed; empty for a note."""

    check: str
    gravity: Gravity
    text: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file or folder that others could misuse. `others` are the rights of group and others, `least` those of them that are too much."""

    path: str
    what: str
    others: int
    least: int


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """Where something is written. Several `names` may lie on one disk. `free_files` is None where the disk does not count them."""

    names: tuple[str, ...]
    path: str
    free_bytes: int
    free_files: int | None


@dataclass(frozen=True, slots=True)
class SkewSeen:
    """How far the store's clock is ahead of this box's, give or take half of the time that asking took."""

    ahead_s: float
    doubt_s: float


@dataclass(frozen=True, slots=True)
class MxSeen:
    """How the dashboard is guarded. `fault`: why it can't be served as the settings say; `plain`: what crosses the network in clear text.

    `left_s` is how long its certificate is good, None without one. `is_locked`: a login is asked for, and nobody has an account.
    """

    fault: str = ""
    plain: str = ""
    left_s: float | None = None
    is_locked: bool = False


@dataclass
class Seen:
    """What was found out; None, or empty, is what could not be."""

    settings: Settings
    is_store_begun: bool = True
    python: tuple[int, int, int] = (3, 11, 0)
    zones: int = 0
    var_fault: str = ""
    secrets_fault: str = ""
    files: Sequence[FileSeen] = ()
    disks: Sequence[DiskSeen] = ()
    daemons: Sequence[Found] = ()
    context_fault: str = ""
    registers: str = ""
    queues: Sequence[str] = ()
    store: StoreFacts | None = None
    skew: SkewSeen | None = None
    half_moved_from: str = ""
    unapplied: Sequence[str] = ()
    health: Health | None = None
    boxes: Sequence[BoxRow] = ()
    waiting_commands: int = 0
    broker: BrokerFacts | None = None
    broker_left_s: Mapping[str, float] = field(default_factory=dict)  # how long each certificate between us and it is good
    mx: MxSeen | None = None
    depths: Mapping[str, int] = field(default_factory=dict)

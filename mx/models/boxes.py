"""How the machines stand: their supervisors, what each keeps alive, and who stopped what and why."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class Instance(Model):
    """One instance of a process, as its supervisor sees it."""

    name: str
    pid: int = Field(description="0: it does not run, or that is not known")
    cpu: float = Field(description="the share of one CPU that it and all below it used lately")
    memory_bytes: int
    deaths: int = Field(description="how often in a row it ended soon after its start")
    is_crash_loop: bool
    trouble: str


class BoxProcess(Model):
    """A process of a box: what operators want of it, and what its supervisor says."""

    box: str
    process: str
    state: str = Field(description="`runs`, `off`, `ending`, `gone`, `no supervisor`, `crash loop`, `1 of 2 run` or `does not belong here`")
    is_on: bool
    instances: int = Field(description="how many are wanted")
    placed: int = Field(description="how many the box has by itself; 0 where it does not belong there")
    running: int
    who: str = Field(description="who changed it last, empty for nobody")
    why: str
    given_at: datetime | None
    told_at: datetime | None = Field(description="when its supervisor spoke last, by that box's clock")
    children: tuple[Instance, ...]


class Supervisor(Model):
    """The supervisor of a box, as its beats tell of it."""

    session: str
    pid: int
    since: datetime
    beat_at: datetime | None = Field(description="its last beat, by its box's clock")
    beat_age_s: float | None
    cpu: float | None
    memory_bytes: int | None


class Box(Model):
    """A machine."""

    name: str
    is_here: bool = Field(description="whether it is the one that serves this page")
    is_gone: bool = Field(description="its supervisor vanished without a word")
    supervisor: Supervisor | None
    told_at: datetime | None = Field(description="when anything was heard of it last")
    slots: int = Field(description="slots of the workers that beat there")
    processes: tuple[BoxProcess, ...]


class Boxes(Model):
    """All machines, and what a person should know of them, a sentence each."""

    boxes: tuple[Box, ...]
    troubles: tuple[str, ...]
    most_instances: int = Field(description="how many instances of one process may be asked for")

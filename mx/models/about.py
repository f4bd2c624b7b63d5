"""What is this deployment: versions, settings and where they came from, store, broker, context, and what the doctor finds."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class SettingRow(Model):
    """A setting. Passwords are hidden; `value` is None where only an admin may see it."""

    name: str
    value: str | None
    unit: str
    help: str
    place: str = Field(description="`default`, `file`, `environment` or `command line`")
    is_delicate: bool = Field(description="whether it may hold a password")


class Fact(Model):
    """Something that is so, such as a version."""

    name: str
    value: str


class About(Model):
    """What is set and what runs. `store` and `broker` are empty where they can't be asked."""

    box: str
    facts: tuple[Fact, ...]
    settings: tuple[SettingRow, ...]
    settings_file: str
    store: tuple[Fact, ...]
    broker: tuple[Fact, ...]


class Finding(Model):
    """One thing that the doctor found, and what to do about it."""

    check: str
    gravity: str = Field(description="`wrong`, `warning` or `note`; only what is wrong needs a person")
    text: str
    fix: str


class Checkup(Model):
    """What the doctor found when it looked last; None before it ever did."""

    at: datetime | None
    seconds: float
    is_well: bool
    is_looking: bool = Field(description="whether it looks just now")
    findings: tuple[Finding, ...]


class Presence(Model):
    """A process that beats."""

    kind: str
    box: str
    pid: int
    since: datetime


class BareStatus(Model):
    """How all stands where the context can't be read: told from the store alone. `leader` is empty where nobody leads."""

    fault: str
    leader: str
    last_turn: int
    last_turn_age_s: float | None
    sessions: tuple[Presence, ...]
    boxes: tuple[str, ...] = Field(description="a line for each box")
    troubles: tuple[str, ...]

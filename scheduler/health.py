"""Is anything scheduled? Who leads, and how old its last good turn is; told from sessions and turns alone, without a context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from db.model import Session
from db.store import Store

_TURNS_AT_ONCE = 500
START = "launch.py up"  # what to press where nobody leads, or nobody works
BROKER_FACT = "broker"  # among what a scheduler tells of itself: why it can't publish
TROUBLE_FACT = "trouble"  # and why its last turn failed


@dataclass(frozen=True, slots=True)
class Follower:
    """A scheduler that stands by. `turns_behind` the leader as of its last beat; `refusal` says why it would not lead, else it is empty."""

    session: str
    box: str
    turns_behind: int
    refusal: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether anything is scheduled: the age of the leader's last successful turn, None when nobody leads.

    `leads_since` is by the leader's clock, None where that is not known yet.
    """

    leader: str
    last_turn: int
    last_turn_age_s: float | None
    sessions: list[Session]
    leads_since: datetime | None = None
    followers: tuple[Follower, ...] = ()


@dataclass(frozen=True, slots=True)
class Stall:
    """Why nothing is scheduled, where to look, and since when where that is known."""

    text: str
    look: str
    since: datetime | None = None


def stall_of(health: Health, most_s: float) -> Stall | None:
    """Return why nothing is scheduled: nobody leads, or whoever does had no good turn for longer than `most_s`; None where all is well."""
    if not health.leader:
        for session in health.sessions:
            if trouble := session.facts.get(TROUBLE_FACT):
                return Stall(f"no scheduler leads, and the turns of {session.id} fail ({trouble})", _log_of(session))
        return Stall("no scheduler leads", START)
    if health.last_turn_age_s is None or health.last_turn_age_s <= most_s:
        return None
    leader = next(session for session in health.sessions if session.id == health.leader)
    since = datetime.fromisoformat(leader.facts["turned_at"])
    trouble = leader.facts.get(TROUBLE_FACT)
    return Stall(f"{leader.id} leads and its turns fail{f' ({trouble})' if trouble else ''}", _log_of(leader), since)


def _log_of(session: Session) -> str:
    return f"log/scheduler.log on {session.box}"


def health_of(leader: str, last_turn: int, sessions: Sequence[Session], now: datetime) -> Health:
    """Return the health where `leader` made the last turn. The age is by wall clocks: to be shown."""
    found = next((s for s in sessions if s.id == leader), None)
    facts = found.facts if found else {}
    turned_at, since = facts.get("turned_at"), facts.get("leads_since")
    age_s = max(0.0, (now - datetime.fromisoformat(turned_at)).total_seconds()) if turned_at else None
    followers = tuple(_follower(s, last_turn) for s in sorted(sessions, key=_place) if s.kind == "scheduler" and s is not found)
    leads_since = datetime.fromisoformat(since) if since else None
    return Health(found.id if found else "", last_turn, age_s, list(sessions), leads_since, followers)


def _follower(session: Session, last_turn: int) -> Follower:
    behind = max(0, last_turn - int(session.facts.get("turn", "0")))
    return Follower(session.id, session.box, behind, session.facts.get("refused", ""))


def _place(session: Session) -> tuple[str, int]:
    return session.box, session.pid


def read_health(store: Store, now: datetime) -> Health:
    """Return the health as a store tells it."""
    number, leader = store.projected_turn(), ""
    number = max(0, number - 1)
    while turns := store.turns_after(number, _TURNS_AT_ONCE):
        number, leader = turns[-1].number, turns[-1].session
    return health_of(leader, number, store.sessions(), now)

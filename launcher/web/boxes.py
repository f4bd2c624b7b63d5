"""How do the machines stand, and what is wanted of them? By the rows and rules of `launch.py super`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from db.model import Command, Session
from launcher import box_wishes
from launcher import boxes as rows_over
from launcher.boxes import BoxRow
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.noted import note
from launcher.web.undertakings import given_before, mark_of
from mx.models.boxes import Box, Boxes, BoxProcess, Instance, Supervisor
from supervisor.attendance import KIND
from supervisor.places import MOST_INSTANCES
from system.errors import ConfigError, NotFound
from system.hidden import hide


class BoxesArea(Area):
    """Answers `mx.desk_boxes.BoxesDesk`."""

    @asked
    def boxes(self, box: str = "") -> Boxes:
        """Return all boxes, or one."""
        store, here, now = self.parts.store, self.parts.roof.settings.box, self.now()
        sessions = store.sessions()
        every = rows_over.rows_of(store.box_wishes(), store.box_reports(), sessions)
        rows = [row for row in every if not box or row.box == box]
        if box and not rows:
            raise NotFound(box_wishes.no_box(box, every))
        names = dict.fromkeys(row.box for row in rows)
        found = [_box(name, [row for row in rows if row.box == name], sessions, here, now) for name in names]
        return Boxes(boxes=tuple(found), troubles=tuple(map(hide, rows_over.troubles_of(rows))), most_instances=MOST_INSTANCES)

    @asked
    def start_on(self, box: str, process: str, who: str, why: str, *, instances: int = 0, token: str = "") -> int:
        """Have a process kept alive on a box."""
        if not 0 <= instances <= MOST_INSTANCES:
            raise ConfigError(f"{instances} instances: expected 1 to {MOST_INSTANCES}")
        return self._switch("box start", box, process, who, why, token, instances=instances)

    @asked
    def stop_on(self, box: str, process: str, who: str, why: str, *, token: str = "") -> int:
        """Have a process end on a box."""
        return self._switch("box stop", box, process, who, why, token)

    @asked
    def forget_box(self, box: str, who: str, why: str, *, token: str = "") -> int:
        """Forget a box that is gone."""
        store = self.parts.store
        number, is_kept = given_before(store, token, "box forget", "", box, who), box_wishes.is_kept(store, box)
        if not number:
            if not any(row.box == box for row in rows_over.read(store)):
                raise NotFound(box_wishes.no_box(box, rows_over.read(store)))
            if is_kept:
                raise ConfigError(f"{box} is not gone: its supervisor beats. `launch.py stop` there ends it")
            text = box_wishes.forgotten(box)  # noted before it is done: who asks again finds no such box after it
            number = note(store, Command("box forget", "", box, who, why, self.now(), answer=text, details=mark_of(token)))
        if not is_kept:
            box_wishes.forget(store, box)
        return number

    def _switch(self, verb: str, box: str, process: str, who: str, why: str, token: str, *, instances: int = 0) -> int:
        roof, store, is_on = self.parts.roof, self.parts.store, verb == "box start"
        if before := given_before(store, token, verb, process, box, who):
            return before
        box_wishes.known(roof, store, box)
        box_wishes.switch(roof, store, box, [process], is_on=is_on, instances=instances, who=who, why=why)
        text = box_wishes.told(store, box, process, is_on=is_on, instances=instances)
        return note(store, Command(verb, process, box, who, why, self.now(), answer=text, details=mark_of(token)))


def _box(name: str, rows: Sequence[BoxRow], sessions: Sequence[Session], here: str, now: datetime) -> Box:
    own = [session for session in sessions if session.box == name]
    keeper = max((session for session in own if session.kind == KIND), key=lambda session: session.opened_at, default=None)
    told = max((row.told_at for row in rows if row.told_at), default=None)
    return Box(
        name=name, is_here=name == here, is_gone=any(row.is_gone for row in rows), supervisor=_supervisor(keeper, now) if keeper else None,
        told_at=told, slots=sum(session.slots for session in own if session.kind == "worker"), processes=tuple(map(_process, rows)),
    )  # fmt: skip


def _supervisor(session: Session, now: datetime) -> Supervisor:
    beat, cpu, memory = (session.facts.get(name) for name in ("beat_at", "cpu", "memory_bytes"))
    beat_at = datetime.fromisoformat(beat) if beat else None
    return Supervisor(
        session=session.id, pid=session.pid, since=session.opened_at, beat_at=beat_at,
        beat_age_s=max(0.0, (now - beat_at).total_seconds()) if beat_at else None, cpu=float(cpu) if cpu else None,
        memory_bytes=int(memory) if memory else None,
    )  # fmt: skip


def _process(row: BoxRow) -> BoxProcess:
    same = ("box", "process", "state", "is_on", "instances", "placed", "running", "who", "why", "given_at", "told_at")
    children = tuple(
        Instance(
            name=child.name, pid=child.pid if row.has_supervisor else 0, cpu=child.cpu, memory_bytes=child.memory_bytes,
            deaths=child.deaths, is_crash_loop=child.is_crash_loop, trouble=hide(child.trouble),
        )
        for child in row.children
    )  # fmt: skip
    return BoxProcess(**{name: getattr(row, name) for name in same}, children=children)

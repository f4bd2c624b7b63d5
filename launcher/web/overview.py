"""What does the first page show? Out of the desk's timetable, the sessions, the boxes, and a bounded number of further records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from launcher import boxes
from launcher.boxes import BoxRow
from launcher.parts import scheduler_settings
from launcher.queue import queues_of
from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.overview import (
    BoxLine,
    Cause,
    FollowerLine,
    Leader,
    Mark,
    Minute,
    NeedLine,
    Overview,
    QueueLine,
    Recent,
    RunningLine,
    Totals,
)
from scheduler import overview as whole
from scheduler.attention import Need, Running
from scheduler.desk import Desk
from scheduler.health import Health
from scheduler.lateness import Late
from scheduler.levels import Level, Progress
from system.context import DEAD_QUEUE, ManagedProcess
from system.hidden import hide
from system.timeperiod import parse

# The gravest first; what is listed process by process comes after what concerns all of them.
_ORDER = ("leader", "broker", "worker", "context", "box", "stuck", "missing", "audit", "late", "held", "failing", "missed", "dead")
_LATE_EXPLAINED, _MOST_OPEN, _MOST_BOXES = 5, 100, 40


class OverviewArea(Area):
    """Answers the overview of `mx.desk_overview.OverviewDesk`."""

    @asked
    def overview(self, *, needs: int = 20, marks: int = 20, running: int = 10) -> Overview:
        """Return how all stands, with at most so many lines of each kind."""
        with self.parts.desk.still():
            return self._overview(needs, marks, running)

    def _overview(self, needs: int, marks: int, running: int) -> Overview:
        desk, now, store = self.parts.desk, self.now(), self.parts.store
        context = self.parts.context
        settings = scheduler_settings(self.parts.roof.settings)
        seen = whole.overview(desk, store, self.parts.joined.broker, list(queues_of(context)), settings, now, most=needs)
        health, levels = desk.health(), desk.timetable()
        progress, rows, recent = desk.progress(levels), boxes.read(store), desk.recent()
        managed = context.managed
        late = desk.late(min(needs, _LATE_EXPLAINED), has_usual=False)
        found = [*_of_boxes(rows), *_stuck(progress), *map(_late, late), *_dead(seen.queues)]
        found += [_need(need, managed, rows) for need in seen.needs.first]
        found.sort(key=lambda need: _ORDER.index(need.kind))
        fire = desk.next_due()
        return Overview(
            at=now,
            totals=Totals(**{name: getattr(progress, name) for name in Totals.model_fields}),
            needs=tuple(found[:needs]),
            needs_total=len(found) - len(seen.needs.first) + seen.needs.total,
            leader=_leader(health),
            followers=tuple(FollowerLine(**{n: getattr(f, n) for n in FollowerLine.model_fields}) for f in health.followers),
            boxes=tuple(_box(row) for row in rows[:_MOST_BOXES]),
            workers=sum(1 for session in health.sessions if session.kind == "worker"),
            slots=sum(session.slots for session in health.sessions if session.kind == "worker"),
            marks=tuple(_marks(desk, seen, levels, marks)),
            marks_total=len(seen.watermarks),
            running=tuple(_running(run, managed) for run in seen.running[:running]),
            running_total=len(seen.running),
            recent=Recent(
                minutes=tuple(Minute(**{n: getattr(m, n) for n in Minute.model_fields}) for m in recent.minutes(now)),
                known_from=recent.known_from(now),
            ),
            queues=tuple(QueueLine(queue=q.queue, depth=q.depth) for q in seen.queues),
            broker_fault=hide(seen.broker_fault),
            window=seen.window,
            open_commands=len(store.open_commands(_MOST_OPEN)),
            next_fire=fire[0] if fire else None,
            next_process=fire[1] if fire else "",
            audit_at=seen.audit.at if seen.audit else None,
            audit_finished=seen.audit.finished if seen.audit else 0,
            audit_counts=dict(seen.audit.counts) if seen.audit else {},
        )


def _leader(health: Health) -> Leader:
    box = next((session.box for session in health.sessions if session.id == health.leader), "")
    return Leader(
        session=health.leader, box=box, since=health.leads_since, last_turn=health.last_turn, last_turn_age_s=health.last_turn_age_s
    )


def _need(need: Need, managed: Mapping[str, ManagedProcess], rows: Sequence[BoxRow]) -> NeedLine:
    is_entry = bool(need.process) and need.process not in managed
    return NeedLine(
        kind=need.kind, process=need.process, timeperiod=need.timeperiod, is_entry=is_entry, since=need.since,  # type: ignore[arg-type]
        count=1, text=need.text, look=boxes.look_of(need, rows), cause=None,
    )  # fmt: skip


def _line(kind: str, text: str, look: str, *, since: datetime | None = None, count: int = 1) -> NeedLine:
    return NeedLine(
        kind=kind, process="", timeperiod="", is_entry=False, since=since, count=count, text=text, look=look, cause=None  # type: ignore[arg-type]
    )  # fmt: skip


def _late(late: Late) -> NeedLine:
    leaf = late.why.leaves()[0] if late.why else None
    names = ("kind", "text", "process", "timeperiod", "look")
    return NeedLine(
        kind="late",
        process=late.process,
        timeperiod=late.first,
        is_entry=False,
        since=late.since,
        count=late.count,
        text=f"{late.count:,} periods are late, this one is the oldest" if late.count > 1 else "it is past its deadline and not finished",
        look=leaf.look if leaf and leaf.look else f"launch.py job why {late.process} {late.first}",
        cause=Cause(**{name: getattr(leaf, name) for name in names}) if leaf else None,
    )


def _of_boxes(rows: Sequence[BoxRow]) -> Iterator[NeedLine]:
    """Yield the boxes that are gone, and what a person should know of the others."""
    gone: dict[str, datetime | None] = {}
    for row in rows:
        if row.is_gone:
            gone.setdefault(row.box, row.told_at)
    for box, since in gone.items():
        text = f"{box} is gone: its supervisor ended without a word, or can't reach the store"
        yield _line("box", text, f"launch.py start (there), or launch.py super --reset --box {box} to forget it", since=since)
    for row in rows:
        for text in row.troubles:
            yield _line("box", f"{row.process} on {text}" if not text.startswith(row.process) else text, "launch.py query")


def _stuck(progress: Progress) -> Iterator[NeedLine]:
    if progress.is_stuck:
        left = progress.due - progress.finished
        yield _line("stuck", f"nothing goes on: {left:,} periods wait for what is held", "launch.py job list --state held", count=left)


def _dead(queues: Sequence[whole.QueueDepth]) -> Iterator[NeedLine]:
    for queue in queues:
        if queue.queue == DEAD_QUEUE:
            text = f"{queue.depth:,} dead {'letter' if queue.depth == 1 else 'letters'}: messages that came back too often"
            yield _line("dead", text, "launch.py queue dead", count=queue.depth)


def _marks(desk: Desk, seen: whole.Overview, levels: Sequence[Level], most: int) -> Iterator[Mark]:
    """Yield the watermarks, those with holes first, then those with the most that is unfinished, then by name of the context."""
    table = desk.read()
    level = {each.process: each for each in levels}
    left = {name: each.due - each.finished for name, each in level.items()}
    for mark in sorted(seen.watermarks, key=lambda mark: (not mark.holes, -left.get(mark.process, 0)))[:most]:
        states = table.states[mark.process]
        through = parse(states.qualifier, mark.through).ordinal if mark.through else None
        yield Mark(
            process=mark.process,
            qualifier=states.qualifier.noun,
            through=mark.through,
            through_end=None if through is None else states.calendar.end(states.qualifier, through),
            holes=mark.holes,
            first_hole=mark.first_hole,
            due=level[mark.process].due if mark.process in level else 0,
            unfinished=left.get(mark.process, 0),
            is_on=states.is_on,
        )


def _running(run: Running, managed: Mapping[str, ManagedProcess]) -> RunningLine:
    process, timeperiod = run.uow.split("/")[:2]
    return RunningLine(uow=run.uow, process=process, timeperiod=timeperiod, is_entry=process not in managed, box=run.box, since=run.since)


def _box(row: BoxRow) -> BoxLine:
    is_good = row.state in ("runs", "off", "does not belong here")
    plain = {name: getattr(row, name) for name in BoxLine.model_fields if name != "is_good"}
    return BoxLine(**plain, is_good=is_good)

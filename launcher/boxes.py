"""How do the boxes stand? What operators want of them beside what their supervisors say, as one row a process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from db.model import Session
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from launcher.query import size
from launcher.screen import moment, table_of
from scheduler.attention import Need
from scheduler.health import START
from supervisor.attendance import KIND, said_of
from supervisor.places import SCHEDULER, WORKER

_NEEDED = {"leader": SCHEDULER, "worker": WORKER}


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One process of one box. `instances` is how many are wanted, `placed` how many the box has by itself: 0 where it doesn't belong.

    `has_supervisor`: the one that said so is still there. `told_at` is by that box's own clock. `who`, `why` and `given_at` are of the
    operator who changed it last.
    """

    box: str
    process: str
    is_on: bool
    instances: int
    placed: int
    has_supervisor: bool
    told_at: datetime | None
    children: tuple[BoxChild, ...]
    who: str
    why: str
    given_at: datetime | None

    @property
    def running(self) -> int:
        """How many instances run, as far as is known."""
        return sum(1 for child in self.children if child.pid) if self.has_supervisor else 0

    @property
    def is_gone(self) -> bool:
        """Whether its supervisor vanished: it is not there, and has not said good-bye."""
        return self.placed > 0 and not self.has_supervisor and any(child.pid for child in self.children)

    @property
    def state(self) -> str:
        """In a few words: how it stands."""
        if not self.placed:
            return "does not belong here"
        if not self.is_on:
            return "off" if not self.running else "ending"
        if self.is_gone:
            return "gone"
        if not self.has_supervisor:
            return "no supervisor"
        if any(child.is_crash_loop and not child.pid for child in self.children):
            return "crash loop"
        return "runs" if self.running >= self.instances else f"{self.running} of {self.instances} run"

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a person should know, a sentence each."""
        if not self.placed:
            return ()
        if not self.is_on:
            return (said_of(BoxWish(self.box, self.process, who=self.who, why=self.why, given_at=self.given_at)),)
        return tuple(f"{self.box}: {child.trouble}" for child in self.children if child.trouble) if self.has_supervisor else ()

    @property
    def needs_person(self) -> bool:
        """Whether something is wrong with it that nobody wanted so."""
        return self.is_gone or (self.is_on and bool(self.troubles))


def rows_of(wishes: Iterable[BoxWish], reports: Iterable[BoxReport], sessions: Iterable[Session]) -> list[BoxRow]:
    """Return a row for each (box, process) that anybody spoke of: the boxes in order of name, the scheduler and the workers first."""
    wanted = {(wish.box, wish.process): wish for wish in wishes}
    told = {(report.box, report.process): report for report in reports}
    there = {session.id for session in sessions if session.kind == KIND}
    rows = [_row(key, wanted.get(key), told.get(key), there) for key in {*wanted, *told}]
    return sorted(rows, key=lambda row: (row.box, row.process not in ("scheduler", "worker"), row.process))


def read(store: Store) -> list[BoxRow]:
    """Return the rows as they stand; raises Unavailable."""
    return rows_of(store.box_wishes(), store.box_reports(), store.sessions())


def _row(key: tuple[str, str], wish: BoxWish | None, report: BoxReport | None, there: set[str]) -> BoxRow:
    spoken, placed = wish or BoxWish(*key), report.instances if report else 0
    return BoxRow(
        *key, spoken.is_on, spoken.instances or placed, placed,
        has_supervisor=report is not None and report.session in there,
        told_at=report.told_at if report and report.session else None,
        children=report.children if report else (),
        who=spoken.who, why=spoken.why, given_at=spoken.given_at,
    )  # fmt: skip


def off_row(rows: Iterable[BoxRow], process: str) -> BoxRow | None:
    """Return where an operator has switched a process off, on the first box that is there: to start a box is no help then."""
    return next((row for row in rows if row.process == process and row.has_supervisor and row.placed and not row.is_on), None)


def switch_on(row: BoxRow) -> str:
    """Return the command that takes that back."""
    return f"launch.py super --start {row.process} --box {row.box}"


def look_of(need: Need, rows: Iterable[BoxRow]) -> str:
    """Return what to press for what needs a person, as the boxes stand."""
    off = off_row(rows, _NEEDED[need.kind]) if need.kind in _NEEDED and need.look == START else None
    return switch_on(off) if off else need.look


def troubles_of(rows: Sequence[BoxRow]) -> list[str]:
    """Return what a person should know of the boxes, a sentence each: those that are gone first."""
    gone: dict[str, datetime | None] = {}
    for row in rows:
        if row.is_gone:
            gone.setdefault(row.box, row.told_at)
    said = [
        f"{box} is gone since {moment(since)}: its supervisor ended without a word, or can't reach the store. "
        f"`launch.py start` there brings it back, `launch.py super --reset --box {box}` forgets it"
        for box, since in gone.items()
    ]
    return [*said, *(text for row in rows for text in row.troubles)]


def summary_of(row: BoxRow) -> dict[str, object]:
    """Return a row as `status` tells it to programs."""
    cpu = sum(child.cpu for child in row.children)
    head = {"box": row.box, "process": row.process, "state": row.state}
    return {**head, "running": row.running, "instances": row.instances, "cpu": round(cpu, 3)}


def box_lines(rows: Sequence[BoxRow]) -> list[str]:
    """Return a line for each box, such as `box-1: scheduler 1/1, worker 2/2, 12 % of a CPU, 310 MB`."""
    lines = []
    for box in dict.fromkeys(row.box for row in rows):
        own = [row for row in rows if row.box == box and row.placed]
        if not any(row.has_supervisor for row in own):
            since = max((row.told_at for row in own if row.told_at), default=None)
            how = "gone" if any(row.is_gone for row in own) else "no supervisor"
            lines.append(f"{box}: {how}{f' since {moment(since)}' if since else ''}")
            continue
        children = [child for row in own for child in row.children if child.pid]
        counts = [f"{row.process} {f'{row.running}/{row.instances}' if row.is_on else 'off'}" for row in own]
        cpu, memory = sum(child.cpu for child in children), sum(child.memory_bytes for child in children)
        lines.append(f"{box}: {', '.join(counts)}, {cpu:.0%} of a CPU, {size(memory)}".replace("%", " %"))
    return lines


def table(rows: Sequence[BoxRow]) -> Table:
    """Return the rows, a line for each instance."""
    made = table_of("box", "process", "on", "state", "instance", "pid", "CPU", "memory", "heartbeat", right=["pid", "CPU", "memory"])
    box = ""
    for row in rows:
        if row.box != box and box:
            made.add_section()
        for at, child in enumerate(row.children or (BoxChild("-"),)):
            is_known = bool(child.pid) and row.has_supervisor
            mine = [escape(child.name), str(child.pid) if is_known else "-"]
            mine += [f"{child.cpu:.0%}".replace("%", " %"), size(child.memory_bytes)] if is_known else ["-", "-"]
            head = [escape(row.box) if row.box != box else "", escape(row.process), "on" if row.is_on else "off", _styled(row.state)]
            made.add_row(*(head if at == 0 else [""] * 4), *mine, moment(row.told_at) if at == 0 else "")
            box = row.box
    return made


def _styled(state: str) -> str:
    style = {"runs": "green", "off": "dim", "does not belong here": "dim", "crash loop": "red", "gone": "red"}.get(state, "yellow")
    return f"[{style}]{state}[/{style}]"

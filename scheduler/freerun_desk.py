"""What does a person at the desk see of freerun entries, and what can be asked of them? Answered from the store, in any process."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from db.entries import Entry
from db.model import Command, Session, UnitOfWork
from db.store import Store
from mq.broker import Broker, Message
from scheduler import freerun
from scheduler.blockers import Blocker
from scheduler.freerun import Rules
from scheduler.freerun_commands import PREFIX, unknown_process
from system.clock import Clock
from system.context import REPORT_QUEUE, Context
from system.entry_check import near
from system.errors import BrokerError, NotFound, Unavailable
from system.lifecycle import UowState

log = logging.getLogger(__name__)
_MOST_OPEN = 10_000


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One entry of a list. `state` is `on`, `off`, `deleted` or `retired`; `next_fire` is None where none comes.

    `said` is who changed it last by a command, and why.
    """

    process: str
    entry: str
    schedule: str
    state: str
    next_fire: datetime | None
    running: int
    waiting: int
    held: int
    failing: int
    last_end: str
    fired: int
    missed: int
    said: str


@dataclass(frozen=True, slots=True)
class EntryView:
    """One entry as it stands. `record` is None until a scheduler has led with it; `fields` are those that hold today."""

    process: str
    entry: str
    state: str
    fields: Mapping[str, object]
    given: Mapping[str, object]
    record: Entry | None
    uows: list[UnitOfWork]
    next_fires: list[datetime]
    why: list[Blocker]


class FreerunDesk:
    """Reads for one person or page at a time. Every question may raise Unavailable.

    `entries` is whoever knows all entries, such as a desk that keeps them; by default the store is asked.
    """

    def __init__(
        self, store: Store, broker: Broker, context: Context, clock: Clock, entries: Callable[[], Iterable[Entry]] | None = None
    ) -> None:
        self._store = store
        self._read_entries = entries or store.entries
        self._broker = broker
        self._context = context
        self._clock = clock

    def lines(self, process: str = "") -> list[EntryLine]:
        """Return all entries, of one process where it is named, by process and name; those that are deleted come last."""
        found = self._entries()
        keys = dict.fromkeys([*self._context.freerun, *found])
        lines = [self._line(key, found.get(key)) for key in keys if not process or key[0] == process]
        return sorted(lines, key=lambda line: (line.state == "deleted", line.process, line.entry))

    def part(self, *, process: str, words: str, state: str, offset: int, limit: int) -> tuple[list[EntryLine], int]:
        """Return some of the entries whose names hold `words`, in the order of `lines`, and how many there are in all.

        `state` is `on`, `off`, `deleted`, `held` or `failing`, or empty for all. Only what is returned is looked at closely.
        """
        found = self._entries()
        low = words.casefold()
        keys = [key for key in dict.fromkeys([*self._context.freerun, *found]) if not process or key[0] == process]
        keys = [key for key in keys if low in "/".join(key).casefold() and self._is_in(state, key, found.get(key))]
        keys.sort(key=lambda key: (_is_deleted(found.get(key)), key))
        return [self._line(key, found.get(key)) for key in keys[offset : offset + limit]], len(keys)

    def _is_in(self, state: str, key: tuple[str, str], entry: Entry | None) -> bool:
        if not state or _is_deleted(entry):
            return not state or state == "deleted"
        runs = entry.runs if entry else ()
        if state == "held":
            return any(run.held for run in runs)
        if state == "failing":
            return any(run.failing_since for run in runs) or bool(entry and entry.last_reason.startswith("failed"))
        if state == "deleted":
            return False
        given = json.loads(entry.given) if entry and '"is_on"' in entry.given else {}
        base = self._context.entry(*key)
        return base is not None and bool(given.get("is_on", base.is_on)) == (state == "on")

    def view(self, process: str, name: str) -> EntryView:
        """Return one entry; raises NotFound."""
        entry, rules = self._found(process, name)
        state = _state(entry, rules)
        fields = {field: getattr(rules.process, field) for field in ("classname", "argv", "queue", *freerun.GIVEN_FIELDS)} if rules else {}
        given = json.loads(entry.given) if entry and entry.given else {}
        uows = self._store.uows([entry.uow_id(run.fire) for run in entry.runs]) if entry else []
        sessions = {session.id: session for session in self._store.sessions()}
        coming = self.next_fires(process, name, 5) if state == "on" else []
        return EntryView(process, name, state, fields, given, entry, uows, coming, _why(entry, rules, uows, sessions))

    def next_fires(self, process: str, name: str, count: int) -> list[datetime]:
        """Return the next fires of an entry, as if it were on; by the function that fires. Raises NotFound."""
        entry, rules = self._found(process, name)
        if rules is None or rules.is_gone:
            return []
        now = self._clock.now()
        return rules.fires.coming(max(now, entry.since) if entry else now, count)

    def give(self, verb: str, process: str, name: str, who: str, why: str, details: Mapping[str, object]) -> int:
        """Store a command about an entry and return its number; `verb` is one of `freerun_commands.VERBS`."""
        text = json.dumps(dict(details), sort_keys=True) if details else ""
        number = self._store.add_command(Command(PREFIX + verb, process, name, who, why, self._clock.now(), details=text))
        try:
            self._broker.declare([REPORT_QUEUE])  # no scheduler may have run yet
            self._broker.publish([Message(REPORT_QUEUE, f"command:{number}")])
        except (BrokerError, Unavailable) as error:
            log.warning("command %d is stored; the scheduler will find it by its sweep: %s", number, error)
        return number

    def is_coming(self, process: str, name: str) -> bool:
        """Return whether a command that makes the entry waits for a scheduler."""
        made = (f"{PREFIX}create", process, name)
        return any((command.verb, command.process, command.timeperiod) == made for command in self._store.open_commands(_MOST_OPEN))

    def _entries(self) -> dict[tuple[str, str], Entry]:
        return {entry.key: entry for entry in self._read_entries()}

    def _found(self, process: str, name: str) -> tuple[Entry | None, Rules | None]:
        found = self._entries()
        entry = found.get((process, name))
        if entry is None and (process, name) not in self._context.freerun:
            if self._context.entry(process, name) is None:
                raise NotFound(unknown_process(self._context, process))
            names = [other for owner, other in {**self._context.freerun, **found} if owner == process]
            raise NotFound(f"{process} has no entry {name!r}{near(name, names) or ': `launch.py freerun list` shows them'}")
        return entry, freerun.rules_of(self._context, process, name, entry)

    def _line(self, key: tuple[str, str], entry: Entry | None) -> EntryLine:
        rules = freerun.rules_of(self._context, *key, entry)
        state, now = _state(entry, rules), self._clock.now()
        coming = rules.fires.after(max(now, entry.since) if entry else now) if rules and state == "on" else None
        runs = entry.runs if entry else ()
        return EntryLine(
            *key,
            rules.process.trigger_frequency if rules else "",
            state,
            coming,
            len(runs),
            len(entry.waiting) if entry else 0,
            sum(1 for run in runs if run.held),
            sum(1 for run in runs if run.failing_since and not run.held),
            entry.last_end if entry else "",
            entry.fired if entry else 0,
            entry.missed if entry else 0,
            entry.said if entry else "",
        )


def _is_deleted(entry: Entry | None) -> bool:
    return entry is not None and entry.is_deleted


def _state(entry: Entry | None, rules: Rules | None) -> str:
    if rules is None or rules.is_gone:
        return "deleted" if entry and entry.is_deleted else "retired"
    return "on" if rules.process.is_on else "off"


def _why(entry: Entry | None, rules: Rules | None, uows: list[UnitOfWork], sessions: Mapping[str, Session]) -> list[Blocker]:
    """Return what keeps the entry's fires, each as one sentence."""
    if entry is None or rules is None:
        return []
    found = []
    if not rules.process.is_on and not rules.is_gone:
        by = f"by {entry.said}" if entry.given and "is_on" in json.loads(entry.given) else "in the context"
        look = f"launch.py freerun on {entry.process} {entry.name}"
        found.append(Blocker("off", f"it is switched off {by}", entry.process, entry.name, entry.said_at, look))
    by_fire = {uow.timeperiod: uow for uow in uows}
    for run in entry.runs:
        kind, text = _of_run(run.fire, run.held, run.retry_at, by_fire.get(run.fire), sessions)
        found.append(Blocker(kind, text, entry.process, entry.name, run.opened_at))
    for fire in entry.waiting:
        text = f"{fire} waits for the end of what is under way" if entry.runs else f"{fire} waits for room in {rules.process.queue}"
        found.append(Blocker("unit of work" if entry.runs else "queue window", text, entry.process, entry.name))
    return found


def _of_run(
    fire: str, held: str, retry_at: datetime | None, uow: UnitOfWork | None, sessions: Mapping[str, Session]
) -> tuple[str, str]:
    if held:
        return "held", f"{fire} is held: {held}"
    if uow is None:
        return "turn", f"{fire} was decided and is not in the store yet"
    if uow.state is UowState.INVALID:
        again = f"at {retry_at:%Y-%m-%d %H:%M:%S}Z" if retry_at else "with the next turn"
        return "retry", f"{fire} failed ({uow.reason}), the next attempt is due {again}"
    if uow.state is UowState.IN_PROGRESS:
        box = sessions[uow.session].box if uow.session in sessions else "a worker that is gone"
        return ("ending", f"{fire} is being ended on {box}") if uow.cancel_requested else ("unit of work", f"{fire} is running on {box}")
    return _of_queue(fire, uow.queue, [session for session in sessions.values() if session.kind == "worker"])


def _of_queue(fire: str, queue: str, workers: Sequence[Session]) -> tuple[str, str]:
    if not workers:
        return "worker", f"{fire} waits in {queue} and no worker runs"
    if not any(queue in worker.takes_from for worker in workers):
        return "worker", f"{fire} waits in {queue}, and no worker takes from it: see present_on_boxes of its entry"
    return "unit of work", f"{fire} waits in {queue} for a slot"

"""What do time, reports and room lead to in freerun entries? The engine's memory of them; no store, no broker, no clock.

Work is proportional to what fires: one heap of alarms, one for each entry.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from db.entries import Entry, Run
from db.model import Cancel, UnitOfWork, UowMove
from mq.broker import Message
from scheduler import freerun
from scheduler.draft import Draft
from scheduler.freerun import Rules
from scheduler.inflight import Flight, InFlight
from scheduler.moves import put_back, record
from scheduler.policy import SchedulerSettings
from scheduler.settlement import Settlement
from scheduler.timetable import Timetable
from system.context import Context
from system.lifecycle import UOW_FINISHED, UOW_LIFECYCLE, UowEvent, UowState, advance

log = logging.getLogger(__name__)

Key = tuple[str, str]


class FreerunBoard:
    """The freerun entries with everything under way in them. Belongs to the board's thread; `draft` and `window` are the board's.

    `inflight` and `look_at` are shared with the board. A flight of an entry has the node (`process/name`, fire).
    """

    def __init__(
        self, context: Context, timetable: Timetable, inflight: InFlight, settings: SchedulerSettings, look_at: dict[str, None],
        draft: Draft,
    ) -> None:  # fmt: skip
        self.draft = draft
        self.window = settings.window_least
        self._context = context
        self._timetable = timetable
        self._inflight = inflight
        self._settings = settings
        self._look_at = look_at
        self._rules: dict[Key, Rules | None] = {}
        self._by_title: dict[str, Key] = {}
        self._alarms: list[tuple[datetime, Key]] = []
        self._armed: dict[Key, datetime] = {}
        self._hungry: dict[str, dict[Key, None]] = {}
        self._newcomers: list[Key] = []
        self._here_since = draft.now
        self._here_at: datetime | None = None
        self._missing: list[tuple[Key, Run]] = []
        self._rescheduled: list[Key] = []  # by the context, since they were written last
        self._unmet: dict[Key, dict[str, UnitOfWork]] = {}  # the units of work of retired entries, by fire

    def begin(self, draft: Draft) -> None:
        """Start the next turn. The first one puts back what the store lacks of the units of work under way."""
        self.draft = draft
        if self._here_at is None or not timedelta() <= draft.now - self._here_at <= timedelta(seconds=freerun.PUNCTUAL_S):
            self._here_since = draft.now  # nobody was there meanwhile, or the clock was set
        self._here_at = draft.now
        missing, self._missing = self._missing, []
        for key, run in missing:
            entry, rules = self._timetable.entries[key], self.rules(key)
            if rules is not None:
                self._put_back(entry, run, rules)

    def _put_back(self, entry: Entry, run: Run, rules: Rules) -> None:
        uow = freerun.unit_of(entry, run.fire, rules, self.draft.now, self.draft.number)
        # One that was given up is told apart from one that was called off by its INVALID unit of work, which is gone.
        is_ending = run.is_ending or run.is_given_up
        self._note(entry, run.fire, put_back(uow, run, entry.key, is_ending=is_ending, draft=self.draft))

    def take_up(self, uows: Iterable[UnitOfWork]) -> None:
        """Take up every entry; `uows` are the units of work of what was under way, those of jobs may be among them."""
        found = {uow.id: uow for uow in uows}
        for key, entry in list(self._timetable.entries.items()):
            rules = self.rules(key)
            if entry.goes_by != freerun.goes_by(rules):
                self._rescheduled.append(key)
            if rules is None:
                self._unmet[key] = {run.fire: uow for run in entry.runs if (uow := found.get(entry.uow_id(run.fire)))}
                continue
            for run in entry.runs:
                uow = found.get(entry.uow_id(run.fire))
                if uow is None:
                    self._missing.append((key, run))
                else:
                    self._note(entry, run.fire, uow)
                    self._look_at[uow.id] = None
            self._follow(entry, rules)
        self._newcomers = [key for key in self._context.freerun if key not in self._timetable.entries]

    def uow_ids(self) -> list[str]:
        """Return the units of work of all runs that have not ended."""
        return [entry.uow_id(run.fire) for entry in self._timetable.entries.values() for run in entry.runs]

    def rules(self, key: Key) -> Rules | None:
        """Return how an entry goes today, None where it is retired or unknown."""
        if key not in self._rules:
            self._rules[key] = freerun.rules_of(self._context, *key, self._timetable.entries.get(key))
        return self._rules[key]

    def put(self, entry: Entry) -> None:
        """Decide that an entry stands as given from this turn on, and let follow what that leads to."""
        entry = replace(entry, turn=self.draft.number)
        before = self._timetable.entries.get(entry.key)
        if before is None or (before.given, before.is_deleted, before.is_made) != (entry.given, entry.is_deleted, entry.is_made):
            self._rules.pop(entry.key, None)
        self.draft.put_entry(entry)
        rules = self.rules(entry.key)
        if entry.goes_by != (today := freerun.goes_by(rules)):
            entry = replace(entry, goes_by=today, since=max(entry.since, self.draft.now))
            self.draft.put_entry(entry)
        if rules is None:
            self._armed.pop(entry.key, None)
            return
        self._meet(entry, rules)
        if freerun.is_too_wide(entry, rules.overlap):
            entry = freerun.narrowed(entry)
            self.draft.put_entry(entry)
        for run in freerun.to_end(entry, rules.overlap):
            self.call_off(entry.key, run.fire, f"replaced by the fire {entry.waiting[0]}")
        self._follow(self._timetable.entries[entry.key], rules)

    def _meet(self, entry: Entry, rules: Rules) -> None:
        """Take up the runs of an entry that was retired until now: nobody has followed them."""
        if entry.key not in self._unmet:
            return
        found = self._unmet.pop(entry.key)
        for run in entry.runs:
            uow = found.get(run.fire)
            if uow is None:
                self._put_back(entry, run, rules)
            else:
                self._note(entry, run.fire, uow)
                self._look_at[uow.id] = None

    def _follow(self, entry: Entry, rules: Rules) -> None:
        """Set the entry's alarm, and let it be looked at for what it has to open."""
        self._by_title[entry.title] = entry.key
        moment = freerun.next_alarm(entry, rules, self.draft.now)
        if moment is None:
            self._armed.pop(entry.key, None)
        elif self._armed.get(entry.key) != moment:
            self._armed[entry.key] = moment
            heapq.heappush(self._alarms, (moment, entry.key))
        if freerun.may_open(entry, rules.overlap) or any(self._is_due(run) for run in entry.runs):
            self._hungry.setdefault(rules.process.queue, {})[entry.key] = None

    # -- what time brings

    def pass_time(self, looks: int) -> int:
        """Let in the fires and attempts that became due by the draft's time, at most `looks`; returns how many looks are left."""
        now = self.draft.now
        for key in self._newcomers:
            self.catch_up(key)
        for key in self._rescheduled:
            self.put(self._timetable.entries[key])
        self._newcomers, self._rescheduled = [], []
        walked = 0
        while looks > 0 and walked < freerun.MOST_WALKED and self._alarms and self._alarms[0][0] <= now:
            moment, key = heapq.heappop(self._alarms)
            if self._armed.get(key) != moment:
                continue
            del self._armed[key]
            looks -= 1
            walked += self.catch_up(key)
        return looks

    def next_alarm(self) -> datetime | None:
        """Return when time brings the next thing to decide."""
        while self._alarms and self._armed.get(self._alarms[0][1]) != self._alarms[0][0]:
            heapq.heappop(self._alarms)
        return self._alarms[0][0] if self._alarms else None

    def catch_up(self, key: Key) -> int:
        """Let in what an entry's schedule brought by the draft's time, and an entry that is new: before somebody changes it, too.

        Returns how many fires had to be looked at one by one.
        """
        entry, rules = self._timetable.entries.get(key), self.rules(key)
        if entry is None and key in self._context.freerun:
            self.put(Entry(*key, turn=self.draft.number, since=self.draft.now))
        if entry is None or rules is None:
            return 0
        found = freerun.due(rules, entry.since, self.draft.now, self._here_since) if rules.process.is_on else None
        if found is None:
            self._follow(entry, rules)
            return 0
        if found.missed:
            log.warning("%s: %s", entry.title, found.told())
            self.draft.tell(*key, "missed", found.told())
        self.put(freerun.fired(entry, found, rules, self.draft.now))
        return found.walked

    # -- what units of work bring

    def has(self, title: str) -> bool:
        """Return whether a flight's node names one of the entries."""
        return title in self._by_title

    def read(self, flight: Flight, uow: UnitOfWork, *, is_void: bool) -> None:
        """Take over a unit of work as it stands in the store. `is_void`: it is IN_PROGRESS and its session is gone."""
        key = self._by_title[flight.node[0]]
        entry, rules = self._timetable.entries[key], self.rules(key)
        run = next((run for run in entry.runs if run.fire == str(flight.node[1])), None)
        if run is None or rules is None:
            self._inflight.settled(uow.id)
            return
        self._inflight.note(uow, flight.node)
        after, result = freerun.settled(
            entry, run, uow, rules, is_void=is_void, max_losses=self._settings.max_losses, now=self.draft.now, turn=self.draft.number
        )
        if result is None:
            return
        if result.move:
            self._move(result.move, flight, result.uow_state)
        if after is not entry:
            self._take(entry, after, uow, result)

    def _take(self, entry: Entry, after: Entry, uow: UnitOfWork, result: Settlement) -> None:
        if result.uow_state in UOW_FINISHED:
            self._inflight.settled(uow.id)
            if uow.state is not UowState.PROCESSED and uow.state is not UowState.NOOP:
                self.draft.tell(*entry.key, after.last_end.removeprefix("state_"), f"{uow.id}: {after.last_reason}")
            log.info("%s is %s%s", uow.id, after.last_end, f": {after.last_reason}" if after.last_reason else "")
        else:
            log.warning("%s: %s", uow.id, next(run.reason for run in after.runs if entry.uow_id(run.fire) == uow.id))
        self.put(after)

    def _move(self, move: UowMove, flight: Flight, after: UowState) -> None:
        if move.event in (UowEvent.LOST, UowEvent.LOST_TOO_OFTEN):
            self.draft.tell(*self._by_title[flight.node[0]], "lost", f"{move.uow_id}: {move.reason}")
        record(move, flight, after, self.draft, self._inflight, self._look_at)

    # -- opening units of work

    def fill(self, looks: int) -> int:
        """Open what may be opened, first come first served in each queue; returns how many looks are left."""
        for queue, waiting in list(self._hungry.items()):
            while waiting and looks > 0 and len(self._inflight.requested[queue]) < self.window:
                key = next(iter(waiting))
                del waiting[key]
                looks -= 1
                self._serve(key)
        return looks

    def is_more(self) -> bool:
        """Return whether something is left that could be opened or decided now."""
        due = self.next_alarm()
        is_open = any(waiting and len(self._inflight.requested[queue]) < self.window for queue, waiting in self._hungry.items())
        return is_open or (due is not None and due <= self.draft.now)

    def _serve(self, key: Key) -> None:
        """Make one attempt or one fire of an entry due; it stands at its queue's end where it has more."""
        entry, rules = self._timetable.entries[key], self.rules(key)
        if rules is None:
            return
        retry = next((run for run in entry.runs if self._is_due(run)), None)
        if retry is not None:
            self._retry(entry, retry)
        elif freerun.may_open(entry, rules.overlap):
            after, uow = freerun.opened(entry, rules, self.draft.now, self.draft.number)
            self.draft.opened.append(uow)
            self.draft.messages.append(Message(uow.queue, uow.id))
            self._note(entry, uow.timeperiod, uow)
            self.put(after)
        else:
            self._follow(entry, rules)  # the clock was set back meanwhile: an attempt that was due is to come

    def _retry(self, entry: Entry, run: Run) -> None:
        uow_id = entry.uow_id(run.fire)
        flight = self._inflight.flights.get(uow_id)
        if flight is None:
            return
        after = advance(UOW_LIFECYCLE, UowState.INVALID, UowEvent.RETRIED)
        move = UowMove(uow_id, UowState.INVALID, UowEvent.RETRIED, flight.fence, flight.losses, run.reason)
        self._move(move, flight, after)
        self.put(freerun.with_run(entry, run, replace(run, uow_state=after, retry_at=None)))

    def _is_due(self, run: Run) -> bool:
        return freerun.is_owed_attempt(run) and run.retry_at is not None and run.retry_at <= self.draft.now

    # -- calling off

    def call_off(self, key: Key, fire: str, reason: str) -> bool:
        """Let a run end; returns False where there is none, or that was asked before."""
        entry = self._timetable.entries[key]
        run = next((run for run in entry.runs if run.fire == fire and not run.is_ending), None)
        if run is None:
            return False
        uow_id = entry.uow_id(fire)
        flight = self._inflight.flights[uow_id]
        self.draft.cancels.append(Cancel(uow_id, reason))
        for state in (UowState.REQUESTED, UowState.INVALID):
            self.draft.moves.append(UowMove(uow_id, state, UowEvent.CANCELED, flight.fence, flight.losses, reason))
        self._look_at[uow_id] = None
        self.put(freerun.with_run(entry, run, replace(run, is_ending=True, held="", reason=reason)))
        return True

    # -- the board's flights

    def _note(self, entry: Entry, fire: str, uow: UnitOfWork) -> None:
        rules = self.rules(entry.key)
        self._by_title[entry.title] = entry.key
        self._inflight.name_queue(entry.title, rules.process.queue if rules else uow.queue)
        self._inflight.note(uow, (entry.title, int(fire)))

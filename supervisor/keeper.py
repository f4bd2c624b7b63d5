"""How are a box's scheduler and workers kept alive? A machine whose `turn` does one round.

A death is answered at once: what the dead process left running is ended, then its session is closed, so that what it held is due
again without waiting for its lease. Nothing is started while the store is away, and no error of the store ends the keeper.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from db.model import Session
from db.store import Store
from mq.broker import Broker, Message
from supervisor import policy
from supervisor.crew import Crew, Death, Member
from supervisor.places import SCHEDULER, WORKER, process_of
from supervisor.policy import Life, Stopping
from system.context import REPORT_QUEUE
from system.errors import BrokerError, StoreError
from system.processes import Identity

log = logging.getLogger(__name__)

_SOON_S = 0.02  # until the next look at leftovers that were just killed
_STORE_PATIENCE_S = 0.5  # between tries while the store is away
_MANY_TRIES = 50  # looks after which leftovers are not going to go soon
_SECOND_LOOK_S = 10.0  # sessions whose processes nobody here started


@dataclass(frozen=True, slots=True)
class View:
    """One kept process as it is shown. `trouble` is a sentence, empty when there is none. `deaths` counts quick ones in a row."""

    name: str
    pid: int | None
    trouble: str = ""
    is_crash_loop: bool = False
    created_s: float = 0.0
    deaths: int = 0


class Keeper:
    """Keeps one process per name alive. `names` are given in the order of starting; they are stopped in reverse, one process at a time.

    None: not known yet. Until `want` says it, nothing is started, and nothing that runs is ended.
    """

    def __init__(self, names: Sequence[str] | None, crew: Crew, store: Store, broker: Broker, box: str, *, grace_s: float = 10.0) -> None:
        self._crew, self._store, self._broker, self._box, self._grace_s = crew, store, broker, box, grace_s
        self._names: tuple[str, ...] | None = None
        self._news: deque[tuple[tuple[str, ...], frozenset[str]]] = deque()
        self._lives: dict[str, Life] = {}
        if names is not None:
            self.want(names)
        self._members: dict[str, Member] = {}
        self._asked: dict[str, float] = {}
        self._has_begun = False
        self._is_stopping = False
        self._is_killing = False
        self._settle_at = 0.0
        self._owes = True
        self._tries = 0
        self._store_away = ""
        self._start_again_at = 0.0
        self._spent_until = 0.0

    def want(self, names: Sequence[str], forgiven: Collection[str] = ()) -> None:
        """Keep `names` from the next turn on, and nothing else. The past of the `forgiven` ones is forgotten. From any thread."""
        self._news.append((tuple(names), frozenset(forgiven)))

    def stop(self) -> None:
        """Start no more and end what runs: workers first, then the scheduler. Safe in a signal's handler."""
        self._is_stopping = True

    def kill(self) -> None:
        """As `stop`, without grace. Safe in a signal's handler."""
        self._is_stopping = self._is_killing = True

    @property
    def is_stopped(self) -> bool:
        """Whether a stop was asked for, nothing runs any more, and what it left was seen to (or can't be)."""
        return self._is_stopping and self._has_begun and not self._members and (not self._owes or self._tries >= _MANY_TRIES)

    def views(self) -> list[View]:
        """Return every kept process as it stands. May be called from another thread."""
        found = []
        for name, life in list(self._lives.items()):
            member, trouble = self._members.get(name), ""
            if life.is_crash_loop:
                trouble = f"{name} died {life.quick_deaths} times soon after its start (last: {life.last_end})"
            elif member is None and life.last_end:
                trouble = f"{name} is down ({life.last_end})"
            if member is None and self._store_away:
                trouble = f"{name} is not started while the store is away: {self._store_away}"
            found.append(_view(name, member, trouble, life))
        ending = [m for m in list(self._members.values()) if m.name not in self._lives]
        return found + [_view(m.name, m, "", Life()) for m in ending]

    def turn(self, now: float) -> float:
        """Do one round at `now` (seconds of a clock that never jumps); returns the seconds after which the next is due at the latest."""
        if not self._has_begun:
            self._begin(now)
        while self._news:
            self._take_up(*self._news.popleft(), now)
        for death in self._crew.deaths():
            self._bury(death, now)
        if now >= self._settle_at:
            self._settle(now)
        if self._is_stopping:
            self._end_what_runs(now)
        else:
            self._start_what_is_due(now)
            self._end_the_unwanted(now)
        return self._rest_s(now)

    def _begin(self, now: float) -> None:
        for member in self._crew.survivors():
            self._members[member.name] = member
            log.info("adopted %s, pid %d", member.name, member.identity.pid, extra={"action": "adopted", "member": member.name})
        self._has_begun = True
        self._settle_at = now

    def _take_up(self, names: tuple[str, ...], forgiven: frozenset[str], now: float) -> None:
        if self._names is not None and names != self._names:
            log.info("from now on kept alive: %s", ", ".join(names) or "nothing", extra={"action": "taken_up"})
        before, self._names = self._lives, names
        self._lives = {}
        for name in names:
            life = before.get(name)
            if life is None or name in forgiven:
                life = policy.started(Life(), now) if name in self._members else Life()
            self._lives[name] = life

    def _bury(self, death: Death, now: float) -> None:
        name, how = death.member.name, policy.described(death.exit_code)
        del self._members[name]
        was_asked = self._asked.pop(name, None) is not None or self._is_stopping
        if name in self._lives:
            life = self._lives[name]
            self._lives[name] = policy.ended(now) if was_asked else policy.died(life, death.exit_code, now)
        self._settle_at, self._owes, self._tries = now, True, 0
        facts = {"action": "stopped" if was_asked else "died", "member": name}
        if was_asked:
            log.info("%s ended (%s), as asked", name, how, extra=facts)
        else:
            log.warning("%s died: %s; it may start again in %.1f s", name, how, self._wait_s(name, now), extra=facts)

    def _wait_s(self, name: str, now: float) -> float:
        return policy.until_start_s(self._lives[name], now) if name in self._lives else 0.0

    # -- what the dead leave behind

    def _settle(self, now: float) -> None:
        """End what dead processes of this box left, then close their sessions and say so."""
        self._tries += 1
        # In this order: who dies after the first line is not closed before its own leftovers were looked for.
        dead = self._dead_sessions()
        if not self._crew.clear():
            self._settle_at = now + (_SOON_S if self._tries < _MANY_TRIES else _STORE_PATIENCE_S)
        elif dead is None or not self._close(dead):
            self._settle_at = now + _STORE_PATIENCE_S
            self._owes = not self._is_stopping  # a stop does not wait for a store: the leases run out without us
        else:
            self._settle_at, self._owes, self._tries = now + _SECOND_LOOK_S, False, 0

    def _dead_sessions(self) -> list[Session] | None:
        """Return the open sessions of this box whose process is dead; None while the store is away."""
        try:
            sessions = self._store.sessions()
        except StoreError as error:
            self._lose_store(error)
            return None
        self._find_store()
        return [s for s in sessions if s.box == self._box and not self._crew.is_alive(Identity(s.pid, s.created_s))]

    def _close(self, dead: Sequence[Session]) -> bool:
        if not dead:
            return True
        try:
            self._store.close_sessions([s.id for s in dead])
        except StoreError as error:
            self._lose_store(error)
            return False
        for session in dead:
            facts = {"action": "session_closed", "session": session.id}
            log.info("closed the session of a dead %s, pid %d", session.kind, session.pid, extra=facts)
        try:
            self._broker.publish([Message(REPORT_QUEUE, f"session:{s.id}") for s in dead])
        except (BrokerError, StoreError) as error:  # a hint: the sweep finds out without it
            log.warning("the scheduler was not told of closed sessions: %s", error)
        return True

    def _lose_store(self, error: StoreError) -> None:
        if not self._store_away:
            log.warning("the store is away; nothing is started until it is back: %s", error)
        self._store_away = str(error) or type(error).__name__

    def _find_store(self) -> None:
        if self._store_away:
            log.info("the store is back")
        self._store_away = ""

    # -- starts and stops

    def _start_what_is_due(self, now: float) -> None:
        due = policy.due(self._down(), self._spent_until, now)
        if not due or now < self._start_again_at:
            return
        try:
            self._store.sessions()
        except StoreError as error:
            self._start_again_at = now + _STORE_PATIENCE_S
            self._lose_store(error)
            return
        self._find_store()
        for name in due:
            self._start(name, now)

    def _down(self) -> dict[str, Life]:
        return {name: life for name, life in self._lives.items() if name not in self._members}

    def _start(self, name: str, now: float) -> None:
        self._spent_until = policy.spent(self._lives[name], self._spent_until, now)
        try:
            member = self._crew.start(name)
        except OSError as error:
            self._lives[name] = policy.died(self._lives[name], None, now)
            log.error("%s can't be started: %s", name, error, extra={"action": "not_started", "member": name})  # noqa: TRY400
            return
        self._members[name] = member
        self._lives[name] = policy.started(self._lives[name], now)
        log.info("started %s, pid %d", name, member.identity.pid, extra={"action": "started", "member": name})

    def _end_the_unwanted(self, now: float) -> None:
        if self._names is None or self._store_away:  # who runs stays: nothing could take the place of it
            return
        for member in list(self._members.values()):
            if member.name not in self._lives or not member.is_current:
                self._end(member, now)

    def _end_what_runs(self, now: float) -> None:
        """Work on the stop: the kind that was started last is ended first, the others wait for it."""
        kinds = list(dict.fromkeys(process_of(n) for n in (*(self._names or (SCHEDULER, WORKER)), *self._members)))
        running = [[m for m in self._members.values() if process_of(m.name) == kind] for kind in reversed(kinds)]
        now_ending = [group for group in running if group][: None if self._is_killing else 1]
        for member in [m for group in now_ending for m in group]:
            self._end(member, now)

    def _end(self, member: Member, now: float) -> None:
        step = Stopping.KILL if self._is_killing else policy.stopping(self._asked.get(member.name), now, self._grace_s)
        if step is Stopping.WAIT:
            return
        self._asked.setdefault(member.name, now)
        if step is Stopping.KILL:
            log.warning("killed %s, pid %d: it did not end in time", member.name, member.identity.pid, extra={"member": member.name})
        self._crew.send(member, signal.SIGTERM if step is Stopping.ASK else signal.SIGKILL)

    def _rest_s(self, now: float) -> float:
        """Return how long nothing is due. Deaths and signals end the wait before that."""
        if self._is_stopping:
            return _SOON_S if self._is_killing else 0.1
        waits = [policy.until_due_s(life, self._spent_until, now) for life in self._down().values()]
        if self._start_again_at > now:
            waits = [max(w, self._start_again_at - now) for w in waits]
        waits += [max(0.0, self._settle_at - now)]
        waits += [max(0.0, asked + self._grace_s - now) for asked in self._asked.values()]
        return max(0.005, min(waits))


def _view(name: str, member: Member | None, trouble: str, life: Life) -> View:
    who = member.identity if member else None
    return View(name, who.pid if who else None, trouble, life.is_crash_loop, who.created_s if who else 0.0, life.quick_deaths)

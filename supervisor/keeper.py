"""How are a box's scheduler and workers kept alive? A machine whose `turn` does one round.

A death is answered at once: what the dead process left running is ended, then its session is closed. Nothing is started while the
store is away, no error of the store ends the keeper, and no store that is slow to answer holds it up.
"""

from __future__ import annotations

import logging
import signal
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from db.model import Session
from db.store import Store
from mq.broker import Broker
from supervisor import policy
from supervisor.aftermath import SLOW_S, SOON_S, STORE_PATIENCE_S, Aftermath
from supervisor.calls import Asked, AtOnce, Calls
from supervisor.crew import Crew, Death, Member
from supervisor.places import SCHEDULER, WORKER, process_of
from supervisor.policy import Life, Stopping
from supervisor.reach import Reach
from system.errors import StoreError, Unavailable

log = logging.getLogger(__name__)

_KILL_AGAIN_S = 1.0  # one that hangs in the kernel dies of no kill
_LOOK_S = 0.25  # between looks at a call that is under way; its end ends the wait, too
STORE = "store"  # no process, but where it is away it is shown beside them


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

    None: not known yet. Until `want` says it, nothing is started, and nothing that runs is ended. `reach` tells of the store.
    """

    def __init__(
        self, names: Sequence[str] | None, crew: Crew, store: Store, broker: Broker, box: str, *, grace_s: float = 10.0,
        calls: Calls | None = None,
    ) -> None:  # fmt: skip
        self._crew, self._store, self._grace_s = crew, store, grace_s
        self._calls, self.reach = calls or AtOnce(), Reach()
        self._aftermath = Aftermath(crew, store, broker, self._calls, self.reach, box)
        self._names: tuple[str, ...] | None = None
        self._news: deque[tuple[tuple[str, ...], frozenset[str], frozenset[str]]] = deque()
        self._lives: dict[str, Life] = {}
        if names is not None:
            self.want(names)
        self._members: dict[str, Member] = {}
        self._asked: dict[str, float] = {}
        self._killed: dict[str, float] = {}  # when last
        self._has_begun = False
        self._is_stopping = False
        self._is_killing = False
        self._gate: Asked[list[Session]] | None = None
        self._start_again_at = 0.0
        self._spent_until = 0.0

    def want(self, names: Sequence[str], forgiven: Collection[str] = (), outdated: Collection[str] = ()) -> None:
        """Keep `names` from the next turn on, and nothing else. From any thread.

        The past of the `forgiven` ones is forgotten. What runs under an `outdated` name is ended, to be started anew.
        """
        self._news.append((tuple(names), frozenset(forgiven), frozenset(outdated)))

    def stop(self) -> None:
        """Start no more and end what runs: workers first, then the scheduler. Safe in a signal's handler."""
        self._is_stopping = True

    def kill(self) -> None:
        """As `stop`, without grace. Safe in a signal's handler."""
        self._is_stopping = self._is_killing = True

    @property
    def is_stopped(self) -> bool:
        """Whether a stop was asked for, nothing runs any more, and what it left was seen to (or can't be)."""
        return self._is_stopping and self._has_begun and not self._members and self._aftermath.is_over

    def close(self) -> None:
        """Ask the store no more."""
        self._calls.close()

    def views(self) -> list[View]:
        """Return every kept process as it stands, and the store where it is away. May be called from another thread."""
        away = self.reach.trouble
        found = [View(STORE, None, f"the store is away; nothing is started until it is back, who runs is kept: {away}")] if away else []
        for name, life in list(self._lives.items()):
            member, trouble = self._members.get(name), ""
            if life.is_crash_loop:
                trouble = f"{name} died {life.quick_deaths} times soon after its start (last: {life.last_end})"
            elif member is None and life.last_end:
                trouble = f"{name} is down ({life.last_end})"
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
        self._aftermath.turn(now, is_stopping=self._is_stopping)
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
        self._aftermath.begin(now)

    def _take_up(self, names: tuple[str, ...], forgiven: frozenset[str], outdated: frozenset[str], now: float) -> None:
        if self._names is not None and names != self._names:
            log.info("from now on kept alive: %s", ", ".join(names) or "nothing", extra={"action": "taken_up"})
        before, self._names = self._lives, names
        self._lives = {}
        for name in names:
            life = before.get(name)
            if life is None or name in forgiven:
                life = policy.started(Life(), now) if name in self._members else Life()
            self._lives[name] = life
        for name in outdated & self._members.keys():
            self._members[name] = replace(self._members[name], is_current=False)

    def _bury(self, death: Death, now: float) -> None:
        name, how = death.member.name, policy.described(death.exit_code)
        del self._members[name]
        was_asked = self._asked.pop(name, None) is not None or self._is_stopping
        self._killed.pop(name, None)
        if name in self._lives:
            life = self._lives[name]
            self._lives[name] = policy.ended(now) if was_asked else policy.died(life, death.exit_code, now)
        self._aftermath.begin(now)
        facts = {"action": "stopped" if was_asked else "died", "member": name}
        if was_asked:
            log.info("%s ended (%s), as asked", name, how, extra=facts)
        else:
            log.warning("%s died: %s; it may start again in %.1f s", name, how, self._wait_s(name, now), extra=facts)

    def _wait_s(self, name: str, now: float) -> float:
        return policy.until_start_s(self._lives[name], now) if name in self._lives else 0.0

    # -- starts and stops

    def _start_what_is_due(self, now: float) -> None:
        due = policy.due(self._down(), self._spent_until, now)
        if due and now >= self._start_again_at and self._is_store_there(now):
            for name in due:
                self._start(name, now)
        elif not due:
            self._gate = None  # what it says would be of old when it is wanted

    def _is_store_there(self, now: float) -> bool:
        """Return whether the store has just answered; asks it, and waits for the answer no longer than until the next round."""
        gate = self._gate = self._gate or Asked(self._calls.submit(self._store.sessions), now)
        if not gate.is_over:
            if now - gate.since_s >= SLOW_S:
                self.reach.lose(Unavailable("it does not answer"))
            return False
        self._gate = None
        try:
            gate.result()
        except StoreError as error:
            self._start_again_at = now + STORE_PATIENCE_S
            self.reach.lose(error)
            return False
        self.reach.find()
        return True

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
        unwanted = self._unwanted()
        for member in unwanted:
            self._end(member, now)
        for name in self._asked.keys() - {member.name for member in unwanted}:
            # It was switched on again, and did not end meanwhile: from here on it is kept as if it had never been asked.
            if not self.reach.trouble and now - self._asked[name] >= self._grace_s:
                del self._asked[name]
                self._killed.pop(name, None)

    def _unwanted(self) -> list[Member]:
        """Return who is to end while the others run."""
        if self._names is None or self.reach.trouble:  # who runs stays: nothing could take the place of it
            return []
        return [member for member in self._members.values() if member.name not in self._lives or not member.is_current]

    def _end_what_runs(self, now: float) -> None:
        """Work on the stop: the kind that was started last is ended first, the others wait for it."""
        kinds = list(dict.fromkeys(process_of(n) for n in (*(self._names or (SCHEDULER, WORKER)), *self._members)))
        running = [[m for m in self._members.values() if process_of(m.name) == kind] for kind in reversed(kinds)]
        now_ending = [group for group in running if group][: None if self._is_killing else 1]
        for member in [m for group in now_ending for m in group]:
            self._end(member, now)

    def _end(self, member: Member, now: float) -> None:
        step = Stopping.KILL if self._is_killing else policy.stopping(self._asked.get(member.name), now, self._grace_s)
        last = self._killed.get(member.name)
        if step is Stopping.WAIT or (last is not None and now - last < _KILL_AGAIN_S):
            return
        self._asked.setdefault(member.name, now)
        if step is Stopping.KILL:
            if last is None:
                log.warning("killed %s, pid %d: it did not end in time", member.name, member.identity.pid, extra={"member": member.name})
            self._killed[member.name] = now
        self._crew.send(member, signal.SIGTERM if step is Stopping.ASK else signal.SIGKILL)

    def _until_step_s(self, name: str, now: float) -> float:
        """Return the seconds until the next step towards the end of a process that was asked."""
        if name in self._killed:
            return self._killed[name] + _KILL_AGAIN_S - now
        return self._asked.get(name, now) + self._grace_s - now

    def _rest_s(self, now: float) -> float:
        """Return how long nothing is due. Deaths and signals end the wait before that."""
        if self._is_stopping:
            return SOON_S if self._is_killing else 0.1
        start_s = max(self._start_again_at - now, _LOOK_S if self._gate else 0.0)
        waits = [max(start_s, policy.until_due_s(life, self._spent_until, now)) for life in self._down().values()]
        waits += [max(self._aftermath.due_at - now, _LOOK_S if self._aftermath.is_waiting else 0.0)]
        waits += [self._until_step_s(member.name, now) for member in self._unwanted()]
        return max(0.005, min(waits))


def _view(name: str, member: Member | None, trouble: str, life: Life) -> View:
    who = member.identity if member else None
    return View(name, who.pid if who else None, trouble, life.is_crash_loop, who.created_s if who else 0.0, life.quick_deaths)

"""Is this supervisor there, what does it keep, and what do operators want of its box? Its session, its reports, and their wishes.

Runs in a thread of its own, so that a store that takes its time holds up nobody who keeps processes alive. While the store is away
the last wishes hold.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from uuid import uuid4

from db.model import MACHINE, Session
from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from supervisor.keeper import Keeper, View
from supervisor.places import Place, process_of, wanted
from system.clock import Clock
from system.errors import HorariumError
from system.processes import Identity, machine, own_identity
from system.usage import Usage, own_usage, usage_of

log = logging.getLogger(__name__)

KIND = "supervisor"
_SELF = Identity(0, 0.0)
# The kernel's whole table is read for it, whose length is not ours to decide.
_MEASURE_S = 10.0
_TELL_S = 10.0  # between two reports that say the same: that the supervisor is there is what its beats say


@dataclass(frozen=True, slots=True)
class Moved:
    """What belongs on a box after its context has changed. What runs of the `outdated` processes goes by the old one."""

    places: tuple[Place, ...]
    outdated: frozenset[str]


class Attendance:
    """Tells the store of a box, and the keeper of what is wanted. `places` are what belongs on the box; `wake` has the keeper look.

    `moved` is asked in each round what belongs there from now on, where that has changed. Belongs to one thread, but for `switched_off`.
    """

    def __init__(
        self, store: Store, clock: Clock, keeper: Keeper, places: Sequence[Place], box: str, *, beat_s: float, wake: Callable[[], None],
        moved: Callable[[], Moved | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._store, self._clock, self._keeper, self._places, self._box = store, clock, keeper, tuple(places), box
        self._beat_s, self._wake, self._moved = beat_s, wake, moved
        self._outdated: frozenset[str] = frozenset()
        self._is_moved = False
        self._session = ""
        self._wishes: dict[str, BoxWish] | None = None
        self._meter, self._own = Meter(), Meter()
        self._used: dict[Identity, Used] = {}
        self._own_used: dict[str, str] = {}
        self._measured_s: float | None = None
        self._told: tuple[object, ...] = ()
        self._told_s = 0.0

    def run(self, over: Event) -> None:
        """Beat until `over`, then say good-bye."""
        while not over.wait(self._beat_s):
            self.turn()
        self.leave()

    def turn(self) -> None:
        """Do one round: beat, take up wishes, report. Errors of the store are said once, and the next round tries again."""
        try:
            self._beat()
            self._look()
            self._tell()
        except HorariumError as error:
            self._keeper.reach.lose(error)
        except Exception:  # the edge of this thread: a round that fails must not be the last one
            log.exception("a round of the supervisor's beats failed; it goes on")
        else:
            self._keeper.reach.find()

    def leave(self) -> None:
        """Report what is left, which is nothing after a clean stop, and close the session."""
        if not self._session:
            return
        try:
            self._store.put_box_reports(self._reports(self._keeper.views()))
            self._store.close_sessions([self._session])
        except HorariumError as error:
            log.warning("could not close session %s, its lease will run out: %s", self._session, error)
        self._session = ""

    def switched_off(self) -> list[View]:
        """Return what belongs on the box and is off, each with a sentence that says since when, by whom and why."""
        wishes = self._wishes or {}
        off = [wishes[p.process] for p in self._places if p.process in wishes and not wishes[p.process].is_on]
        return [View(wish.process, None, said_of(wish)) for wish in off]

    def _look(self) -> None:
        """Read the wishes and hand on what follows from them; who was switched anew begins without its past."""
        if moved := self._moved():
            self._places, self._outdated, self._is_moved = moved.places, self._outdated | moved.outdated, True
        found = {wish.process: wish for wish in self._store.box_wishes() if wish.box == self._box}
        if found == self._wishes and not self._is_moved:
            return
        if self._wishes is None or self._is_moved:
            self._forget_others(found)
        before, self._wishes = self._wishes, found
        pairs = wanted(self._places, found.values())
        old = [name for name, process in pairs if process in self._outdated]
        fresh = [name for name, process in pairs if before is not None and before.get(process) != found.get(process)]
        self._keeper.want([name for name, _ in pairs], [*fresh, *old], old)
        self._outdated, self._is_moved = frozenset(), False
        self._wake()

    def _forget_others(self, wishes: Collection[str]) -> None:
        """Drop the reports of processes that do not belong here any more, unless an operator has said something of them."""
        kept = {*wishes, *(place.process for place in self._places)}
        self._store.drop_box(self._box, [r.process for r in self._store.box_reports() if r.box == self._box and r.process not in kept])

    def _beat(self) -> None:
        """Say that this supervisor is there. It comes first: a store that was restored wants a new session before anything else."""
        if not self._session:
            self._open()
        running = sum(1 for view in self._measure() if view.pid)
        facts = {"beat_at": self._clock.now().isoformat(), "running": str(running), MACHINE: machine(), **self._own_used}
        if not self._store.beat(self._session, facts).is_open:
            log.warning("the session %s of this supervisor was closed by another; it opens a new one", self._session)
            self._session = ""
            self._open()

    def _tell(self) -> None:
        """Report where that is something new. Else now and then, since the store may have been restored, or the box forgotten."""
        reports, now_s = self._reports(self._keeper.views()), self._clock.monotonic()
        told = tuple((report.process, report.instances, report.session, report.children) for report in reports)
        if told != self._told or now_s - self._told_s >= _TELL_S:
            self._store.put_box_reports(reports)
            self._told, self._told_s = told, now_s

    def _open(self) -> None:
        me = own_identity()
        session = f"{self._box}-{KIND}-{me.pid}-{uuid4().hex[:12]}"
        self._store.open_session(Session(session, KIND, self._box, me.pid, me.created_s, self._clock.now(), facts={MACHINE: machine()}))
        self._session = session
        log.info("opened session %s", session, extra={"action": "session_opened", "session": session})

    def _measure(self) -> list[View]:
        """Return what there is, after measuring what it uses: where somebody is new, and every ten seconds."""
        views, now_s = self._keeper.views(), self._clock.monotonic()
        who = {Identity(view.pid, view.created_s) for view in views if view.pid}
        if self._measured_s is None or now_s - self._measured_s >= _MEASURE_S or not self._used.keys() >= who:
            self._used, self._measured_s = self._meter.read(usage_of(who), now_s), now_s
            own = own_usage()
            self._own_used = {"cpu": f"{self._own.read({_SELF: own}, now_s)[_SELF].cpu:.4f}", "memory_bytes": str(own.memory_bytes)}
        return views

    def _reports(self, views: Sequence[View]) -> list[BoxReport]:
        now = self._clock.now()
        return [
            BoxReport(self._box, place.process, place.instances, now, self._session, _children(place.process, views, self._used))
            for place in self._places
        ]


@dataclass(frozen=True, slots=True)
class Used:
    """What a process and all below it use: the share of one CPU since the last reading, and memory."""

    cpu: float
    memory_bytes: int
    is_stopped: bool


class Meter:
    """Makes shares of what was used in all: the difference of two readings over the time between them. The first reading has none."""

    def __init__(self) -> None:
        self._before: Mapping[Identity, Usage] = {}
        self._at_s = 0.0

    def read(self, usage: Mapping[Identity, Usage], now_s: float) -> dict[Identity, Used]:
        """Return the shares since the last reading, which was at most as late as `now_s`."""
        passed_s, before = now_s - self._at_s, self._before
        self._before, self._at_s = usage, now_s
        return {who: Used(_share(before.get(who), found, passed_s), found.memory_bytes, found.is_stopped) for who, found in usage.items()}


def _share(before: Usage | None, found: Usage, passed_s: float) -> float:
    return round(max(0.0, found.cpu_s - before.cpu_s) / passed_s, 3) if before and passed_s > 0 else 0.0


def _children(process: str, views: Sequence[View], used: Mapping[Identity, Used]) -> tuple[BoxChild, ...]:
    nothing = Used(0.0, 0, is_stopped=False)
    own = [view for view in views if process_of(view.name) == process]
    return tuple(_child(view, used.get(Identity(view.pid or 0, view.created_s), nothing)) for view in own)


def _child(view: View, used: Used) -> BoxChild:
    trouble = view.trouble
    if used.is_stopped and not trouble:
        trouble = f"{view.name} is stopped by a signal: `kill -CONT {view.pid}` lets it go on, `kill -9 {view.pid}` has it started anew"
    return BoxChild(
        view.name, view.pid or 0, view.created_s, used.cpu, used.memory_bytes, view.deaths, view.is_crash_loop, trouble
    )


def said_of(wish: BoxWish) -> str:
    """Return a sentence that says that a process is off, since when, by whom and why."""
    since = f" since {wish.given_at:%Y-%m-%d %H:%MZ}" if wish.given_at else ""
    return f"{wish.process} is off on {wish.box}{since}{f', by {wish.who}' if wish.who else ''}{f': {wish.why}' if wish.why else ''}"

"""How far is it? Watches the timetable beside the supervisor, paints it, and says when nothing is left to do."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Protocol

from launcher.say import counted
from scheduler.desk import Desk
from scheduler.levels import Level, Progress
from supervisor.keeper import STORE, View
from system.clock import Clock
from system.errors import HorariumError
from system.lifecycle import JobState

log = logging.getLogger(__name__)

_SURE_AFTER = 2  # looks in a row that must agree before the end is believed
_LEADERLESS_S = 10.0
_SLOWEST_S = 2.0  # between looks while nothing changes: who watches an idle system should not keep it busy


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look found. `rate` is finished periods a second, lately. `troubles` are sentences, and so is what was announced.

    `boxes` holds a line for each box, `address` where the dashboard is.
    """

    levels: list[Level]
    progress: Progress | None
    troubles: tuple[str, ...]
    rate: float
    announced: str = ""
    boxes: tuple[str, ...] = ()
    address: str = ""


class Painter(Protocol):
    """Shows what was seen."""

    def paint(self, sight: Sight) -> None:
        """Show one look."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """Why the watch ended: nothing is left to do (`is_good`), or it needs a person.

    `levels` are as last seen. `broken` names the process that can't be kept alive, empty where none is to blame.
    """

    is_good: bool
    text: str
    levels: list[Level]
    broken: str = ""


class Rate:
    """Finished periods a second over the last looks; smoothed, so that it can be read."""

    def __init__(self) -> None:
        self._seen: list[tuple[float, int]] = []

    def update(self, at_s: float, finished: int) -> float:
        """Return the rate after one more look."""
        self._seen = [*self._seen[-19:], (at_s, finished)]
        (first_s, before), (last_s, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (last_s - first_s)) if last_s > first_s else 0.0


class Watch:
    """Looks again and again until stopped. Belongs to its own thread, and so does its desk."""

    def __init__(
        self, desk: Desk, views: Callable[[], list[View]], painter: Painter, clock: Clock, *, until_done: bool,
        boxes: Callable[[], list[str]] = list, address: Callable[[], str] = str,
    ) -> None:  # fmt: skip
        self._desk, self._views, self._painter, self._clock, self._until_done = desk, views, painter, clock, until_done
        self._boxes_of, self._boxes, self._boxes_s = boxes, tuple[str, ...](), 0.0
        self._address_of, self._address = address, ""
        self._rate = Rate()
        self._agreed = 0
        self._is_over = False
        self._nudges: SimpleQueue[None] = SimpleQueue()  # in a signal's handler an Event may wait for itself, this can't
        self._announced = ""
        self._leaderless_s: float | None = None
        self.ending: Ending | None = None
        self.sight: Sight | None = None

    def run(self, period_s: float, on_end: Callable[[], None]) -> None:
        """Look every `period_s` until `stop`, less often while nothing changes; calls `on_end` where the watch itself found the end."""
        wait_s = period_s
        while not self._is_over:
            try:
                before, sight = self.sight, self.look()
                is_same = before is not None and (before.progress, before.troubles) == (sight.progress, sight.troubles)
                wait_s = min(_SLOWEST_S, wait_s * 1.5) if is_same else period_s
                self._painter.paint(sight)
                self.ending = self._judge(sight) if self._until_done else None
            except Exception:  # the edge of this thread: what can't be shown must not end what is being done
                log.exception("the progress could not be shown")
            if self.ending:
                on_end()
                return
            with contextlib.suppress(Empty):
                self._nudges.get(timeout=wait_s)

    def stop(self) -> None:
        """End `run` soon; from any thread."""
        self._is_over = True
        self._nudges.put(None)

    def announce(self, text: str) -> None:
        """Have `text` shown at once, and from now on. Safe in a signal's handler, whatever holds the terminal up."""
        self._announced = text
        self._nudges.put(None)

    def look(self) -> Sight:
        """Return how everything stands now."""
        views = self._views()
        self._address = self._address or self._address_of()
        troubles = [view.trouble for view in views if view.trouble]
        try:
            levels = self._desk.timetable()
            progress = self._desk.progress(levels)
            self._look_at_boxes()
            if not progress.is_done and (stall := self._stall()):
                troubles.append(stall)
        except HorariumError as error:
            if not any(view.name == STORE and view.trouble for view in views):  # else it is said already
                troubles.append(f"the timetable can't be read: {error}")
            self.sight = Sight([], None, tuple(troubles), 0.0, self._announced, address=self._address)
            return self.sight
        rate = self._rate.update(self._clock.monotonic(), progress.finished)
        self.sight = Sight(levels, progress, tuple(troubles), rate, self._announced, self._boxes, self._address)
        return self.sight

    def _look_at_boxes(self) -> None:
        """Look again where the last look is of some time ago: a box says something new of itself with each of its beats only."""
        now_s = self._clock.monotonic()
        if not self._boxes or now_s - self._boxes_s >= _SLOWEST_S:
            self._boxes, self._boxes_s = tuple(self._boxes_of()), now_s

    def _stall(self) -> str:
        """Return since when nothing is scheduled, empty while something is."""
        stall, now_s = self._desk.stall(), self._clock.monotonic()
        if stall and not stall.since:  # nobody leads, as for a moment while another scheduler takes over
            self._leaderless_s = now_s if self._leaderless_s is None else self._leaderless_s
            return f"{stall.text}: nothing is scheduled" if now_s - self._leaderless_s > _LEADERLESS_S else ""
        self._leaderless_s = None
        return f"nothing is scheduled since {stall.since:%H:%M:%S}Z: {stall.text}, see {stall.look}" if stall and stall.since else ""

    def _judge(self, sight: Sight) -> Ending | None:
        """Return why to end, once two looks in a row say so."""
        ending = _ending(sight, self._views()) or self._held_up(sight)
        self._agreed = self._agreed + 1 if ending else 0
        return ending if self._agreed >= _SURE_AFTER else None


    def _held_up(self, sight: Sight) -> Ending | None:
        """Return that what is left waits for processes that are off: whoever switched them off may mean it, but it has no end by itself."""
        off = self._desk.held_up_by_off() if sight.progress else []
        if not off or sight.progress is None:
            return None
        left, names = sight.progress.due - sight.progress.finished, " ".join(off)
        waiting = f"{counted(left, 'period')} {'waits' if left == 1 else 'wait'}"
        what = f"{waiting} for {'a process that is' if len(off) == 1 else 'processes that are'} off"
        return Ending(is_good=False, text=f"{what}: `launch.py process on {names} --why TEXT`", levels=sight.levels)


def _culprit(views: list[View]) -> View | None:
    """Return the process that died so often that nothing goes on without it: the scheduler, or the last worker there was."""
    down = [view for view in views if view.is_crash_loop and view.pid is None]
    works = any(view.pid and view.name.startswith("worker") for view in views)
    return next((view for view in down if view.name == "scheduler" or not works), None)


def _ending(sight: Sight, views: list[View]) -> Ending | None:
    if culprit := _culprit(views):
        return Ending(is_good=False, text=culprit.trouble, levels=sight.levels, broken=culprit.name)
    if sight.progress is None:
        return None
    if sight.progress.is_done:
        skipped = sum(level.counts.get(JobState.SKIPPED.label, 0) for level in sight.levels)
        but = f", {skipped:,} of them skipped (launch.py timetable)" if skipped else ""
        text = f"nothing is left to do: {sight.progress.finished:,} periods are finished{but}"
        return Ending(is_good=True, text=text, levels=sight.levels)
    if sight.progress.is_stuck:
        left = sight.progress.due - sight.progress.finished
        return Ending(is_good=False, text=f"{left:,} periods wait for a person: {sight.progress.held} held", levels=sight.levels)
    return None

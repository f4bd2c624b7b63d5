"""Which fires should be made of a freerun entry, and which are let go? By brute force from the commands and the times of the turns.

Knows nothing of the scheduler: when an entry fires, what is missed and what overlap means is written down here once more.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from db.model import UnitOfWork
from tests.support.simulation_book import must

Key = tuple[str, str]

_PUNCTUAL = timedelta(seconds=10)
_COUNTED = 1_000  # so many are made, and of a cron so many are counted that were missed
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _MICROSECOND = timedelta(minutes=1), timedelta(microseconds=1)


def back_from(schedule: str, title: str, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the moments that a schedule names in `(since, until]`, the latest first."""
    kind, _, rest = schedule.partition(" ")
    if kind == "every":
        step, phase = _step_and_phase(rest, title)
        place = ((until - _EPOCH) // _MICROSECOND - phase) // step
        while (moment := _EPOCH + (place * step + phase) * _MICROSECOND) > since:
            yield moment
            place -= 1
        return
    named = _minutes(schedule)
    minute = until.replace(second=0, microsecond=0)
    while minute > since:
        if (minute.hour, minute.minute) in named:
            yield minute
        minute -= _MINUTE


def _count_in(schedule: str, title: str, since: datetime, until: datetime) -> int:
    """Return how many moments a schedule names in `(since, until]`."""
    kind, _, rest = schedule.partition(" ")
    if kind != "every":
        return sum(1 for _ in back_from(schedule, title, since, until))
    step, phase = _step_and_phase(rest, title)
    low, high = (((moment - _EPOCH) // _MICROSECOND - phase) // step for moment in (since, until))
    return max(0, high - low)


def _step_and_phase(rest: str, title: str) -> tuple[int, int]:
    """Return after how many microseconds an `every` fires again, and how many into each: by name, where it has whole seconds."""
    step = int(float(rest) * 1_000_000)
    return step, 0 if step % 1_000_000 else zlib.crc32(title.encode()) % (step // 1_000_000) * 1_000_000


@lru_cache
def _minutes(schedule: str) -> frozenset[tuple[int, int]]:
    """Return the minutes of a day, each day the same, that an `at` or a cron names."""
    kind, _, rest = schedule.partition(" ")
    if kind == "at":
        return frozenset((int(text[-5:-3]), int(text[-2:])) for text in rest.split(","))
    every = re.fullmatch(r"\*(?:/(\d+))? \* \* \* \*", rest)
    assert every, rest
    return frozenset((hour, minute) for hour in range(24) for minute in range(0, 60, int(every[1] or 1)))


def due(schedule: str, title: str, since: datetime, now: datetime, misfire: str, grace_s: float) -> tuple[list[datetime], int]:
    """Return the fires to be made of those in `(since, now]`, ascending, and how many are missed: of a cron up to a thousand."""
    edge = max(since, now - _PUNCTUAL)
    punctual: list[datetime] = []
    late: list[datetime] = []
    count = 0
    for moment in back_from(schedule, title, since, now):
        if moment > edge:
            punctual.append(moment)
            continue
        count += 1
        is_kept = misfire == "once" and not punctual and count == 1
        if is_kept or (misfire == "all" and moment > now - timedelta(seconds=grace_s) and len(late) + len(punctual) < _COUNTED):
            late.append(moment)
        if count >= _COUNTED + len(late):  # of those before this one none is made
            count += 0 if schedule.startswith("cron") else _count_in(schedule, title, since, moment - _MICROSECOND)
            break
    return [*late[::-1], *punctual[::-1]], count - len(late)


def fire_of(moment: datetime) -> str:
    """Return the id of a fire."""
    return moment.strftime("%Y%m%d%H%M%S") + (moment.strftime("%f") if moment.microsecond else "")


@dataclass(slots=True)
class Clerk:
    """One entry as the commands and the clock leave it. `runs` says of each fire's run whether it was called off."""

    key: Key
    base: Mapping[str, object]
    is_made: bool
    since: datetime
    given: dict[str, object] = field(default_factory=dict)
    is_deleted: bool = False
    goes_by: str = ""
    waiting: list[str] = field(default_factory=list)
    runs: dict[str, bool] = field(default_factory=dict)
    overlapped: int = 0
    missed: int = 0
    dropped: int = 0
    arguments: dict[str, Mapping[str, object]] = field(default_factory=dict)  # of each run
    most: int = 0
    handled: list[tuple[datetime, int]] = field(default_factory=list)  # which moment by which turn

    def says(self, name: str) -> object:
        """Return what a field of the entry is today."""
        if name == "is_on" and self.is_deleted:
            return False
        if name == "arguments":
            return {**self.base["arguments"], **self.given.get(name, {})}  # type: ignore[dict-item]
        return self.given.get(name, self.base[name])

    @property
    def running(self) -> int:
        """How many may run at once."""
        words = str(self.says("overlap")).split()
        return int(words[1]) if words[0] == "allow" else 1

    def settle(self, now: datetime) -> None:
        """Let follow what a change leads to: another schedule owes nothing of the time before it."""
        goes_by = str(self.says("trigger_frequency")) if self.says("is_on") else "off"
        if goes_by != self.goes_by:
            self.goes_by, self.since = goes_by, max(self.since, now)
        self._replace()
        self.most = max(self.most, self.running)

    def pass_time(self, now: datetime, turn: int) -> None:
        """Let in what the schedule brings by `now`."""
        if self.goes_by == "off":
            return
        title, misfire, grace_s = "/".join(self.key), str(self.says("misfire")), float(str(self.says("grace_s")))
        latest = next(back_from(self.goes_by, title, self.since, now), None)
        if latest is None:
            return
        fires, missed = due(self.goes_by, title, self.since, now, misfire, grace_s)
        self.since = latest
        self.handled.append((latest, turn))
        self.missed += missed
        for moment in fires:
            self.arrive(fire_of(moment))

    def arrive(self, fire: str) -> bool:
        """Take a fire in, or let it go for what has not ended."""
        words = str(self.says("overlap")).split()
        if words[0] == "replace":
            self.waiting.append(fire)
            self._replace()
            return True
        room = self.running + (int(words[1]) if words[0] == "queue" else 0)
        if len(self.runs) + len(self.waiting) < room:
            self.waiting.append(fire)
            return True
        self.overlapped += 1
        return False

    def _replace(self) -> None:
        if self.says("overlap") == "replace" and self.waiting:
            self.overlapped += len(self.waiting) - 1
            self.waiting = self.waiting[-1:]
            self.runs = dict.fromkeys(self.runs, True)

    def open(self, fire: str, uow: UnitOfWork) -> None:
        """Take over that a fire runs; raises Violation where it may not."""
        must(self.waiting[:1] == [fire], uow.id, "was opened, and these wait:", self.waiting)
        must(len(self.runs) < self.running, uow.id, "was opened beside", self.runs, "and its overlap is", self.says("overlap"))
        self.waiting.pop(0)
        self.runs[fire] = False
        self.arguments[uow.id] = self.says("arguments")  # type: ignore[assignment]

    # -- commands: each returns whether it can be done

    def obey(self, verb: str, details: dict[str, object], fire: str, now: datetime, turn: int) -> bool:
        """Do what an operator asked for; of what was due by then what held until then is the law."""
        if verb == "create":
            return self._create(details, now)
        if self.is_deleted:
            return False
        self.pass_time(now, turn)
        if verb == "trigger":
            return self._trigger(fire)
        done: dict[str, Callable[[dict[str, object]], bool]] = {
            "change": self._change, "on": self._switch, "off": self._switch, "delete": self._delete, "cancel": self._cancel,
        }  # fmt: skip
        is_done = verb not in done or done[verb]({"is_on": verb == "on"} if verb in ("on", "off") else details)
        self.settle(now)
        return is_done

    def _trigger(self, fire: str) -> bool:
        overlapped = self.overlapped
        is_done = self.arrive(fire)
        if not is_done:  # who asked is told so, and nothing is counted
            self.overlapped = overlapped
        return is_done

    def _create(self, details: dict[str, object], now: datetime) -> bool:
        if not self.is_deleted:
            return False
        self.is_deleted, self.given, self.since = False, details, max(self.since, now)
        self.settle(now)
        return True

    def _change(self, details: dict[str, object]) -> bool:
        before = self.given.get("arguments", {})
        self.given = {**self.given, **details}
        if "arguments" in details:
            self.given["arguments"] = {**before, **details["arguments"]}  # type: ignore[dict-item]
        return True

    def _switch(self, details: dict[str, object]) -> bool:
        return bool(self.says("is_on") != details["is_on"]) and self._change(details)

    def _delete(self, _: dict[str, object]) -> bool:
        self.is_deleted, self.given, self.waiting = True, {}, []
        return True

    def _cancel(self, _: dict[str, object]) -> bool:
        if not (self.runs or self.waiting):
            return False
        self.dropped += len(self.waiting)
        self.waiting, self.runs = [], dict.fromkeys(self.runs, True)
        return True

"""What may a person mean by a few words? Names and ids, looked up in what the desk has read, with at most four questions to the store."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from db.model import UnitOfWork
from launcher.queue import queues_of
from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.parts import WebParts
from mx.models.search import Found, Hit
from scheduler.timetable import Timetable
from system.context import Context, ManagedProcess
from system.errors import HorariumError, NotFound
from system.hidden import hide
from system.lifecycle import JobState
from system.timeperiod import QUALIFIERS, REAL_TIME, Timeperiod, containing, parse

_MOST_CHARS = 200
_MOST_NEAR = 3_000  # names that are compared letter by letter
_ID = re.compile(r"\d{4,10}")
# 2026, 2026-01, 2026-01-01, 2026-01-01 09, 2026-01-01T09:30 and the like.
_WRITTEN = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2})(?:[ T_](\d{1,2})(?::\d\d(?::\d\d)?Z?)?)?)?)?")
_LENGTHS = {4: "_yearly", 6: "_monthly", 8: "_daily", 10: "_hourly"}


@dataclass(frozen=True)
class _Known:
    """What names are looked up in."""

    context: Context
    table: Timetable
    boxes: tuple[str, ...]


class SearchArea(Area):
    """Answers `mx.desk_search.SearchDesk`."""

    def __init__(self, parts: WebParts) -> None:
        super().__init__(parts)
        self._names = _Names()

    @asked
    def search(self, words: str, *, limit: int = 50) -> Found:
        """Return what `words` may mean."""
        words = " ".join(words.split())[:_MOST_CHARS]
        if not words:
            return Found(words="", hits=(), is_all=True, near=())
        desk, store = self.parts.desk, self.parts.store
        desk.entries()
        known = _Known(self.parts.context, desk.read(), tuple(dict.fromkeys(report.box for report in store.box_reports())))
        names = self._names.of(known)
        every = chain(self._by_number(words), self._uow(words), _periods(known, words), _named(names, words))
        hits = list(islice(every, limit + 1))
        near = () if hits else tuple(_near(names, words))
        return Found(words=words, hits=tuple(hits[:limit]), is_all=len(hits) <= limit, near=near)

    def _by_number(self, words: str) -> Iterator[Hit]:
        """Yield the command of that number: `17`, `#17` or `command 17`."""
        found = re.fullmatch(r"(?:#|command )?(\d{1,9})", words)
        if not found:
            return
        try:
            command = self.parts.store.command(int(found[1]))
        except NotFound:
            return
        is_sure = len(words) < 4 or not words.isdecimal()  # else it may be a year
        what = " ".join(part for part in (command.verb, command.process, command.timeperiod) if part)
        text = f"{what}, by {command.who}: {command.why} ({command.state.value})"
        yield Hit(kind="command", name=f"command {command.number}", text=hide(text), number=command.number, is_exact=is_sure)

    def _uow(self, words: str) -> Iterator[Hit]:
        if words.count("/") < 3:
            return
        for uow in self.parts.store.uows([words]):
            yield _of_uow(uow)


def _of_uow(uow: UnitOfWork) -> Hit:
    text = f"unit of work, {uow.state.value.removeprefix('state_').replace('_', ' ')}{f': {uow.reason}' if uow.reason else ''}"
    process, name = uow.id.split("/")[:2]
    entry = "" if name == uow.timeperiod else name
    return Hit(
        kind="uow", name=uow.id, text=hide(text), process=process, timeperiod=uow.timeperiod, entry=entry, is_exact=True
    )  # fmt: skip


# -- periods


def _periods(known: _Known, words: str) -> Iterator[Hit]:
    """Yield jobs: a process and a period in any order, or a period alone, which is one of every process that has it."""
    name, _, rest = words.replace("/", " ").partition(" ")
    if name in known.context.managed and rest:
        yield from _jobs_of(known, [known.context.managed[name]], rest.split("/")[0], is_alone=True)
        return
    first, _, last = words.rpartition(" ")
    if last in known.context.managed and first:
        yield from _jobs_of(known, [known.context.managed[last]], first, is_alone=True)
        return
    yield from _jobs_of(known, known.context.managed.values(), words, is_alone=False)


def _jobs_of(known: _Known, processes: Iterable[ManagedProcess], text: str, *, is_alone: bool) -> Iterator[Hit]:
    wanted = _moment(text)
    if wanted is None:
        return
    for process in processes:
        period = _period(process, text, *wanted, is_alone=is_alone)
        if period is not None:
            yield _job(known, process, period, is_exact=is_alone)


def _moment(text: str) -> tuple[str, datetime] | None:
    """Return the qualifier that a text is as fine as, and the moment that it names; None where it is no period."""
    text = text.strip()
    if _ID.fullmatch(text):
        parts = [text[:4], text[4:6], text[6:8], text[8:10]]
    elif found := _WRITTEN.fullmatch(text):
        parts = [part or "" for part in found.groups()]
    else:
        return None
    length = 4 + 2 * sum(1 for part in parts[1:] if part)
    year, month, day, hour = (int(part or 0) for part in parts)
    try:
        qualifier = QUALIFIERS[_LENGTHS[length]] if length in _LENGTHS else None
        moment = parse(QUALIFIERS["_hourly"], f"{year:04}{month or 1:02}{day or 1:02}{hour:02}").start
    except HorariumError:
        return None
    return (qualifier.name, moment) if qualifier else None


def _period(process: ManagedProcess, text: str, fine: str, moment: datetime, *, is_alone: bool) -> Timeperiod | None:
    """Return the period of a process that is meant: the one of exactly that id, else the one as fine as what was written."""
    try:
        return parse(process.qualifier, text.strip())
    except HorariumError:
        pass
    if process.qualifier.name == fine or (is_alone and process.qualifier.name != REAL_TIME.name):
        return containing(process.qualifier, moment)
    return None


def _job(known: _Known, process: ManagedProcess, period: Timeperiod, *, is_exact: bool) -> Hit:
    states = known.table.states[process.name]
    low, high = states.clip(period.ordinal, period.ordinal + 1)
    state = JobState(states[period.ordinal]).label.removeprefix("state_").replace("_", " ") if low < high else "outside of the timetable"
    name = f"{process.name} {period.id}"
    return Hit(kind="job", name=name, text=state, process=process.name, timeperiod=period.id, is_exact=is_exact and low < high)


# -- names


@dataclass(frozen=True, slots=True)
class _Name:
    """Something that has a name, and what it is found by in small letters; what it is, is said once it is shown."""

    kind: str
    name: str
    folded: str
    text: str
    process: str = ""
    entry: str = ""

    def hit(self, *, is_exact: bool = False) -> Hit:
        """Return it as it is shown."""
        return Hit(kind=self.kind, name=self.name, text=self.text, process=self.process, entry=self.entry, is_exact=is_exact)


class _Names:
    """All names of a context, gathered once."""

    def __init__(self) -> None:
        self._of: Context | None = None
        self._found: list[_Name] = []

    def of(self, known: _Known) -> list[_Name]:
        """Return the names of the context, of entries and of boxes."""
        if self._of is not known.context:
            self._of, self._found = known.context, list(_of_context(known.context))
        entries = (f"{process}/{entry}" for process, entry in known.table.entries if (process, entry) not in known.context.freerun)
        made = [_entry(title) for title in entries]
        return [*self._found, *made, *(_Name("box", box, box.casefold(), "box") for box in known.boxes)]


def _entry(title: str) -> _Name:
    process, _, entry = title.partition("/")
    return _Name("entry", title, title.casefold(), "freerun entry", process, entry)


def _of_context(context: Context) -> Iterator[_Name]:
    for name, process in context.managed.items():
        yield _Name("process", name, name.casefold(), process.description or f"{process.qualifier.noun}, managed", name)
    for process_name, entry in context.freerun:
        yield _entry(f"{process_name}/{entry}")
    for tree in context.trees:
        yield _Name("tree", tree, tree.casefold(), "tree")
    for queue, readers in queues_of(context).items():
        yield _Name("queue", queue, queue.casefold(), f"queue of {', '.join(readers[:3])}" if readers else "queue")


def _named(names: Iterable[_Name], words: str) -> Iterator[Hit]:
    """Yield what is called so: the exact name first, then what begins with it, then what holds every word."""
    low, parts = words.casefold(), words.casefold().split()
    begin, hold = [], []
    for each in names:
        if each.folded == low:
            yield each.hit(is_exact=True)
        elif each.folded.startswith(low):
            begin.append(each)
        elif all(part in each.folded for part in parts):
            hold.append(each)
    yield from (each.hit() for each in [*begin, *hold])


def _near(names: Iterable[_Name], words: str) -> list[str]:
    """Return names of processes and entries that are written alike."""
    titles = [each.name for each in names if each.kind in ("process", "entry")][:_MOST_NEAR]
    found = difflib.get_close_matches(words, titles, n=5, cutoff=0.6)
    for word in words.split()[:3] if " " in words else ():
        found += difflib.get_close_matches(word, titles, n=3, cutoff=0.7)
    return list(dict.fromkeys(found))[:5]

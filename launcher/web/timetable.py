"""What does the heat map show? Out of the bytes of the timetable: a cell costs as much as the periods that are counted for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from db.model import Job
from launcher.web.area import Area
from launcher.web.asked import asked
from mx.models.timetable import CELL_STATES, Cell, Column, Crumb, HeatMap, Row, Unit
from scheduler.levels import by_process
from scheduler.timetable import FINISHED_BYTES, States, Timetable, id_of
from system import timeplaces as places
from system.context import Context
from system.lifecycle import JOB_FINISHED, JobState
from system.timeplaces import Place

_MOST_YEARS, _LARGEST_PAGE = 40, 200
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NAMES = {state: state.label.removeprefix("state_") for state in JobState}
_FIRST_MOMENT = datetime.min.replace(tzinfo=UTC)


class TimetableArea(Area):
    """Answers the heat map of `mx.desk_overview.OverviewDesk`."""

    @asked
    def heat_map(self, place: str | None = None, *, tree: str = "", find: str = "", page: int = 1, size: int = 50) -> HeatMap:
        """Return a page of the heat map."""
        table, context, now = self.parts.desk.read(), self.parts.context, self.now()
        found = _matching(context, tree, find.strip().lower())
        first, last = _bounds(table, [name for _, name in found], now)
        at = places.read(place) if place else _only_year(first, last) if place is None else None
        columns = list(at.columns()) if at else places.years(max(first.year, last.year - _MOST_YEARS + 1), last.year)
        size = max(1, min(size, _LARGEST_PAGE))
        pages = max(1, -(-len(found) // size))
        page = max(1, min(page, pages))
        jobs = by_process(table)
        rows = [_row(table, owner, name, columns, jobs.get(name, {}), now) for owner, name in found[(page - 1) * size : page * size]]
        unit: Unit = at.unit if at else "years"  # type: ignore[assignment]
        return HeatMap(
            at=now,
            place=at.text if at else "",
            unit=unit,
            columns=tuple(Column(place=c.text, label=label, note=note, start=c.start) for c in columns for label, note in [_head(c)]),
            rows=tuple(rows),
            crumbs=tuple(_crumbs(at)),
            earlier=_beside(at, -1, first, last),
            later=_beside(at, 1, first, last),
            page=page,
            pages=pages,
            processes=len(found),
            trees=tuple(context.trees),
        )


def _matching(context: Context, tree: str, find: str) -> list[tuple[str, str]]:
    """Return (tree, process) of those that are asked for: tree by tree, the coarsest level first."""
    trees = [entry for entry in context.trees.values() if tree in ("", entry.name)]
    by_level = [(t.name, n) for t in trees for n in sorted(t.enclosed_processes, key=lambda name: context.managed[name].qualifier.fineness)]
    return [(owner, name) for owner, name in by_level if find in name.lower()]


def _bounds(table: Timetable, names: Sequence[str], now: datetime) -> tuple[datetime, datetime]:
    """Return from when to when there is anything to see of processes."""
    found = [table.states[name] for name in names]
    first = min((states.qualifier.start_of(states.first) for states in found), default=now)
    ends = [states.qualifier.start_of(states.last) - timedelta(seconds=1) if states.last is not None else now for states in found]
    return first, max(first, min(max(ends, default=now), max(now, first)))


def _only_year(first: datetime, last: datetime) -> Place | None:
    return places.read(f"{first.year:04}") if first.year == last.year else None


def _head(column: Place) -> tuple[str, str]:
    """Return what stands at the head of a column, and a note to it."""
    match len(column.text):
        case 4:
            return column.text, ""
        case 6:
            return _MONTHS[column.start.month - 1], ""
        case 8:
            return column.text[-2:], _DAYS[column.start.weekday()]
        case _:
            return column.text[-2:], ""


def _crumbs(at: Place | None) -> Iterator[Crumb]:
    yield Crumb(place="", label="all years")
    text = at.text if at else ""
    for length in range(4, len(text) + 1, 2):
        place = places.read(text[:length])
        label = {4: f"{place.start:%Y}", 6: _MONTHS[place.start.month - 1], 8: f"{place.start.day}", 10: f"{place.start:%H}:00"}
        yield Crumb(place=place.text, label=label.get(length, f"{place.start:%H:%M}"))


def _beside(at: Place | None, steps: int, first: datetime, last: datetime) -> str | None:
    beside = at.beside(steps) if at else None
    return beside.text if beside and beside.end > first and beside.start <= last else None


def _row(table: Timetable, tree: str, name: str, columns: Sequence[Place], jobs: Mapping[int, Job], now: datetime) -> Row:
    states = table.states[name]
    due = states.due_end(now)
    unfinished = len(states.between(states.first, due).translate(None, FINISHED_BYTES)) if due > states.first else 0
    cells = tuple(_Cells(states, columns, jobs, now).all())
    return Row(process=name, tree=tree, qualifier=states.qualifier.noun, unfinished=unfinished, is_on=states.is_on, cells=cells)


class _Cells:
    """The cells of one row."""

    def __init__(self, states: States, columns: Sequence[Place], jobs: Mapping[int, Job], now: datetime) -> None:
        self._states = states
        self._spans = [column.ordinals(states.qualifier) for column in columns]
        self._low, self._high = states.clip(self._spans[0].start, self._spans[-1].stop)
        self._bytes = states.between(self._low, self._high) if self._low < self._high else b""
        self._due = states.due_end(now) - self._low
        deadline = states.process.deadline
        late = states.first if deadline is None else states.calendar.containing(states.qualifier, now - timedelta(seconds=deadline))
        self._late = late - self._low
        self._held = sorted(ordinal - self._low for ordinal, job in jobs.items() if job.held)
        self._failing = sorted(ordinal - self._low for ordinal, job in jobs.items() if job.failing_since and not job.held)

    def all(self) -> Iterator[Cell]:
        """Yield them from left to right; a period that is longer than a column covers several."""
        at = 0
        while at < len(self._spans):
            width = 1
            if len(self._spans[at]) == 1:
                while at + width < len(self._spans) and self._spans[at + width] == self._spans[at]:
                    width += 1
            yield self._cell(at, width)
            at += width

    def _cell(self, at: int, width: int) -> Cell:
        span = self._spans[at]
        low, high = max(span.start, self._low) - self._low, min(span.stop, self._high) - self._low
        if low >= high:
            return Cell(column=at, width=width, state="none", finished=0, total=0, counts={}, timeperiod="")
        counts = self._counts(low, high)
        finished = sum(counts.get(_NAMES[state], 0) for state in JOB_FINISHED)
        worst = next(state for state in CELL_STATES if counts.get(state))
        period = id_of(self._states.qualifier, span.start) if len(span) == 1 else ""
        return Cell(column=at, width=width, state=worst, finished=finished, total=high - low, counts=counts, timeperiod=period)

    def _counts(self, low: int, high: int) -> dict[str, int]:
        """Return how many of the row's bytes from `low` to `high` are in each state."""
        count = self._bytes.count
        found = {_NAMES[state]: n for state in JobState if (n := count(state, low, high))}
        embryos = found.pop("embryo", 0)
        future = count(0, max(low, self._due), high) if embryos and self._due < high else 0
        if sum(found.get(_NAMES[state], 0) for state in JOB_FINISHED) < high - low:
            late_high = max(low, min(high, self._late))
            found["late"] = late_high - low - sum(count(state, low, late_high) for state in JOB_FINISHED)
            found["held"] = sum(1 for place in self._held if low <= place < high)
            found["failing"] = sum(1 for place in self._failing if low <= place < high)
        return {state: n for state, n in {**found, "embryo": embryos - future, "future": future}.items() if n}

"""What does progress look like? Bars that live in a terminal, or a plain line now and then where nobody watches one."""

from __future__ import annotations

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from launcher.watch import Sight
from scheduler.levels import Level
from system.clock import Clock

_LINE_EVERY_S = 5.0
_ROWS_BESIDE_BARS = 6
_MOST_BOXES = 4


class Bars:
    """A bar per process, or per tree where the terminal has no room for all of them."""

    def __init__(self, console: Console, live: Live) -> None:
        self._console, self._live = console, live
        self._linked = ""

    def paint(self, sight: Sight) -> None:
        """Show one look."""
        if " (" in sight.address and sight.address != self._linked:  # a link to be copied stays whole, and stays above
            self._linked = sight.address
            self._console.print(f"dashboard: {sight.address}", soft_wrap=True, markup=False)
        room = max(3, self._console.height - _ROWS_BESIDE_BARS - min(len(sight.boxes), _MOST_BOXES + 1))
        self._live.update(picture(sight, room), refresh=True)


def picture(sight: Sight, room: int) -> Group:
    """Return the bars and what is to be said below them, in at most `room` bars."""
    rows = [(f"{level.process}", level) for level in sight.levels]
    if len(rows) > room:
        rows = [(tree, _sum(tree, sight.levels)) for tree in dict.fromkeys(level.tree for level in sight.levels)]
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, overflow="ellipsis", max_width=26)
    table.add_column(width=20)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for name, level in rows[:room]:
        bar = ProgressBar(total=max(1, level.due), completed=level.finished if level.due else 1, width=20)
        table.add_row(escape(name), bar, f"{level.finished:,} of {level.due:,}", _notes(level))
    hidden = [Text(f"... and {len(rows) - room} more trees: launch.py timetable", style="dim")] if len(rows) > room else []
    place = [Text(f"dashboard: {sight.address.partition(' (')[0]}", style="cyan", no_wrap=True)] if sight.address else []
    boxes = [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in sight.boxes[:_MOST_BOXES]]
    more = len(sight.boxes) - _MOST_BOXES
    boxes += [Text(f"... and {more} more boxes: launch.py status", style="dim")] if more > 0 else []
    troubles = [Text(f"! {trouble}", style="red") for trouble in sight.troubles]
    announced = [Text(sight.announced, style="bold yellow")] if sight.announced else []
    return Group(table, *hidden, Text(summary(sight), style="bold"), *place, *boxes, *troubles, *announced)


def summary(sight: Sight, *, is_over: bool = False) -> str:
    """Return one line for the whole, such as `9,360 of 11,000 periods finished, 410 a second, 2 failing`.

    What `is_over` has no speed, and nothing of it is under way.
    """
    if sight.progress is None:
        return "the timetable can't be read just now"
    progress = sight.progress
    parts = [f"{progress.finished:,} of {progress.due:,} periods finished"]
    if progress.finished < progress.due and not is_over:
        parts += [f"{sight.rate:,.0f} a second", f"{progress.active:,} under way"]
    parts += [f"{progress.failing:,} failing"] if progress.failing else []
    parts += [f"{progress.held:,} held"] if progress.held else []
    return ", ".join(parts)


class Lines:
    """A line every few seconds, and one at once for a new trouble."""

    def __init__(self, console: Console, clock: Clock) -> None:
        self._console, self._clock = console, clock
        self._next_s = clock.monotonic()
        self._said: tuple[str, ...] = ()
        self._announced = ""
        self._address = ""
        self._last = ""

    def paint(self, sight: Sight) -> None:
        """Print what is due."""
        for trouble in sight.troubles:
            if trouble not in self._said:
                self._print(f"! {trouble}")
        self._said = sight.troubles
        if sight.address != self._address:
            self._address = sight.address
            self._print(f"dashboard: {sight.address}")
        if sight.announced != self._announced:
            self._announced = sight.announced
            self._print(sight.announced)
        line = summary(sight)
        if self._clock.monotonic() >= self._next_s and line != self._last:
            self._next_s = self._clock.monotonic() + _LINE_EVERY_S
            self._last = line
            self._print(line)

    def _print(self, text: str) -> None:
        self._console.print(f"{self._clock.now():%H:%M:%S}Z {escape(text)}", soft_wrap=True)


def _notes(level: Level) -> Text:
    notes = Text()
    for count, word, style in ((level.held, "held", "red"), (level.failing, "failing", "yellow"), (level.active, "under way", "cyan")):
        if count:
            notes.append(f"{', ' if notes else ''}{count:,} {word}", style)
    return notes


def _sum(tree: str, levels: list[Level]) -> Level:
    own = [level for level in levels if level.tree == tree]
    due, finished, active, held, failing = (sum(getattr(x, f) for x in own) for f in ("due", "finished", "active", "held", "failing"))
    return Level(tree, tree, "", {}, due, finished, active, held, failing, "", "")

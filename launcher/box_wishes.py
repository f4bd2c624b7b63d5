"""How is it written down what operators want of the boxes? The rules that `launch.py super` and the dashboard go by."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from db.model_boxes import BoxReport, BoxWish
from db.store import Store
from launcher import boxes
from launcher.box import places
from launcher.boxes import BoxRow
from launcher.parts import Roof
from supervisor.attendance import KIND
from system.errors import NotFound


def rows_of(store: Store, box: str) -> list[BoxRow]:
    """Return the rows of one box."""
    return [row for row in boxes.read(store) if row.box == box]


def known(roof: Roof, store: Store, box: str) -> str:
    """Return the box that is meant, this one for none; raises NotFound for a name that nobody has heard of: a wish would wait for ever."""
    rows = boxes.read(store)
    if box and box != roof.settings.box and not any(row.box == box for row in rows):
        raise NotFound(no_box(box, rows))
    return box or roof.settings.box


def no_box(box: str, rows: Sequence[BoxRow]) -> str:
    """Return the sentence that there is no such box, with those that there are."""
    there = ", ".join(dict.fromkeys(row.box for row in rows)) or "none yet"
    return f"no box is called {box!r}; there are: {there}. A box is known once its supervisor has run"


def is_kept(store: Store, box: str) -> bool:
    """Return whether a supervisor beats there."""
    return any(session.kind == KIND and session.box == box for session in store.sessions())


def switch(roof: Roof, store: Store, box: str, processes: Sequence[str], *, is_on: bool, instances: int, who: str, why: str) -> None:
    """Want processes on or off on a box; `instances` 0 leaves their number as it was. Raises NotFound where one does not belong there."""
    before = {wish.process: wish for wish in store.box_wishes() if wish.box == box}
    # Another box may run by another context: what it says of itself counts as much as ours.
    told = [row.process for row in rows_of(store, box) if row.placed]
    belong = list(dict.fromkeys([*(place.process for place in places(roof, box)), *told]))
    for process in processes:
        if process not in belong:
            near = difflib.get_close_matches(process, belong, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(belong)}"
            raise NotFound(f"no process {process!r} belongs on {box}; {hint}")
    now = roof.clock.now()
    kept = {process: instances or (before[process].instances if process in before else 0) for process in processes}
    store.put_box_wishes([BoxWish(box, process, is_on, kept[process], who, why, now) for process in processes])


def told(store: Store, box: str, process: str, *, is_on: bool, instances: int) -> str:
    """Return the sentence about a switch, as the audit log keeps it."""
    then = "its supervisor takes it up within a beat"
    if not is_kept(store, box):
        then = f"no supervisor runs on {box}: it holds from its next start"
    wanted = f"on{f', {instances} of it' if instances else ''}" if is_on else "off"
    return f"{process} is wanted {wanted} on {box}; {then}"


def update(roof: Roof, store: Store, box: str) -> None:
    """Write the rows that are missing, drop those of processes that don't belong here and that no operator spoke of."""
    rows = {row.process: row for row in rows_of(store, box)}
    belong = {place.process: place for place in places(roof, box)}
    now = roof.clock.now()
    missing = [place for place in belong.values() if place.process not in rows or not rows[place.process].placed]
    store.put_box_reports([BoxReport(box, place.process, place.instances, now) for place in missing])
    store.drop_box(box, [row.process for row in rows.values() if row.process not in belong and row.given_at is None])
    gone = [row for row in rows.values() if row.process not in belong and row.given_at is not None]
    store.put_box_reports([BoxReport(box, row.process, 0, now) for row in gone])


def forget(store: Store, box: str) -> str:
    """Drop all that was wanted and told of a box; returns the sentence about one that is gone."""
    store.drop_box(box, [row.process for row in rows_of(store, box)])
    return forgotten(box)


def forgotten(box: str) -> str:
    """Return the sentence about a box that is gone and forgotten."""
    return f"forgot {box}: it is known again once its supervisor runs"

"""Is a context older than the one that leads? Told from who led by which, in turns; never from times of files or clocks of boxes.

A standby whose box was left out when the others got a new context must not take over and undo what that brought.
"""

from __future__ import annotations

from collections.abc import Iterable

from db.contexts import ContextRow, take_over
from db.store import Store

_TURNS_AT_ONCE = 500


def older(rows: Iterable[ContextRow], digest: str, box: str) -> str:
    """Return why the context `digest` of `box` must not lead, empty where it may.

    One that led and was replaced is older, unless its box has led by what leads now: then it was put back there since, on purpose.
    One that never led is new.
    """
    found = list(rows)
    last = max(found, key=lambda row: row.turn, default=None)
    if last is None or last.digest == digest:
        return ""
    led = [row.turn for row in found if row.digest == digest]
    began = max((row.turn for row in found if row.digest != last.digest), default=0)
    if not led or any(row.digest == last.digest and row.box == box and row.turn > began for row in found):
        return ""
    return (
        f"{box or 'this box'} has an older context than the one that leads:\n"
        f"  {digest} led until turn {began}, {last.digest} of {last.box or 'another box'} does since\n"
        f"Put the newer context on {box or 'this box'}; or if the older one is meant, say so by `launch.py context apply`, there."
    )


def read_contexts(store: Store) -> list[ContextRow]:
    """Return which contexts led, with what turns say that are not projected yet."""
    found = {row.key: row for row in store.contexts()}
    number = store.projected_turn()
    while turns := store.turns_after(number, _TURNS_AT_ONCE):
        number = turns[-1].number
        take_over(found, (row for turn in turns for row in turn.contexts))
    return list(found.values())

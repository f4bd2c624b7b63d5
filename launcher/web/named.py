"""Which job does an address name? What there can't be is refused with a word on what is near."""

from __future__ import annotations

from scheduler.timetable import Node
from system.context import Context
from system.entry_check import near
from system.errors import NotFound, TimeperiodError
from system.timeperiod import parse


def node_of(context: Context, process: str, timeperiod: str) -> Node:
    """Return the node of a managed process's period; raises NotFound."""
    found = context.managed.get(process)
    if found is None:
        if any(each.name == process for each in context.processes):
            raise NotFound(f"{process} has no timeperiods: it is not a managed process")
        raise NotFound(f"there is no managed process {process!r}{near(process, context.managed)}")
    try:
        return process, parse(found.qualifier, timeperiod).ordinal
    except TimeperiodError as error:
        raise NotFound(f"{process} is {found.qualifier.noun}: {error}") from error


def box_of(session: str) -> str:
    """Return the box of a worker's session by its id, which begins with it; empty for none. Sessions that ended are not kept for long."""
    return session.rpartition("-worker-")[0] or session

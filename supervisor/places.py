"""Which processes belong on a box, and how many of each? Pure: the context, the box and operators' wishes in, names out.

A box keeps `scheduler`, `worker`, the daemons of the context and `mx`. Each instance has a name of its own, which is the name of its log:
`scheduler`, `worker.1`, `worker.2`, `poller`, and `poller.2` where an operator wants a second one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from system.context import Context, DaemonProcess

if TYPE_CHECKING:
    from db.model_boxes import BoxWish

SCHEDULER, WORKER, MX = "scheduler", "worker", "mx"
MOST_INSTANCES = 64


@dataclass(frozen=True, slots=True)
class Place:
    """A process that belongs on a box, with as many instances as it has there by itself."""

    process: str
    instances: int = 1


@dataclass(frozen=True, slots=True)
class Placement:
    """What a deployment says of its boxes: the context, where schedulers may run (a regular expression), workers of a box, and whether
    a dashboard is kept there.
    """

    context: Context
    scheduler_boxes: str
    workers: int
    has_mx: bool = False

    def on(self, box: str) -> tuple[Place, ...]:
        """Return what belongs on `box`, in the order of starting: the scheduler first, the dashboard last."""
        places = [Place(SCHEDULER)] if _matches(self.scheduler_boxes or None, box) else []
        others = [entry for entry in self.context.processes if not isinstance(entry, DaemonProcess)]
        # An empty context gets its workers all the same: it is on its way to becoming one.
        if not self.context.processes or any(_matches(getattr(entry, "present_on_boxes", None), box) for entry in others):
            places.append(Place(WORKER, self.workers))
        daemons = [entry for entry in self.context.processes if isinstance(entry, DaemonProcess)]
        places += [Place(entry.name) for entry in daemons if _matches(entry.present_on_boxes, box)]
        return (*places, Place(MX)) if self.has_mx else tuple(places)


def wanted(places: Iterable[Place], wishes: Iterable[BoxWish]) -> tuple[tuple[str, str], ...]:
    """Return (name, process) of each instance that is to run, in the order of starting; the wishes are those for this box."""
    by_process = {wish.process: wish for wish in wishes}
    found = []
    for place in places:
        wish = by_process.get(place.process)
        if wish is None or wish.is_on:
            count = (wish.instances if wish else 0) or place.instances
            found += [(instance_name(place.process, n), place.process) for n in range(1, count + 1)]
    return tuple(found)


def instance_name(process: str, number: int) -> str:
    """Return the name of the n-th instance of a process, from 1. Only workers are numbered from the first one on."""
    return process if number == 1 and process != WORKER else f"{process}.{number}"


def process_of(name: str) -> str:
    """Return the process of an instance's name; no process has a name that ends with a dot and a number."""
    return re.sub(r"\.\d+$", "", name)


def _matches(expression: str | None, box: str) -> bool:
    return expression is None or re.fullmatch(expression, box) is not None

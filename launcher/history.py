"""What did attempts take lately? Read off the deployment's store, which is looked at and never begun, prepared or written."""

from __future__ import annotations

from launcher.bounded import within
from launcher.parts import Joined, Roof
from mq.memory import MemoryBroker
from scheduler.durations import Durations, Usual

_PATIENCE_S = 5.0


def usual_of(roof: Roof) -> dict[str, Usual]:
    """Return what attempts of each process usually take, as plans have it, without those that have no history.

    Raises what a store does, and TooSlow where it does not answer soon.
    """
    return within(_PATIENCE_S, lambda: _read(roof)) if roof.has_store and not roof.settings.url else {}


def _read(roof: Roof) -> dict[str, Usual]:
    with roof.looked_into() as store:
        durations = Durations(store, roof.desk_over(Joined(store, MemoryBroker())).read())
        found = durations.of_all(roof.context.managed)
        for process in dict.fromkeys(process for process, _ in roof.context.freerun):
            entries = [entry for name, entry in roof.context.freerun if name == process]
            found[process] = durations.of_entries(process, entries)
    return {process: usual for process, usual in found.items() if usual is not None}

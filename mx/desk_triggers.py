"""What do the pages of triggers ask? Schedules and entries as they stand, and commands about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from mx.models.triggers import EntryDetails, EntryTriggers, FireOutput, ProcessTrigger, ProcessTriggers, ScheduleTrial


class TriggersDesk(Protocol):
    """Questions about what brings work about. Commands return their number, by which `/commands/N` tells the answer.

    One that comes again from the same person with the same `token` is not stored again: the number from before is returned.
    """

    def process_triggers(self, *, words: str = "", state: str = "", offset: int = 0, limit: int = 50) -> ProcessTriggers:
        """Return managed processes whose names hold `words`; `state` keeps those that are `on`, `off` or `changed` by an operator."""
        ...

    def process_trigger(self, process: str) -> ProcessTrigger:
        """Return one managed process; raises NotFound."""
        ...

    def entry_triggers(self, *, process: str = "", words: str = "", state: str = "", offset: int = 0, limit: int = 50) -> EntryTriggers:
        """Return freerun entries, of one process where it is named; `state` is `on`, `off`, `deleted`, `held` or `failing`."""
        ...

    def entry_details(self, process: str, entry: str, *, coming: int = 5, fires: int = 20) -> EntryDetails:
        """Return a freerun entry with its next and its last fires; raises NotFound."""
        ...

    def fire_output(self, process: str, entry: str, fire: str) -> FireOutput:
        """Return what a fire printed, the end of it where that is long; raises NotFound."""
        ...

    def freerun_processes(self) -> tuple[str, ...]:
        """Return the freerun processes, for which entries can be made."""
        ...

    def try_schedule(self, schedule: str, *, process: str, entry: str = "", count: int = 5) -> ScheduleTrial:
        """Return what a schedule would mean for a managed process, or for an entry where that is named. Never raises for a bad one."""
        ...

    def switch_process(self, verb: str, process: str, who: str, why: str, *, frequency: str = "", token: str = "") -> int:
        """Store a command that switches a process: `on`, `off`, `frequency` or `reset`. Raises NotFound, or ScheduleError."""
        ...

    def trigger_process(self, process: str, timeperiod: str, who: str, why: str, *, token: str = "") -> int:
        """Store a command that makes a period due now; raises NotFound or TimeperiodError."""
        ...

    def command_entry(
        self, verb: str, process: str, entry: str, who: str, why: str, fields: Mapping[str, object] | None = None, *, token: str = ""
    ) -> int:
        """Store a command about an entry: `create`, `change`, `delete`, `on`, `off`, `trigger`, `cancel` or `release`.

        `fields` are those that `launch.py freerun change` gives, by name; `take_back` lists names of fields that the context is to say
        again. Raises NotFound, or ConfigError with what is wrong with them.
        """
        ...

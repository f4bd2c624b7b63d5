"""What does the dashboard ask? The questions of all pages and of the API, each area's in a file of its own; the roof answers them.

Every question may raise Unavailable (the store is away, or takes too long), NotFound or another HorariumError that tells what to do.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from mx.desk_about import AboutDesk
from mx.desk_answers import AnswersDesk
from mx.desk_boxes import BoxesDesk
from mx.desk_commands import CommandsDesk
from mx.desk_figures import FiguresDesk
from mx.desk_job import JobDesk
from mx.desk_joblist import JobListDesk
from mx.desk_logs import LogsDesk
from mx.desk_overview import OverviewDesk
from mx.desk_papers import PaperDesk
from mx.desk_queues import QueuesDesk
from mx.desk_registered import RegisteredDesk
from mx.desk_runs import RunsDesk
from mx.desk_search import SearchDesk
from mx.desk_steps import StepsDesk
from mx.desk_trees import TreesDesk
from mx.desk_triggers import TriggersDesk
from mx.models.head import Pulse


class HeadDesk(Protocol):
    """What every page asks."""

    def now(self) -> datetime:
        """Return the deployment's time, in UTC. Never raises."""
        ...

    def version(self) -> int:
        """Return a number that is another one once something has changed: the last turn's."""
        ...

    def pulse(self) -> Pulse:
        """Return whether anything is scheduled just now."""
        ...


class Desk(
    HeadDesk,
    AboutDesk,
    AnswersDesk,
    BoxesDesk,
    CommandsDesk,
    FiguresDesk,
    JobDesk,
    JobListDesk,
    LogsDesk,
    OverviewDesk,
    PaperDesk,
    QueuesDesk,
    RegisteredDesk,
    RunsDesk,
    SearchDesk,
    StepsDesk,
    TreesDesk,
    TriggersDesk,
    Protocol,
):
    """All of it. May be asked by several threads at once."""

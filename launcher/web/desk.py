"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.about import AboutArea
from launcher.web.answers import AnswersArea
from launcher.web.audit import AuditArea
from launcher.web.boxes import BoxesArea
from launcher.web.commands import CommandsArea
from launcher.web.figures import FiguresArea
from launcher.web.graph import GraphArea
from launcher.web.head import HeadArea
from launcher.web.job import JobArea
from launcher.web.joblist import JobListArea
from launcher.web.logs import LogsArea
from launcher.web.overview import OverviewArea
from launcher.web.papers import PaperArea
from launcher.web.printed import PrintedArea
from launcher.web.process import ProcessArea
from launcher.web.queues import QueuesArea
from launcher.web.registered import RegisteredArea
from launcher.web.runs import RunsArea
from launcher.web.search import SearchArea
from launcher.web.steps import StepsArea
from launcher.web.timetable import TimetableArea
from launcher.web.trees import TreesArea
from launcher.web.triggers import TriggersArea


class WebDesk(
    HeadArea,
    AboutArea,
    AnswersArea,
    AuditArea,
    BoxesArea,
    CommandsArea,
    FiguresArea,
    GraphArea,
    JobArea,
    JobListArea,
    LogsArea,
    OverviewArea,
    PaperArea,
    PrintedArea,
    ProcessArea,
    QueuesArea,
    RegisteredArea,
    RunsArea,
    SearchArea,
    StepsArea,
    TimetableArea,
    TreesArea,
    TriggersArea,
):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

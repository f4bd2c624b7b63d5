"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.audit import AuditArea
from launcher.web.commands import CommandsArea
from launcher.web.figures import FiguresArea
from launcher.web.head import HeadArea
from launcher.web.joblist import JobListArea
from launcher.web.overview import OverviewArea
from launcher.web.papers import PaperArea
from launcher.web.timetable import TimetableArea


class WebDesk(HeadArea, OverviewArea, TimetableArea, CommandsArea, AuditArea, FiguresArea, JobListArea, PaperArea):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

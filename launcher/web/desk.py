"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.figures import FiguresArea
from launcher.web.graph import GraphArea
from launcher.web.head import HeadArea
from launcher.web.job import JobArea
from launcher.web.joblist import JobListArea
from launcher.web.papers import PaperArea
from launcher.web.printed import PrintedArea
from launcher.web.process import ProcessArea
from launcher.web.runs import RunsArea
from launcher.web.trees import TreesArea


class WebDesk(HeadArea, JobArea, PrintedArea, ProcessArea, TreesArea, GraphArea, RunsArea, FiguresArea, JobListArea, PaperArea):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

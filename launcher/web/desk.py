"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.figures import FiguresArea
from launcher.web.head import HeadArea
from launcher.web.joblist import JobListArea
from launcher.web.papers import PaperArea


class WebDesk(HeadArea, FiguresArea, JobListArea, PaperArea):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.about import AboutArea
from launcher.web.answers import AnswersArea
from launcher.web.boxes import BoxesArea
from launcher.web.figures import FiguresArea
from launcher.web.head import HeadArea
from launcher.web.joblist import JobListArea
from launcher.web.logs import LogsArea
from launcher.web.papers import PaperArea
from launcher.web.queues import QueuesArea
from launcher.web.search import SearchArea
from launcher.web.triggers import TriggersArea


class WebDesk(
    HeadArea,
    AboutArea,
    AnswersArea,
    BoxesArea,
    FiguresArea,
    JobListArea,
    LogsArea,
    PaperArea,
    QueuesArea,
    SearchArea,
    TriggersArea,
):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

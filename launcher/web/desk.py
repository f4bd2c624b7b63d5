"""The dashboard's desk: all that mx may ask, each area's answers in a file of its own."""

from __future__ import annotations

from launcher.web.head import HeadArea


class WebDesk(HeadArea):
    """Answers `mx.desk.Desk` over the parts of a deployment, for any number of threads."""

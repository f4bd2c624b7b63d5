"""Which areas has the API? One file each; a function of the desk makes its part."""

from __future__ import annotations

from collections.abc import Sequence

from mx.api import about, boxes, commands, freerun, jobs, monitoring, processes, queues, trees, whole
from mx.api.app import Area

AREAS: Sequence[Area] = (
    monitoring.signs, monitoring.api, whole.api, jobs.api, commands.api, processes.api, freerun.api, boxes.api, queues.api, trees.api,
    about.api,
)  # fmt: skip

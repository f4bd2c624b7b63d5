"""Which areas has the API? One file each; a function of the desk makes its part."""

from __future__ import annotations

from collections.abc import Sequence

from mx.api import jobs, monitoring, processes
from mx.api.app import Area

AREAS: Sequence[Area] = (monitoring.signs, monitoring.api, jobs.api, processes.api)

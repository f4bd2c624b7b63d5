"""Which state machine decides on the jobs of a process? Each is one function, found by the name that a context gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from db.model import Job
from scheduler import continuous, discrete, recomputing
from scheduler.decisions import Decision, Input, Occasion

Machine = Callable[[Job | None, Sequence[Input], str, Occasion], Decision]

MACHINES: Mapping[str, Machine] = {"discrete": discrete.decide, "continuous": continuous.decide, "recomputing": recomputing.decide}

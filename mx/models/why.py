"""Why is a job not running now? The blockers as data, down to the leaf: pages, API and CLI say the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from pydantic import Field

from mx.models.base import Model


class Why(Model):
    """One thing that a job waits for, with its causes; a leaf has none."""

    kind: str = Field(description="what kind of thing it is: open period, children, dependency, held, off, retry, worker ...")
    text: str = Field(description="a sentence without the final dot")
    process: str = Field(default="", description="the process in which the cause lies")
    timeperiod: str = Field(default="", description="its period")
    since: datetime | None = Field(default=None, description="since when")
    look: str = Field(default="", description="what to look at or to press, as a command on the box")
    notes: tuple[str, ...] = Field(default=(), description="what is not waited for though it looks so")
    causes: tuple[Why, ...] = Field(default=(), description="one step deeper")

    def leaves(self) -> list[Why]:
        """Return the causes that have no further cause, in order, each once; the blocker itself when it is one."""
        return list(self._leaves()) or [self]

    def _leaves(self) -> Iterator[Why]:
        if not self.causes and self.kind != "above":
            yield self
        for cause in self.causes:
            yield from cause._leaves()

"""Why is a job not running now? The reason as data, so that log line, tooltip, CLI and alert say the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

# What stands in place of the causes of a job that the same answer has told before.
ABOVE = "above"


def said(moment: datetime) -> str:
    """Return a moment as a blocker's sentence has it: to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


@dataclass(frozen=True, slots=True)
class Blocker:
    """One thing that a job waits for. `kind` is one of the words below; `text` is a sentence without the final dot.

    Kinds: `open period`, `children`, `dependency`, `in order`, `unit of work`, `retry`, `held`, `off`, `in flight`, `queue window`, `turn`,
    `scheduler`, `finished`, `worker`, `ending`, `before start`, `after end`, `frequency`, `source`, `above`.
    `process` and `timeperiod` name where the cause lies, `look` says what to look at or to press. `causes` go one step deeper; a leaf
    has none. `notes` are sentences about what is not waited for though it looks so: periods before the start of an input.
    """

    kind: str
    text: str
    process: str = ""
    timeperiod: str = ""
    since: datetime | None = None
    look: str = ""
    causes: tuple[Blocker, ...] = ()
    notes: tuple[str, ...] = ()

    def leaves(self) -> list[Blocker]:
        """Return the causes that have no further cause, in order, each once; the blocker itself when it is one."""
        return list(self._leaves()) or [self]

    def _leaves(self) -> Iterator[Blocker]:
        if not self.causes and self.kind != ABOVE:
            yield self
        for cause in self.causes:
            yield from cause._leaves()

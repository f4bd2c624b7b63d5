"""How does a test run a job of the flights demo without Horarium? It hands the function what a slot would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from examples.flights.jobs import sink, source
from system.timeperiod import parse, qualifier_named

NO_DATA = "no data"


@dataclass
class Given:
    """What a job is handed: one window, and where to read and write."""

    process: str
    timeperiod: str
    folder: Path
    fence: int = 1
    marks: str = ""
    start: datetime = field(init=False)
    end: datetime = field(init=False)
    arguments: MappingProxyType[str, object] = field(init=False)

    def __post_init__(self) -> None:
        period = parse(qualifier_named("_" + self.process.partition("_")[2]), self.timeperiod)
        self.start, self.end = period.start, period.end
        places = {"source": str(self.folder / "source.sqlite"), "sink": str(self.folder / "sink.sqlite"), "marks": self.marks}
        self.arguments = MappingProxyType(places)

    def no_data(self, reason: str) -> object:
        """Return a text that begins with NO_DATA."""
        return f"{NO_DATA}: {reason}"


def close_all(folder: Path) -> None:
    """Close what jobs opened in `folder`, which a slot process does by ending."""
    source.opened(str(folder / "source.sqlite")).close()
    sink.opened(str(folder / "sink.sqlite")).close()
    source.opened.cache_clear()
    sink.opened.cache_clear()

#!/usr/bin/env python3
"""How do jobs and units of work move from state to state? Prints both life cycles as Markdown, drawn from their tables.

`docs/reference.md` holds what this prints, and a test compares them: after a change of a table, put the new drawing there.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # it is started from anywhere

from system.lifecycle import JOB_FINISHED, JOB_LIFECYCLE, UOW_FINISHED, UOW_LIFECYCLE, JobState, UowState

State = TypeVar("State", bound=Enum)
Event = TypeVar("Event", bound=Enum)


def picture(table: Mapping[tuple[State, Event], State], first: State, finished: frozenset[State]) -> str:
    """Return a Mermaid diagram of a life cycle; arrows that lead from one state to the same other one are drawn as one."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in table.items():
        arrows.setdefault((before.name, after.name), []).append(event.name)
    lines = [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in arrows.items()]
    ends = [f"    {state.name} --> [*]" for state in type(first) if state in finished]
    return "\n".join(["```mermaid", "stateDiagram-v2", f"    [*] --> {first.name}", *lines, *ends, "```"])


def moves(table: Mapping[tuple[State, Event], State]) -> str:
    """Return a Markdown table of a life cycle: an event a row, with what it means and the moves that it makes."""
    rows: dict[Event, list[str]] = {}
    for (before, event), after in table.items():
        rows.setdefault(event, []).append(f"{before.name} to {after.name}")
    head = ["| event | meaning | moves |", "|---|---|---|"]
    return "\n".join(head + [f"| {event.name} | {event.value} | {', '.join(rows[event])} |" for event in type(next(iter(rows)))])


def drawing() -> str:
    """Return both life cycles, each a diagram and its table."""
    jobs = [picture(JOB_LIFECYCLE, JobState.EMBRYO, JOB_FINISHED), moves(JOB_LIFECYCLE)]
    uows = [picture(UOW_LIFECYCLE, UowState.REQUESTED, UOW_FINISHED), moves(UOW_LIFECYCLE)]
    return "\n\n".join(["**How a job moves**", *jobs, "**How a unit of work moves**", *uows])


if __name__ == "__main__":
    sys.stdout.write(drawing() + "\n")

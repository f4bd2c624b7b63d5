"""How does a test get a process context of a few trees? By naming their levels; nothing is checked, nothing is looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from system.context import Context, ManagedProcess, managed_context_entry, timetable_tree_entry

Levels = Sequence[str]


def managed(name: str = "flights_hourly", qualifier: str = "_hourly", **fields: Any) -> ManagedProcess:
    """Return the entry of a sound process whose token is the first part of its name."""
    given = {"classname": "jobs.run", "token": name.partition("_")[0], **fields}
    return managed_context_entry(name, time_qualifier=qualifier, **given)


def context_of(levels: Mapping[str, Levels], dependent_on: Mapping[str, Sequence[str]] | None = None) -> Context:
    """Return the context whose trees have `levels`, such as `{"flights": ["hourly", "daily"]}`; processes are `flights_hourly` ..."""
    names = {tree: [f"{tree}_{level}" for level in found] for tree, found in levels.items()}
    processes = tuple(managed(f"{tree}_{level}", f"_{level}") for tree, found in levels.items() for level in found)
    trees = {tree: timetable_tree_entry(tree, found, (dependent_on or {}).get(tree, ())) for tree, found in names.items()}
    return Context(processes, trees)

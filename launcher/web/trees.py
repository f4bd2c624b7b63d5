"""What does the dashboard show of trees? Counts of each, and of one its periods level by level, each level those inside the one chosen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from launcher.web.area import Area
from launcher.web.asked import asked
from launcher.web.named import node_of
from mx.models.trees import Column, Tile, TreeLine, TreeTiles
from scheduler.desk import Desk
from scheduler.joblist import phase_of
from scheduler.lateness import late_at
from scheduler.switches import schedule_next
from scheduler.timetable import Node, States, Timetable
from scheduler.trees import Topology
from system.context import Tree
from system.entry_check import near
from system.errors import NotFound
from system.lifecycle import JOB_FINISHED, JobState, UowState

_TILES = 40


class TreesArea(Area):
    """Answers the part of `mx.desk_trees.TreesDesk` that is about trees."""

    @asked
    def trees(self, page: str = "", *, skip: int = 0, limit: int = 50) -> tuple[list[TreeLine], int]:
        """See TreesDesk."""
        desk = self.parts.desk
        found = [tree for tree in self.parts.context.trees.values() if not page or page_of(tree) == page]
        if page and not found:
            pages = dict.fromkeys(page_of(tree) for tree in self.parts.context.trees.values())
            raise NotFound(f"there is no page of trees {page!r}{near(page, pages)}")
        first = {name: at for at, name in enumerate(dict.fromkeys(page_of(tree) for tree in found))}
        found.sort(key=lambda tree: first[page_of(tree)])
        return self._lines(desk, found[skip : skip + limit]), len(found)

    @asked
    def tiles(self, tree: str, at: Sequence[str] = ()) -> TreeTiles:
        """See TreesDesk."""
        desk, context = self.parts.desk, self.parts.context
        table, now = desk.read(), self.now()
        found = context.trees.get(tree)
        if found is None:
            raise NotFound(f"there is no tree {tree!r}{near(tree, context.trees)}")
        names = self._levels(found)
        chosen = dict(node_of(context, *each.split("/", 1)) for each in at if each.partition("/")[0] in names and "/" in each)
        columns: list[Column] = []
        above: Node | None = None
        for name in names:
            periods = _periods(table, desk.topology, name, above, now)
            if not periods:
                break
            given = chosen.get(name)
            above = name, given if given is not None and given in periods else _default(table.states[name], periods, now)
            columns.append(self._column(table, desk.topology, above, periods, now))
        return TreeTiles(line=self._lines(desk, [found])[0], columns=tuple(columns))

    def _levels(self, tree: Tree) -> list[str]:
        managed = self.parts.context.managed
        return sorted(tree.enclosed_processes, key=lambda name: managed[name].qualifier)

    def _lines(self, desk: Desk, trees: Collection[Tree]) -> list[TreeLine]:
        table, now = desk.read(), self.now()
        tree_of = {name: tree.name for tree in trees for name in tree.enclosed_processes}
        held, failing = dict.fromkeys(self.parts.context.trees, 0), dict.fromkeys(self.parts.context.trees, 0)
        for (process, _), job in table.active.items():
            if process in tree_of:
                held[tree_of[process]] += bool(job.held)
                failing[tree_of[process]] += bool(job.failing_since and not job.held)
        lines = []
        for tree in trees:
            names = self._levels(tree)
            ends = [(table.states[name], table.states[name].due_end(now)) for name in names]
            due = sum(end - states.first for states, end in ends)
            left = sum(states.count_unfinished(states.first, end) for states, end in ends)
            lines.append(
                TreeLine(name=tree.name, title=tree.mx_name or tree.name, page=page_of(tree), processes=tuple(names),
                         dependent_on=tree.dependent_on, time_zone=tree.time_zone, due=due, finished=due - left, held=held[tree.name],
                         failing=failing[tree.name])
            )  # fmt: skip
        return lines

    def _column(self, table: Timetable, topology: Topology, chosen: Node, periods: range, now: datetime) -> Column:
        name, at = chosen
        states, process = table.states[name], self.parts.context.managed[name]
        block = (periods.stop - 1 - at) // _TILES
        high = periods.stop - block * _TILES
        low = max(periods.start, high - _TILES)
        tiles = (_tile(table, topology, (name, ordinal), now, is_selected=ordinal == at) for ordinal in range(high - 1, low - 1, -1))
        return Column(
            process=name,
            qualifier=process.time_qualifier,
            machine=process.state_machine_name,
            blocking=process.blocking_type,
            schedule=states.schedule.text,
            is_on=states.is_on,
            next=schedule_next(states, now),
            tiles=tuple(tiles),
            total=len(periods),
            newer=table.period((name, high)) if high < periods.stop else "",
            older=table.period((name, low - 1)) if low > periods.start else "",
        )


def _periods(table: Timetable, topology: Topology, name: str, above: Node | None, now: datetime) -> range:
    """Return the periods of a level: all that have begun, or those inside the one chosen above."""
    states = table.states[name]
    if above is None:
        low, high = states.clip(states.first, states.calendar.containing(states.qualifier, now) + 1)
    else:
        inside = topology.children_of(*above)
        low, high = states.clip(inside.start, inside.stop)
    return range(low, max(low, high))


def _default(states: States, periods: range, now: datetime) -> int:
    """Return the period that is shown where none was chosen: the first that is due and not finished, else today's."""
    end = min(periods.stop, max(periods.start, states.due_end(now)))
    first = next(states.unfinished(periods.start, end), None)
    today = states.calendar.containing(states.qualifier, now)
    return first if first is not None else min(max(today, periods.start), periods.stop - 1)


def _tile(table: Timetable, topology: Topology, node: Node, now: datetime, *, is_selected: bool) -> Tile:
    states, job = table.states[node[0]], table.active.get(node)
    state, child = JobState(states[node[1]]), topology[node[0]].child
    total = left = 0
    if child:
        inside = topology.children_of(*node)
        low, high = table.states[child].clip(inside.start, inside.stop)
        total, left = max(0, high - low), table.unfinished(child, low, high)[0]
    phase = phase_of(job, None) if job else ""
    if job and phase == "waiting" and job.uow_state in (UowState.REQUESTED, UowState.IN_PROGRESS):
        phase = "requested"
    return Tile(timeperiod=table.period(node), state=state.label, phase=phase, is_due=node[1] < states.due_end(now),
                is_late=state not in JOB_FINISHED and late_at(states, node, now) is not None, is_selected=is_selected,
                children=total, children_finished=total - left)  # fmt: skip


def page_of(tree: Tree) -> str:
    """Return the page of tiles that shows a tree: what the context says, else its own name."""
    return tree.mx_page or tree.name

"""Trees, the graph of all processes, what ran when, and what is called how."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from flask import Response
from pydantic import BaseModel, Field

from mx.api.answers import answer
from mx.api.app import Part, area
from mx.api.paging import Page, page_after
from mx.api.params import Count, Instant, Name, Paged, Query
from mx.api.problems import Fault, Refused
from mx.desk import Desk
from mx.models.graph import Graph
from mx.models.runs import Runs
from mx.models.search import Found
from mx.models.trees import TreeLine, TreeTiles
from mx.security.roles import Role, needs

_LONGEST = timedelta(days=31)


class TreesQuery(Paged):
    """Which trees."""

    page: str = Field("", max_length=190, description="Only those of this page of the dashboard.")


class TreePath(BaseModel):
    """A tree in the address."""

    tree: Name


class TilesQuery(Query):
    """Which periods are chosen."""

    at: list[str] = Field([], max_length=20, description="Periods, each as `process/timeperiod`; the columns to their right are theirs.")


class GraphQuery(Query):
    """What is drawn."""

    tree: list[Name] = Field([], max_length=100, description="Only these trees and what is next to them; may be repeated.")


class RunsQuery(Query):
    """Which time. Without it: the last hour."""

    since: Instant | None = None
    until: Instant | None = Field(None, description="Left out of it; at most 31 days after `since`.")
    process: str = Field("", max_length=190)
    box: str = Field("", max_length=190)
    limit: Count = Field(1_000, ge=1, le=5_000)


class SearchQuery(Query):
    """What is meant."""

    q: str = Field(max_length=200)
    limit: Count = Field(50, ge=1, le=200)


class TreePage(Page[TreeLine]):
    """A page of the list of trees."""


def api(desk: Desk) -> Part:
    """Return `/trees`, `/graph`, `/runs` and `/search`."""
    bp = area("trees", "How processes hang together, and what ran when")

    @bp.get("/trees", operation_id="list_trees", responses={200: TreePage})
    def trees(query: TreesQuery) -> Response:
        """List trees by page and the order of the context, with how far they are."""

        def fetch(first: int, count: int) -> tuple[Sequence[TreeLine], int]:
            return desk.trees(query.page, skip=first, limit=count)

        rows, after = page_after(fetch, lambda row: row.name, query.cursor, {"page": query.page}, query.limit)
        return answer(TreePage(items=rows, next=after))

    @bp.get("/trees/<tree>", operation_id="get_tree", responses={200: TreeTiles})
    def tree(path: TreePath, query: TilesQuery) -> Response:
        """Show a tree: a column per level, the children of the period that is chosen to the right."""
        return answer(desk.tiles(path.tree, query.at))

    @bp.get("/graph", operation_id="graph", responses={200: Graph})
    def graph(query: GraphQuery) -> Response:
        """Show who depends on whom, and how each stands."""
        return answer(desk.graph(query.tree))

    @bp.get("/runs", operation_id="runs", responses={200: Runs})
    def runs(query: RunsQuery) -> Response:
        """Show what ran in a time, by box and slot, the last begun first; and how long the runs of each process took."""
        until = query.until or desk.now()
        since = query.since or until - timedelta(hours=1)
        if not timedelta() < until - since <= _LONGEST:
            raise Refused(422, "until is to be after since, by 31 days at most", [Fault(where="until", what="out of bounds")])
        return answer(desk.runs(since, until, process=query.process, box=query.box, limit=query.limit))

    @bp.get("/search", operation_id="search", responses={200: Found})
    @needs(Role.VIEWER)
    def search(query: SearchQuery) -> Response:
        """Find processes, periods, units of work, entries and commands by what people call them."""
        return answer(desk.search(query.q, limit=query.limit))

    return bp

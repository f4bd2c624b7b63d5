"""What does a person see of all processes at once? Who depends on whom, and how each stands."""

from __future__ import annotations

from pydantic import Field

from mx.models.base import Model


class GraphNode(Model):
    """A process, or a whole tree where there are too many processes to draw."""

    name: str
    is_tree: bool = False
    tree: str = ""
    qualifier: str = ""
    is_on: bool = True
    due: int = 0
    finished: int = 0
    active: int = 0
    held: int = 0
    failing: int = 0
    late: int = 0

    @property
    def state(self) -> str:
        """The gravest thing to be said of it, as a word for a style."""
        if self.held or self.failing or self.late:
            return "held" if self.held else "failing" if self.failing else "late"
        if not self.is_on:
            return "off"
        return "in_progress" if self.active else "processed" if 0 < self.due == self.finished else "embryo"


class GraphEdge(Model):
    """`source` is needed by `target`."""

    source: str
    target: str
    relation: str = Field(description="child or dependency")
    note: str = Field(default="", description="offset, window and the like")


class Graph(Model):
    """The processes of all trees or of those asked for. `is_collapsed`: trees are drawn as one node each."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    trees: tuple[str, ...] = Field(description="all trees there are, to choose from")
    is_collapsed: bool = False
    left_out: int = Field(default=0, description="how many nodes are not among these, as there are too many")

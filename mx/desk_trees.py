"""What does the dashboard ask about trees, and about all processes at once?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mx.models.graph import Graph
from mx.models.trees import TreeLine, TreeTiles


class TreesDesk(Protocol):
    """How processes hang together."""

    def trees(self, page: str = "", *, skip: int = 0, limit: int = 50) -> tuple[list[TreeLine], int]:
        """Return trees by page and the order of the context, from number `skip` on, and how many there are; of one page where it is named.

        Raises NotFound for a page that there is not.
        """
        ...

    def tiles(self, tree: str, at: Sequence[str] = ()) -> TreeTiles:
        """Return the columns of a tree. `at` are periods chosen, each as `process/timeperiod`; others are left aside.

        Where none is chosen on a level it is the first that is due and not finished, else the one that is open now. Raises NotFound.
        """
        ...

    def graph(self, trees: Sequence[str] = ()) -> Graph:
        """Return all processes and what they depend on; those of `trees` and what is next to them where some are named. Raises NotFound."""
        ...

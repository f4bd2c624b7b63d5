"""Trees as tiles: a column per level, the children of the period chosen to its right. The address holds what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import Blueprint, g, request

from mx.desk import Desk
from mx.frame import shown
from mx.models.trees import TreeTiles
from mx.press import plan_path
from mx.security.roles import Role

_TREES, _TILED = 50, 4  # of the list; of one page of tiles


@dataclass(frozen=True, slots=True)
class Picks:
    """What the address of a page of tiles chooses: one period per process, and where its list of trees begins."""

    page: str
    chosen: tuple[str, ...]
    skip: int

    def href(self, tiles: TreeTiles, column: int, timeperiod: str) -> str:
        """Return the address that chooses a period in a column: what was chosen in other trees stays, and to the left of it."""
        own = {each.process for each in tiles.columns} | set(tiles.line.processes)
        kept = [each for each in self.chosen if each.partition("/")[0] not in own]
        left = [f"{each.process}/{tile.timeperiod}" for each in tiles.columns[:column] for tile in each.tiles if tile.is_selected]
        words = [("at", each) for each in [*kept, *left, f"{tiles.columns[column].process}/{timeperiod}"]]
        return self.at(words)

    def at(self, words: Sequence[tuple[str, str]], skip: int | None = None) -> str:
        """Return the address with these words."""
        begin = self.skip if skip is None else skip
        asked = urlencode([*words, *([("skip", str(begin))] if begin else [])], safe="/")
        return f"/trees/{quote(self.page, safe='')}{'?' if asked else ''}{asked}"


def page(desk: Desk) -> Blueprint:
    """Return `/trees` and `/trees/<page>`."""
    bp = Blueprint("trees", __name__)

    @bp.get("/trees")
    def trees() -> str:
        skip = max(0, request.args.get("skip", 0, int))
        lines, total = desk.trees(skip=skip, limit=_TREES)
        return shown("trees", lines=lines, total=total, skip=skip, step=_TREES)

    @bp.get("/trees/<path:page>")
    def tiles(page: str) -> str:
        skip = max(0, request.args.get("skip", 0, int))
        chosen = tuple(request.args.getlist("at")[:20])
        lines, total = desk.trees(page, skip=skip, limit=_TILED)
        return shown(
            "tiles",
            page=page,
            trees=[desk.tiles(line.name, chosen) for line in lines],
            picks=Picks(page, chosen, skip),
            total=total,
            skip=skip,
            step=_TILED,
            plan=plan_path if g.user.may(Role.OPERATOR) else None,
        )

    return bp

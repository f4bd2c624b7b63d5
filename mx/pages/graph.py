"""All processes with what they depend on and how they stand, drawn and as a list."""

from __future__ import annotations

from flask import Blueprint, request

from mx.desk import Desk
from mx.drawing import layered
from mx.drawing.neighbourhood import shortened
from mx.frame import shown

# How large the drawing is, by its word in the address; 0: as wide as the page.
SIZES = {"fit": 0.0, "small": 0.6, "normal": 1.0, "large": 1.4}


def page(desk: Desk) -> Blueprint:
    """Return `/graph`."""
    bp = Blueprint("graph", __name__)

    @bp.get("/graph")
    def graph() -> str:
        trees = [name for name in request.args.getlist("tree") if name][:20]
        found = desk.graph(trees)
        edges = [(edge.source, edge.target) for edge in found.edges]
        size = request.args.get("size", "normal")
        inputs: dict[str, list[str]] = {}
        for source, target in edges:
            inputs.setdefault(target, []).append(source)
        return shown(
            "graph",
            graph=found,
            layout=layered.layered([node.name for node in found.nodes], edges),
            notes={(edge.source, edge.target): edge for edge in found.edges},
            chosen=trees,
            sizes=SIZES,
            size=size if size in SIZES else "normal",
            shortened=shortened,
            inputs=inputs,
        )

    return bp

"""Does the gateway tell a walk over a collection from a look-up by an index, out of PostgreSQL's plans?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.services.gateway_explain import stage

KEY, EQUAL = {"Index Name": "_id_"}, "(document OPERATOR(documentdb_api_catalog.@=) 'BSONHEX00')"
WALK = {"Node Type": "Index Scan", **KEY, "Index Cond": "(shard_key_value = '5'::bigint)"}


def under(*names: str, **leaf: Any) -> dict[str, Any]:
    """Return a plan with these nodes above a leaf."""
    plan = leaf
    for name in reversed(names):
        plan = {"Node Type": name, "Plans": [plan]}
    return plan


@pytest.mark.parametrize(
    "plan",
    [
        under("Custom Scan", **{"Node Type": "Index Scan", **KEY, "Index Cond": "(object_id OPERATOR(documentdb_core.=) 'BSONHEX')"}),
        under("Sort", "Bitmap Heap Scan", **{"Node Type": "Bitmap Index Scan", "Index Name": "state_1", "Index Cond": EQUAL}),
        under("Bitmap Heap Scan", **{"Node Type": "Bitmap Index Scan", "Index Name": "active_1"}),  # a partial index holds what is wanted
        under("Limit", "Custom Scan", **WALK),
        {"Node Type": "Function Scan"},  # there is no such collection
    ],
)
def test_what_an_index_finds_is_no_walk(plan: dict[str, Any]) -> None:
    assert "COLLSCAN" not in str(stage(plan))


@pytest.mark.parametrize(
    "plan",
    [
        under("Custom Scan", **{"Node Type": "Seq Scan"}),
        under("Custom Scan", **WALK),
        under("Limit", "Sort", "Custom Scan", **WALK),
        under("Limit", "Custom Scan", **WALK, Filter=EQUAL),
        under("Bitmap Heap Scan", **{**WALK, "Node Type": "Bitmap Index Scan"}),
    ],
)
def test_what_reads_the_collection_from_end_to_end_is_a_walk(plan: dict[str, Any]) -> None:
    assert "COLLSCAN" in str(stage(plan))

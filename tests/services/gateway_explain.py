"""How would the database look up what a command asks for? PostgreSQL's plan of it, told in MongoDB's words as far as tests read them.

A plan is asked for as if the collection were large, since a small one is best read whole.
"""

from __future__ import annotations

import json

import bson

from tests.services.gateway_database import Database
from tests.services.gateway_wire import Document

# The first where little is found, and is sorted then; the second where the index's own order is better.
_AS_IF_LARGE = ("SET LOCAL enable_seqscan = off", "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
WALK = "COLLSCAN"
_STAGES = {"Function Scan": "EOF", "Seq Scan": WALK}


def explain(lines: Database, database: str, command: Document) -> Document:
    """Return the answer to MongoDB's `explain`: of the winning plan, each stage's name and which index it reads."""
    query = _query_of(command)
    kind = next(iter(query))
    pipeline = f"documentdb_api_catalog.bson_aggregation_{'pipeline' if kind == 'aggregate' else kind}"
    asked = f"'{database.replace(chr(39), chr(39) * 2)}', '\\x{bson.encode(query).hex()}'::bytea::documentdb_core.bson"
    plan: Document = {}
    for setting in _AS_IF_LARGE:
        with lines.line() as line:
            line.execute(f"BEGIN; {setting}")
            try:
                ((told,),) = line.execute(f"EXPLAIN (FORMAT JSON) SELECT document FROM {pipeline}({asked})")
            finally:
                line.execute("ROLLBACK")
        plan = stage(json.loads(told or "")[0]["Plan"])
        if WALK not in str(plan):
            break
    return {"queryPlanner": {"winningPlan": plan}, "ok": 1.0}


def _query_of(command: Document) -> Document:
    """Return the query for what a command looks at: a write looks its documents up by a filter as well."""
    name = next(iter(command))
    if name == "findAndModify":
        return {"find": command[name], "filter": command["query"], "limit": 1}
    if name not in ("update", "delete"):
        return command
    (statement,) = command[f"{name}s"]
    return {"find": command[name], "filter": statement["q"]}


def stage(plan: Document, *, is_limited: bool = False) -> Document:
    """Return one stage of a plan, and in it those that feed it.

    What walks an index from end to end reads the whole collection, unless a limit ends it and nothing is left out on the way.
    """
    name = plan["Node Type"]
    if "Index" in name and name.endswith("Scan"):
        is_bounded = any(column in plan.get("Index Cond", "") for column in ("document", "object_id")) or plan["Index Name"] != "_id_"
        is_short = is_bounded or (is_limited and "Filter" not in plan)
        return {"stage": "IXSCAN" if is_short else WALK, "indexName": plan["Index Name"]}
    is_limited = name == "Limit" or (is_limited and name == "Custom Scan")
    inner = [stage(part, is_limited=is_limited) for part in plan.get("Plans", ())]
    return {"stage": _STAGES.get(name, name.upper().replace(" ", "_")), "inputStages": inner}

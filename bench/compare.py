"""How fast is Horarium on RabbitMQ beside what the servers allow, and beside other systems? All in one run, as one table.

    python3 -m venv var/bench && var/bench/bin/pip install --require-hashes -r requirements-bench.txt
    var/bench/bin/python -m bench.compare --broker amqp://user:password@host:port/ [--store mongodb://host:port] [--days 120] [--tasks 8000]

Units of work a second; `of raw` is the part of the raw limit of the same pair. Quorum queues unless the row says classic. In 120 days there
are about as many units of work as the raw limit is measured with; the start of the workers, which it leaves out, counts in ours.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import latency, others, throughput
from bench.raw_limit import Yardstick
from bench.raw_limit import measure as raw
from bench.servers import AMQP, MONGO


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    system: str
    per_s: float
    of_raw: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default=AMQP)
    parser.add_argument("--store", default="")
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--tasks", type=int, default=8_000)
    parser.add_argument("--uows", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--no-latency", action="store_true")
    given = parser.parse_args()
    rows = [row for make in _makers(given) for row in make()]
    if given.json:
        print(json.dumps([row.__dict__ for row in rows]))
    else:
        show(rows)


def _makers(given: argparse.Namespace) -> list[Callable[[], list[Row]]]:
    return [
        lambda: ours(given, "RabbitMQ + SQLite", "", given.broker),
        lambda: ours(given, "RabbitMQ (classic queues) + SQLite", "", f"{given.broker}?queue_type=classic"),
        *([lambda: ours(given, "RabbitMQ + MongoDB", given.store, given.broker)] if given.store else []),
        lambda: [other(others.celery(given.tasks, given.broker, results=True))],
        lambda: [other(others.celery(given.tasks, given.broker, results=False))],
        lambda: [other(others.dramatiq(given.tasks, given.broker))],
    ]


def ours(given: argparse.Namespace, name: str, store: str, broker: str) -> list[Row]:
    """Return the raw limit of a pair, and ours on it, measured right after it."""
    classic = "classic" in broker
    kind = "mongodb" if store else "rabbitmq"
    rows = []
    for queue_type in ("classic",) if classic else ("quorum", "classic"):
        found = raw(Yardstick(kind, uows=given.uows, amqp=broker, mongo=store or MONGO, queue_type=queue_type))
        rows.append(said(Row(f"raw limit, {name.replace(' (classic queues)', '')}, {queue_type} queues", float(str(found["uows_per_s"])))))
    limit = rows[-1].per_s
    rate = throughput.measure(given.days, "2", store, broker)["uows_per_s"]
    waits: dict[str, Any] = {} if given.no_latency or classic else latency.measure(store, broker)
    row = Row(f"Horarium, {name}", rate, round(rate / limit, 2), waits.get("p50_ms"), waits.get("p99_ms"))
    return [*rows, said(row)]


def other(found: dict[str, Any]) -> Row:
    """Return the line of another system."""
    return said(Row(found["system"], found["per_s"]))


def said(row: Row) -> Row:
    """Say how far it is, to whoever waits."""
    print(f"{row.system}: {row.per_s:,.0f} a second", file=sys.stderr, flush=True)
    return row


def show(rows: list[Row]) -> None:
    """Print the table, as Markdown. The raw limit that `of raw` goes by is that of classic queues, which are the cheaper ones."""
    print("| system | a second | of raw | dependency p50, ms | p99, ms |")
    print("|---|---|---|---|---|")
    for row in rows:
        rest = [f"{value:g}" if value is not None else "" for value in (row.of_raw, row.p50_ms, row.p99_ms)]
        print(f"| {row.system} | {row.per_s:,.0f} | {' | '.join(rest)} |")


if __name__ == "__main__":
    main()

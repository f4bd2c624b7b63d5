"""What do store and queue allow with no logic at all? The yardstick that stands beside the product's own figure in the same run.

Per unit of work exactly: one state inserted (requested), one message out, one state changed (outcome, conditional), one message back;
everything durable (SQLite WAL with synchronous=FULL), in batches, between two processes. Prints one JSON line.

    python -m bench.raw_limit embedded [--uows 20000] [--batch 100] [--file PATH]
"""

import argparse
import json
import multiprocessing as mp
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

BODY = "x" * 300


class SqliteStates:
    """States in SQLite."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS uow (id TEXT PRIMARY KEY, state TEXT, fence INTEGER, body TEXT)")

    def insert(self, ids: Sequence[str]) -> None:
        """Insert requested states."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO uow VALUES (?, 'requested', 0, ?)", [(i, BODY) for i in ids])
        self.db.execute("COMMIT")

    def finish(self, ids: Sequence[str]) -> None:
        """Change them, conditionally."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("UPDATE uow SET state='processed', fence=fence+1 WHERE id=? AND state='requested'", [(i,) for i in ids])
        self.db.execute("COMMIT")


class SqliteQueue:
    """A queue in SQLite."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None, timeout=30)
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE IF NOT EXISTS message (n INTEGER PRIMARY KEY, queue TEXT, body TEXT)")
        self.db.execute("CREATE INDEX IF NOT EXISTS by_queue ON message (queue, n)")

    def publish(self, queue: str, bodies: Sequence[str]) -> None:
        """Send messages."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO message (queue, body) VALUES (?, ?)", [(queue, b) for b in bodies])
        self.db.execute("COMMIT")

    def take(self, queue: str, limit: int) -> list[str]:
        """Take messages, after a short wait where there are none."""
        if not self.db.execute("SELECT 1 FROM message WHERE queue=? LIMIT 1", (queue,)).fetchone():
            time.sleep(0.001)
            return []
        self.db.execute("BEGIN IMMEDIATE")
        rows = self.db.execute("SELECT n, body FROM message WHERE queue=? ORDER BY n LIMIT ?", (queue, limit)).fetchall()
        self.db.executemany("DELETE FROM message WHERE n=?", [(n,) for n, _ in rows])
        self.db.execute("COMMIT")
        return [b for _, b in rows]


def worker(file: str, uows: int, batch: int) -> None:
    """Finish what comes, and report it."""
    states, queue = SqliteStates(file), SqliteQueue(file)
    left = uows
    while left:
        ids = queue.take("raw_out", batch)
        if ids:
            states.finish(ids)
            queue.publish("raw_back", ids)
            left -= len(ids)


def measure(file: str, uows: int, batch: int) -> dict[str, object]:
    """Return the figures of one run."""
    states, queue = SqliteStates(file), SqliteQueue(file)
    child = mp.get_context("spawn").Process(target=worker, args=(file, uows, batch))
    child.start()
    time.sleep(1.5)
    start, sent, back, ids = time.perf_counter(), 0, 0, [f"process/20130101{n:06d}/1/1" for n in range(uows)]
    while back < uows:
        if sent < uows and sent - back < 20 * batch:
            part = ids[sent : sent + batch]
            states.insert(part)
            queue.publish("raw_out", part)
            sent += len(part)
        back += len(queue.take("raw_back", batch))
    seconds = time.perf_counter() - start
    child.join()
    return {"kind": "embedded", "uows": uows, "batch": batch, "seconds": round(seconds, 3), "uows_per_s": round(uows / seconds)}


def main() -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["embedded"])
    parser.add_argument("--uows", type=int, default=20000)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--file", default="")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(given.file or str(Path(folder) / "raw.db"), given.uows, given.batch)))


if __name__ == "__main__":
    main()

"""Does it cost the engine anything that people watch? Its dependency latency with 20 readers and without, in turns, in one run.

A reader is an open page: it holds the event stream and, told of a change, fetches the page's changing part and the head's again, at most
once a second. From the child's outcome to its parent's first line, as in bench/latency.py, while two chains make 20 units of work a
second; quiet spells and watched ones alternate, so the machine's own moods hit both. Then 200 readers: none may see an error, or starve.
Readers are on other machines in life, so here they are as nice as can be.

    python -m bench.readers [--spell 15] [--rounds 4] [--many 200]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.latency import entered_at, finished_at
from bench.rig import ROOT, environment, running
from db.urls import open_store

# What people leave open. Each reader has one of them.
PAGES = ("/", "/timetable", "/runs", "/queues", "/boxes", "/job/parent_0/2013010205")
LEAST_S = 1.0
STARVED_S = 10.0
MOST_RATIO = 1.2
WARM_S = 5.0


@dataclass
class Seen:
    """What the readers of a spell saw."""

    readers: int
    events: int = 0
    fetches: int = 0
    unchanged: int = 0
    longest_gap_s: float = 0.0
    fetch_ms: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def shown(self) -> dict[str, object]:
        """Return it in short."""
        took = sorted(self.fetch_ms) or [0.0]
        figures = {"fetch_p50_ms": round(statistics.median(took), 1), "fetch_p99_ms": round(took[int(len(took) * 0.99)], 1)}
        short = {"errors": sorted(set(self.errors))[:5], "error_count": len(self.errors), "longest_gap_s": round(self.longest_gap_s, 2)}
        return {k: v for k, v in asdict(self).items() if k != "fetch_ms"} | short | figures


class Reader:
    """One open page."""

    def __init__(self, host: str, port: int, page: str, seen: Seen) -> None:
        self._where, self._page, self._seen = (host, port), page, seen
        self._etags: dict[str, str] = {}
        self._told = asyncio.Event()

    async def read(self, until: float) -> None:
        """Read until that moment of the monotonic clock."""
        fetching = asyncio.create_task(self._fetch_when_told(until))
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                await self._listen()
                self._seen.errors.append("the stream ended")
        except TimeoutError:
            pass
        except OSError as error:
            self._seen.errors.append(f"stream: {error!r}")
        finally:
            fetching.cancel()

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection(*self._where)
        writer.write(f"GET /live HTTP/1.1\r\nHost: {self._where[0]}:{self._where[1]}\r\n\r\n".encode())
        last = time.monotonic()
        try:
            status = await reader.readline()
            if b" 200 " not in status:
                self._seen.errors.append(f"/live: {status.decode().strip()}")
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    now = time.monotonic()
                    self._seen.longest_gap_s, last = max(self._seen.longest_gap_s, now - last), now
                    self._seen.events += 1
                    self._told.set()
        finally:
            self._seen.longest_gap_s = max(self._seen.longest_gap_s, time.monotonic() - last)
            writer.close()

    async def _fetch_when_told(self, until: float) -> None:
        connection = await asyncio.open_connection(*self._where)
        try:
            while time.monotonic() < until:
                await self._told.wait()
                self._told.clear()
                began = time.monotonic()
                for path in (self._page, "/pulse"):
                    await self._fetch(*connection, path)
                await asyncio.sleep(max(0.0, LEAST_S - (time.monotonic() - began)))
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self._seen.errors.append(f"{self._page}: {error!r}")
        finally:
            connection[1].close()

    async def _fetch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
        began = time.monotonic()
        kept = f"If-None-Match: {self._etags[path]}\r\n" if path in self._etags else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._where[0]}:{self._where[1]}\r\nX-Fragment: 1\r\n{kept}\r\n".encode())
        status = int((await reader.readline()).split()[1])
        heads = {}
        while (line := await reader.readline()).strip():
            name, _, value = line.decode().partition(":")
            heads[name.lower()] = value.strip()
        if status != 304:
            await reader.readexactly(int(heads.get("content-length", "0")))
        if status not in (200, 304):
            self._seen.errors.append(f"{path}: {status}")
        self._etags[path] = heads.get("etag", "")
        self._seen.fetches += 1
        self._seen.unchanged += status == 304
        self._seen.fetch_ms.append(1000 * (time.monotonic() - began))


async def watch(url: str, pages: list[str], count: int, seconds: float) -> Seen:
    """Have `count` readers watch for a while."""
    where, seen = urlsplit(url), Seen(count)
    until = time.monotonic() + seconds
    readers = [Reader(where.hostname or "", where.port or 80, pages[n % len(pages)], seen) for n in range(count)]
    await asyncio.gather(*(reader.read(until) for reader in readers))
    return seen


def watched(url: str, count: int, seconds: float) -> dict[str, Any]:
    """Have a process of its own watch, as nice as can be."""
    command = [sys.executable, "-m", "bench.readers", "--watch", url, "--many", str(count), "--spell", str(seconds)]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE, preexec_fn=lambda: os.nice(15) and None)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@contextmanager
def site(environ: dict[str, str]) -> Iterator[str]:
    """Keep a deployment up; yields its dashboard's address."""
    told = Path(environ["HORARIUM_VAR"]) / "run" / "mx.json"
    with running(environ) as process:
        until = time.monotonic() + 30
        while not told.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("no dashboard came up")
            time.sleep(0.1)
        yield json.loads(told.read_text())["url"]


def measure(spell_s: float, rounds: int, many: int) -> dict[str, Any]:
    """Return the figures of one run."""
    with tempfile.TemporaryDirectory() as folder:
        var = Path(folder) / "var"
        var.mkdir()
        extra = {"BENCH_MARKS": folder, "HORARIUM_WORKERS": "2", "HORARIUM_MX_LISTEN": "127.0.0.1:0", "BENCH_END": "2014010100"}
        environ = environment(var, "latency_context.py", extra)
        spells: list[tuple[bool, float, float]] = []
        seen = []
        with site(environ) as url:
            time.sleep(WARM_S)
            for number in range(2 * rounds):
                began = time.time()
                if number % 2:
                    seen.append(watched(url, 20, spell_s))
                else:
                    time.sleep(spell_s)
                spells.append((bool(number % 2), began, time.time()))
            crowd = watched(url, many, 2 * spell_s) if many else {}
        store = open_store(f"sqlite:///{var}/horarium.db")
        found = [(at, 1000 * (at - finished_at(store, *node).timestamp())) for node, at in entered_at(Path(folder) / "entered")]
        store.close()
    quiet, busy = (
        sorted(ms for at, ms in found if any(low + 1 < at < high for is_watched, low, high in spells if is_watched is wanted))
        for wanted in (False, True)
    )
    sides = {name: figures(took) for name, took in (("without", quiet), ("with_20", busy))}
    ratio = {name: round(sides["with_20"][name] / sides["without"][name], 3) for name in ("p50_ms", "p95_ms")}
    faults = [f"{name} with readers is {value} of that without" for name, value in ratio.items() if value > MOST_RATIO]
    for each in [*seen, *([crowd] if crowd else [])]:
        faults += [f"of {each['readers']} readers: {error}" for error in each["errors"]]
        if each["longest_gap_s"] > STARVED_S:
            faults.append(f"of {each['readers']} readers one was told nothing for {each['longest_gap_s']} s")
    return {**sides, "ratio": ratio, "faults": faults, "readers_20": seen, f"readers_{many}": crowd}


def figures(took_ms: list[float]) -> dict[str, float]:
    """Return a spell's latencies in short."""
    p95, p99 = (took_ms[int(len(took_ms) * share)] for share in (0.95, 0.99))
    return {"parents": len(took_ms), "p50_ms": round(statistics.median(took_ms), 2), "p95_ms": round(p95, 2), "p99_ms": round(p99, 2)}


def pages_there(url: str) -> list[str]:
    """Return those of PAGES that this dashboard has."""
    from urllib.error import HTTPError
    from urllib.request import urlopen

    found = []
    for page in PAGES:
        try:
            with urlopen(url.rstrip("/") + page, timeout=10):
                found.append(page)
        except HTTPError as error:
            print(f"{page} is left out: {error}", file=sys.stderr)
    return found


def main() -> int:
    """Measure once and print it; the exit code is 1 where readers cost the engine too much, saw an error, or starved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spell", type=float, default=15.0, help="seconds of each spell")
    parser.add_argument("--rounds", type=int, default=4, help="spells without readers, and with 20")
    parser.add_argument("--many", type=int, default=200, help="readers of the last spell, which lasts twice as long; 0: none")
    parser.add_argument("--watch", default="", help="only watch the dashboard at this address with --many readers")
    given = parser.parse_args()
    if given.watch:
        print(json.dumps(asyncio.run(watch(given.watch, pages_there(given.watch), given.many, given.spell)).shown()))
        return 0
    found = measure(given.spell, given.rounds, given.many)
    print(json.dumps(found))
    return 1 if found["faults"] else 0


if __name__ == "__main__":
    sys.exit(main())

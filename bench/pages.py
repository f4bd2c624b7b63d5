"""Does a page cost more with a long history? Every page over 10,000,000 stored periods of 1,000 processes, and over 10,000 of them.

The pages are found by their links, a few samples of each kind. Each is asked for 50 times: in this process (p50, p95, bytes, store calls),
and once over the real server. A page is too slow from 150 ms at p95 on, too large from 200 kB on; its store calls must not depend on how
long the history is.

    python -m bench.pages [--folder FOLDER] [--rounds 50] [--no-server] [--only /timetable]
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.history import Counted
from bench.rig import ROOT
from bench.stored import Size, make, roof_of, settings_of
from launcher.parts import Joined
from launcher.web.desk import WebDesk
from launcher.web.parts import WebParts
from tests.support.mx import app_over
from tests.support.site import Walk

P95_MS, BYTES = 150.0, 200_000
SHORT = 10_000
NO_ANSWER_S = 30.0


@dataclass(frozen=True)
class Figure:
    """What a page costs. `cpu_ms` is the median of the time that its process computed: the same on a busy machine, 0 where not known."""

    p50_ms: float
    p95_ms: float
    bytes: int
    calls: int
    names: str = ""
    cpu_ms: float = 0.0


class Site:
    """The dashboard over one store, asked in this process, with a count of its store calls."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._parts = WebParts(roof_of(environ))
        self._parts.asker.start()
        self._counted: Any = self._parts.asker.ask(self._count)
        self.app = app_over(WebDesk(self._parts))
        self._client = self.app.test_client()

    def _count(self) -> Counted:
        joined = self._parts.joined
        counted = Counted(joined.store)
        self._parts._joined = Joined(counted, joined.broker)  # type: ignore[arg-type]
        return counted

    def fetch(self, path: str) -> tuple[int, str, str]:
        """Return status, content type and text of a page."""
        answer = self._client.get(path)
        return answer.status_code, answer.content_type, answer.get_data(as_text=True)

    def measure(self, path: str, rounds: int) -> Figure:
        """Ask for a page again and again."""
        self._client.get(path)
        self._counted.calls.clear()
        size = len(self._client.get(path).get_data())
        calls = Counter(self._counted.calls)
        computed: list[float] = []

        def ask() -> None:
            began = time.process_time()
            self._client.get(path)
            computed.append(1000 * (time.process_time() - began))

        return replace(figure(timed(ask, rounds), size, calls), cpu_ms=round(statistics.median(computed), 1))

    def close(self) -> None:
        """Close the store."""
        self._parts.close()


def timed(act: Any, rounds: int) -> list[float]:
    """Return the milliseconds that each round took."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - began))
    return found


def figure(took_ms: list[float], size: int, calls: Counter[str] | None = None) -> Figure:
    """Return what was measured in short."""
    calls = calls or Counter()
    p95 = sorted(took_ms)[min(len(took_ms) - 1, int(len(took_ms) * 0.95))]
    names = " ".join(f"{name}:{count}" for name, count in sorted(calls.items()))
    return Figure(round(statistics.median(took_ms), 1), round(p95, 1), size, sum(calls.values()), names)


@contextmanager
def served(environ: Mapping[str, str]) -> Iterator[str]:
    """Serve the dashboard as a deployment does; yields its URL."""
    told = Path(environ["HORARIUM_VAR"]) / "run" / "mx.json"
    command = [sys.executable, str(ROOT / "launch.py"), "mx"]
    process = subprocess.Popen(command, env={**environ, "HORARIUM_MX_LISTEN": "127.0.0.1:0"}, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + NO_ANSWER_S
        while not told.exists():
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the dashboard did not come up; its log in var/log says why")
            time.sleep(0.05)
        yield json.loads(told.read_text())["url"]
    finally:
        process.terminate()
        process.wait(30)


def over_server(url: str, paths: list[str], rounds: int) -> dict[str, Figure]:
    """Ask a server for pages, by one connection."""
    where = urlsplit(url)
    client = http.client.HTTPConnection(where.hostname or "", where.port, timeout=NO_ANSWER_S)
    found = {}
    for path in paths:

        def ask(path: str = path) -> int:
            client.request("GET", path)
            answer = client.getresponse()
            size = len(answer.read())
            if answer.status != 200:
                raise RuntimeError(f"{path}: {answer.status}")
            return size

        size = ask()
        found[path] = figure(timed(ask, rounds), size)
    client.close()
    return found


def faults(path: str, long: Figure, short: Figure | None) -> str:
    """Return what is wrong with a page, empty for nothing."""
    found = []
    if long.p95_ms >= P95_MS:
        found.append(f"slow (p95 {long.p95_ms} ms)")
    if long.bytes >= BYTES:
        found.append(f"large ({long.bytes} bytes)")
    if short and short.names != long.names:
        found.append(f"store calls differ: {short.names} | {long.names}")
    return f"{path}: {', '.join(found)}" if found else ""


def main() -> int:
    """Measure, print a line for each page and a JSON line; the exit code is 1 where a page is at fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", default=None, help="where the stores stay and are used again")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--no-server", action="store_true", help="in this process only")
    parser.add_argument("--only", default="", help="pages whose path begins so")
    given = parser.parse_args()
    with nullcontext(given.folder) if given.folder else tempfile.TemporaryDirectory() as folder:
        environs = {name: made(Path(folder).absolute() / name, periods) for name, periods in (("long", 0), ("short", SHORT))}
        long, short = Site(environs["long"]), Site(environs["short"])
        took_ms = timed(lambda: long.fetch("/"), 1)[0]
        walk = Walk(long.fetch, long.app.url_map)
        paths = [path for path in walk.walk() if path.startswith(given.only)]
        print(f"{len(paths)} pages; the first one after the start took {took_ms:.0f} ms; no link leads to {walk.not_reached()}")
        print(*(f"  {link}" for link in walk.broken), sep="\n")  # the store has no boxes behind it, so no logs either
        bad: list[str] = []
        found = {}
        for path in paths:
            figure_long, figure_short = long.measure(path, given.rounds), short.measure(path, 2) if short.fetch(path)[0] == 200 else None
            found[path] = figure_long
            bad += [fault for fault in [faults(path, figure_long, figure_short)] if fault]
            print(f"{figure_long.p50_ms:7.1f} {figure_long.p95_ms:7.1f} CPU {figure_long.cpu_ms:7.1f} ms, {figure_long.bytes:7} B {path}")
            print(f"{'':35}{figure_long.names}", flush=True)
        for site in (long, short):
            site.close()
        shown: dict[str, Any] = {"pages": len(paths), **{name: worst(found, name) for name in ("p95_ms", "cpu_ms", "bytes")}, "faults": bad}
        if not given.no_server:
            with served(environs["long"]) as url:
                by_server = over_server(url, paths, given.rounds)
            shown["served_p95_ms"] = worst(by_server, "p95_ms")
            bad += [f"served, {fault}" for path, each in by_server.items() if (fault := faults(path, each, None))]
    for fault in bad:
        print(f"  {fault}")
    print(json.dumps(shown))
    return 1 if bad else 0


def made(var: Path, periods: int) -> dict[str, str]:
    """Return the environment of a store in folder `var`, filled where it is not there yet."""
    size = Size(periods=periods)
    environ = settings_of(var, size)
    if not var.exists():
        print(f"filling {var}: {make(roof_of(environ), size)}")
    return environ


def worst(found: Mapping[str, Figure], field: str) -> tuple[float, str]:
    """Return the largest figure, and whose it is."""
    return max((getattr(each, field), path) for path, each in found.items())


if __name__ == "__main__":
    sys.exit(main())

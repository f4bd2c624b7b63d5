"""How many tasks a second do other systems run on the same RabbitMQ? Sent and run at the same time, with as many processes as ours.

From the first message sent to the last task run, and to its last result stored where results are kept.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from bench.servers import channel_to, plain

ROOT = Path(__file__).resolve().parents[1]
# Two processes of two slots each, as two workers of ours.
_WORKERS, _SLOTS = 2, 2
_WAIT_S = 300.0

SEND = """
import sys
from bench.{app} import nothing
send = getattr(nothing, {how!r})
print("ready", flush=True)
sys.stdin.readline()
for n in range({tasks}):
    send(f"process/20130101{{n:06d}}/1/1")
"""


def celery(tasks: int, broker: str, *, results: bool) -> dict[str, object]:
    """Return Celery's figures: late acknowledgement, prefetch for short tasks; with results in SQLite, or without."""
    name = f"celery_{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "results.db"
        environ = _environ(folder, broker, name, {"BENCH_RESULTS": f"db+sqlite:///{file}"} if results else {})
        workers = [
            [sys.executable, "-m", "celery", "-A", "bench.celery_app", "worker", "-c", str(_SLOTS), "-n", f"w{n}@%h", "-l", "WARNING",
             "--without-gossip", "--without-mingle", "--without-heartbeat"]
            for n in range(_WORKERS)
        ]  # fmt: skip
        with _running(workers, environ):
            _warm_up(environ, "celery_app", "delay", Path(environ["BENCH_MARKS"]))
            stored = _rows_of(file) if results else None
            seconds = _measure(environ, "celery_app", "delay", tasks, stored)
    _delete(broker, name)
    return {"system": f"celery, {'results in SQLite' if results else 'no results'}", "tasks": tasks, "per_s": round(tasks / seconds)}


def dramatiq(tasks: int, broker: str) -> dict[str, object]:
    """Return dramatiq's figures."""
    name = f"dramatiq_{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        environ = _environ(folder, broker, name, {})
        command = [sys.executable, "-m", "dramatiq", "bench.dramatiq_app", "--processes", str(_WORKERS), "--threads", str(_SLOTS)]
        with _running([command], environ):
            _warm_up(environ, "dramatiq_app", "send", Path(environ["BENCH_MARKS"]))
            seconds = _measure(environ, "dramatiq_app", "send", tasks, None)
    for end in ("", ".DQ", ".XQ"):
        _delete(broker, name + end)
    return {"system": "dramatiq, no results", "tasks": tasks, "per_s": round(tasks / seconds)}


def _environ(folder: str, broker: str, queue: str, extra: Mapping[str, str]) -> dict[str, str]:
    own = {"BENCH_AMQP": plain(broker), "BENCH_QUEUE": queue, "BENCH_MARKS": str(Path(folder) / "marks"), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own, **extra}


@contextmanager
def _running(commands: list[list[str]], environ: Mapping[str, str]) -> Iterator[None]:
    nowhere = subprocess.DEVNULL
    children = [subprocess.Popen(command, env=dict(environ), cwd=ROOT, stdout=nowhere, stderr=nowhere) for command in commands]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(60)


def _sender(environ: Mapping[str, str], app: str, how: str, tasks: int) -> subprocess.Popen[str]:
    """Start who sends, up to the moment before the first one."""
    code = SEND.format(app=app, how=how, tasks=tasks)
    pipe, command = subprocess.PIPE, [sys.executable, "-c", code]
    child = subprocess.Popen(command, env=dict(environ), cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    assert child.stdout
    assert child.stdout.readline().strip() == "ready"
    return child


def _warm_up(environ: Mapping[str, str], app: str, how: str, marks: Path) -> None:
    sender = _sender(environ, app, how, 200)
    sender.communicate("go\n")
    _wait(lambda: marks.exists() and marks.stat().st_size >= 200)


def _measure(environ: Mapping[str, str], app: str, how: str, tasks: int, stored: Callable[[], int] | None) -> float:
    marks = Path(environ["BENCH_MARKS"])
    ran, kept = marks.stat().st_size, 0
    if stored:
        _wait(lambda: stored() >= 200)
        kept = stored()
    sender = _sender(environ, app, how, tasks)
    assert sender.stdin
    began = time.perf_counter()
    sender.stdin.write("go\n")
    sender.stdin.flush()
    _wait(lambda: marks.stat().st_size >= ran + tasks)
    if stored:
        _wait(lambda: stored() >= kept + tasks)
    seconds = time.perf_counter() - began
    sender.communicate()
    return seconds


def _rows_of(file: Path) -> Callable[[], int]:
    """Return what counts the results in a database of Celery's."""
    def rows() -> int:
        if not file.exists():
            return 0
        with sqlite3.connect(file, timeout=30) as db:
            try:
                count: int = db.execute("SELECT count(*) FROM celery_taskmeta WHERE status = 'SUCCESS'").fetchone()[0]
            except sqlite3.OperationalError:  # the table is not there yet
                return 0
        db.close()
        return count

    return rows


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.perf_counter() + _WAIT_S
    while not is_so():
        if time.perf_counter() > until:
            raise TimeoutError("the other system did not come to an end")
        time.sleep(0.02)


def _delete(broker: str, queue: str) -> None:
    connection, channel = channel_to(broker)
    channel.queue_delete(queue)
    connection.close()

"""Jobs that the tests of the slots run, good ones and bad ones. Copied into a user's folder as `jobs.py`."""

# ruff: noqa: T201  what jobs print is what the tests look at
from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_left: list[Any] = []


class Countable:
    """A whole number of another library, such as numpy's."""

    def __index__(self) -> int:
        return 7


class Flights:
    """A class whose methods are jobs."""

    def load(self, work: Any) -> int:
        return len(work.timeperiod)

    @staticmethod
    def count(work: Any) -> int:
        return int(work.attempt)


def noop(work: Any) -> None:
    """Return nothing."""


def give(work: Any) -> object:
    """Return what the arguments name."""
    return {
        "rows": 5, "done": work.done(6), "done without rows": work.done(), "no data": work.no_data("nothing came"), "index": Countable(),
        "bool": True, "text": "ok", "negative": -1,
    }[work.arguments["what"]]  # fmt: skip


def leave(work: Any) -> None:
    """Raise what the arguments name."""
    raise {
        "error": ValueError("a bad value"), "exit 0": SystemExit(0), "exit": SystemExit(), "exit 3": SystemExit(3),
        "exit text": SystemExit("no disk"), "interrupt": KeyboardInterrupt(),
    }[work.arguments["how"]]  # fmt: skip


def say(work: Any) -> None:
    """Print a text."""
    print(work.arguments["text"])


def log_and_print(work: Any) -> None:
    """Write by every way there is."""
    print("printed")
    print("to stderr", file=sys.stderr)
    work.log.info("logged for %s", work.uow_id)
    os.write(1, b"written\n")
    subprocess.run(["echo", "by a child"], check=True)


def facts(work: Any) -> None:
    """Print what a job can see."""
    print(work.process, work.timeperiod, work.start_timeperiod, work.end_timeperiod, work.fence, work.attempt, work.uow_id, work.canceled)
    print(work.start.isoformat(), work.end.isoformat(), work.end - work.start)


def surroundings(work: Any) -> None:
    """Print what is around a job."""
    print("ours:", sorted({name.partition(".")[0] for name in sys.modules} & {"system", "workers", "db", "mq", "scheduler"}))
    print("path:", sys.path[0], sys.path[-1])
    print("cwd:", Path.cwd())
    print("stdin:", repr(sys.stdin.read()))
    print("leads its session:", os.getsid(0) == os.getpid())
    print("marks:", os.environ["HORARIUM_UOW"], os.environ["HORARIUM_FENCE"])


def fill_the_disk(work: Any) -> None:
    """Have no place for another byte, as on a full disk, then fail."""
    if work.arguments["closed"]:
        sys.stderr.close()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    raise ValueError("the real error")


def pid(work: Any) -> int:
    """Return the slot's pid."""
    return os.getpid()


def spoil_arguments(work: Any) -> str:
    """Try to change the arguments; returns what happened, which is no valid result, so that the test can read it."""
    names = {"given": work.arguments}
    answers = []
    for spoil in ("given['a'] = 1", "given['inner']['b'] = 2", "given['items'].append(3)"):
        try:
            exec(spoil, names)
            answers.append("changed")
        except (TypeError, AttributeError):
            answers.append("refused")
    return " ".join(answers)


def own_packages(work: Any) -> int:
    """Use the user's packages that are named as some of ours."""
    return sum(int(importlib.import_module(name).NUMBER) for name in ("system", "workers"))


def leak(work: Any) -> int:
    """Leave something behind; returns the slot's pid."""
    what = work.arguments["what"]
    if what == "thread":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    elif what == "child":
        _left.append(subprocess.Popen(["sleep", "1000"]))
    elif what == "dead child":
        _left.append(subprocess.Popen(["true"]))
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    elif what == "folder":
        os.chdir("/")
    elif what == "environment":
        os.environ["TZ"] = "Europe/Berlin"
    elif what == "stdout":
        sys.stdout.close()
    elif what == "daemon":
        daemon(work)
    return os.getpid()


def daemon(work: Any) -> None:
    """Start a program that detaches itself twice over, and wait until it is there."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.write(writing, b"x")
            os.execvp("sleep", ["sleep", "1000"])
        os._exit(0)
    os.wait()
    os.read(reading, 1)


def forked_child_returns(work: Any) -> None:
    """Fork, and let the child come back from the function as well."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)


def die(work: Any) -> None:
    """End the slot's process in the middle."""
    print("last words")
    how = work.arguments["how"]
    if how == "segfault":
        ctypes.string_at(0)
    elif how.startswith("signal"):
        os.kill(os.getpid(), int(how.split()[1]))
    else:
        os._exit(int(how))


def wait(work: Any) -> int:
    """Wait until asked to end; says in a file that it waits."""
    _say_that_it_runs(work)
    while not work.canceled:
        signal.pause()
    print("saw that it is canceled")
    return 1


def wait_stubbornly(work: Any) -> None:
    """Wait for ever, asked or not."""
    _say_that_it_runs(work)
    while True:
        signal.pause()


def wait_with_family(work: Any) -> None:
    """Start a child and a daemon, then wait for ever."""
    _left.append(subprocess.Popen(["sleep", "1000"]))
    daemon(work)
    wait_stubbornly(work)


def print_and_wait(work: Any) -> None:
    """Print, and wait until asked to end."""
    print("begun äöü")
    wait(work)


def print_much(work: Any) -> None:
    """Print megabytes of numbered lines by the way that the arguments name."""
    write: Any = {"print": sys.stdout.write, "descriptor": lambda text: os.write(1, text.encode())}[work.arguments["way"]]
    line = "ä" * 98
    for block in range(work.arguments["blocks"]):
        write("".join(f"{block * 1000 + n:09d}{line}\n" for n in range(1000)))


def _say_that_it_runs(work: Any) -> None:
    if "file" in work.arguments:
        Path(work.arguments["file"]).write_text(str(os.getpid()))

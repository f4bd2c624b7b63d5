"""How does a benchmark run the real thing? As a user does, by `launch.py up`, in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(var: Path, context: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a deployment in folder `var`, with a context of this folder.

    Compiled modules are kept, as they are for a user: else each process that starts compiles all of it first.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HORARIUM_", "PYTHONDONTWRITEBYTECODE"))}
    clean |= {"HORARIUM_MX_LISTEN": "none"}  # a bench of the dashboard says otherwise
    return {**clean, "HORARIUM_VAR": str(var), "HORARIUM_CONTEXT": str(ROOT / "bench" / context), **(extra or {})}


def run_until_done(environ: Mapping[str, str], timeout_s: float = 600.0) -> None:
    """Run a deployment until nothing is left to do; raises CalledProcessError where it ended otherwise."""
    command = [sys.executable, str(ROOT / "launch.py"), "up", "--until-done"]
    subprocess.run(command, env=dict(environ), check=True, stdout=subprocess.DEVNULL, timeout=timeout_s)


@contextmanager
def running(environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Keep a deployment up for a while."""
    process = subprocess.Popen([sys.executable, str(ROOT / "launch.py"), "up"], env=dict(environ), stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def report(environ: Mapping[str, str], *arguments: str) -> dict[str, object]:
    """Return what `launch.py ARGUMENTS --json` prints."""
    command = [sys.executable, str(ROOT / "launch.py"), *arguments, "--json"]
    done = subprocess.run(command, env=dict(environ), check=True, capture_output=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found

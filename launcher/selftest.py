"""Are the tests good? `launch.py test` runs those beside the context; for the context that comes with Horarium, Horarium's own."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import click

from launcher.parts import ROOT, Roof
from launcher.say import say
from launcher.screen import json_option, show_json
from system.clock import RealClock

_NO_TESTS = 5  # as pytest, and unittest since Python 3.12
_UNITTEST = (
    "import sys, unittest; done = unittest.main(None, exit=False).result; "
    f"sys.exit(not done.wasSuccessful() or (0 if done.testsRun or done.skipped else {_NO_TESTS}))"
)


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.argument("arguments", metavar="[ARGUMENT]...", nargs=-1, type=click.UNPROCESSED)
@json_option
@click.pass_obj
def test_command(roof: Roof, arguments: tuple[str, ...], *, as_json: bool) -> int:
    """Run the tests of the project.

    They are those in the folder of the context: by pytest where it is installed, else by unittest. ARGUMENTs are handed on.
    """
    folder = Path(roof.context.folder)
    call = [*_runner(folder), *arguments]
    # The folder first, so that the project's modules are found before any of ours that has the same name.
    path = os.pathsep.join(filter(None, [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    began_s = RealClock().monotonic()
    if not as_json:
        say(f"in {folder}: {' '.join([call[2] if call[1] == '-m' else 'unittest', *arguments])}", err=True)
    output = sys.stderr if as_json else None
    done = subprocess.run(call, cwd=folder, env={**os.environ, "PYTHONPATH": path}, stdout=output, check=False)
    if as_json:
        seconds = round(RealClock().monotonic() - began_s, 3)
        show_json({"folder": str(folder), "command": call, "is_good": done.returncode == 0, "seconds": seconds})
    elif done.returncode == _NO_TESTS:
        say(f"error: there are no tests in {folder}: write test_jobs.py, as `launch.py init` does", err=True)
    return 0 if done.returncode == 0 else 1


def _runner(folder: Path) -> list[str]:
    if importlib.util.find_spec("pytest"):
        return [sys.executable, "-m", "pytest"]
    if folder == ROOT:
        raise click.ClickException("Horarium's own tests need pytest: ./scripts/test.sh installs it and runs all checks")
    return [sys.executable, "-c", _UNITTEST]

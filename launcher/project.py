"""How does a new project begin? `launch.py init DIR` writes a context, a job, its test, settings and a README that work as they are."""

from __future__ import annotations

import os
import shlex
import sys
from datetime import timedelta
from pathlib import Path

import click

from launcher.parts import ROOT, Roof
from launcher.say import say
from launcher.screen import json_option, show_json
from launcher.sources import FILE_NAME
from system.errors import ConfigError
from system.timeperiod import containing, qualifier_named

_DAYS_BACK = 3  # so that there is something to do at once

CONTEXT = '''"""Which processes run? Data only: the work itself is in jobs.py."""

from system.context import managed_context_entry, timetable_tree_entry

process_context = [
    managed_context_entry(
        "visits_daily",
        "jobs.daily",
        "visits",
        "_daily",
        start="{start}",
        arguments={{"folder": "results"}},
        description="Visits of each hour of the day",
    ),
]

timetable_context = [timetable_tree_entry("visits", ["visits_daily"])]
'''

JOBS = '''"""What is done for a period? One function for each process; jobs run with this folder as the current one."""

from pathlib import Path


def daily(work):
    """Write one file for the day. It may be called again for the same day, and then writes the same file anew."""
    folder = Path(work.arguments["folder"])
    folder.mkdir(exist_ok=True)
    rows = [f"{work.timeperiod[:8]}T{hour:02},{100 + hour}" for hour in range(24)]  # read your source from work.start to work.end
    (folder / f"{work.timeperiod}.csv").write_text("\\n".join(["hour,visits", *rows]) + "\\n")
    work.log.info("wrote %d rows", len(rows))
    return work.done(len(rows))
'''

TEST = '''"""Does the job write what it should? Run by `python -m unittest`."""

import logging
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

import jobs


class DailyTest(unittest.TestCase):
    """The day's file."""

    def test_a_day_has_a_row_for_each_hour(self):
        """Call the job as a worker would."""
        with tempfile.TemporaryDirectory() as folder:
            work = SimpleNamespace(
                timeperiod="2026010200", arguments={"folder": folder}, log=logging.getLogger("test"), done=lambda rows: rows
            )
            self.assertEqual(jobs.daily(work), 24)
            self.assertEqual(len((Path(folder) / "2026010200.csv").read_text().splitlines()), 25)
'''

SETTINGS = """# What differs from the defaults; `launch.py settings` shows all of it. Relative paths start at this file's folder.
var = "var"
# workers = 2
# slots = 2
# store_url = "sqlite:///var/horarium.db"
"""

README = """# A project for Horarium

| file | what it is |
|---|---|
| `context.py` | which processes run, and when |
| `jobs.py` | what they do |
| `test_jobs.py` | their test |
| `settings.toml` | what differs from the defaults |
| `var/` | what Horarium writes; not for your version control |

In a shell:

```sh
export HORARIUM_CONTEXT={context}
alias launch.py={launch}

launch.py context check                      # is the context sound?
python3 -m unittest                          # in this folder: does the job do what it should?
launch.py run visits_daily {start}        # one period here and now, nothing recorded
launch.py up --until-done                    # all that is due, then stop
launch.py up                                 # until Ctrl-C
launch.py timetable                          # how far is it?
launch.py job why visits_daily {start}    # why does it not run?
```
"""

TEMPLATES = {"context.py": CONTEXT, "jobs.py": JOBS, "test_jobs.py": TEST, FILE_NAME: SETTINGS, "README.md": README}


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@json_option
@click.pass_obj
def init_command(roof: Roof, folder: Path, *, as_json: bool) -> None:
    """Start a new project in DIR.

    It gets a context, one job, its test, settings and a README, and works as it is.
    """
    target = folder.expanduser().absolute()
    first = containing(qualifier_named("_daily"), roof.clock.now() - timedelta(days=_DAYS_BACK)).id
    written = write_project(target, first)
    if as_json:
        show_json({"folder": str(target), "files": written})
        return
    say(f"wrote {', '.join(written)} in {target}")
    say(f"next: export HORARIUM_CONTEXT={shlex.quote(str(target / 'context.py'))}")
    say(f"then: `launch.py run visits_daily {first}`; `launch.py up --until-done`; README.md there has the rest")


def write_project(target: Path, first: str) -> list[str]:
    """Write the files of a new project whose periods begin at the day `first`; returns their names.

    Raises ConfigError, with nothing written, where one of them is there already.
    """
    there = [name for name in TEMPLATES if os.path.lexists(target / name)]
    if there:
        raise ConfigError(f"{target} holds {', '.join(there)} already, and nothing is overwritten: name another folder")
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{target} can't be made ({(error.strerror or str(error)).lower()}): name another folder") from error
    launch = shlex.quote(f"{shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'launch.py'))}")
    words = {"start": first, "context": shlex.quote(str(target / "context.py")), "launch": launch}
    for name, text in TEMPLATES.items():
        made = text.format(**words) if name in ("context.py", "README.md") else text
        # The settings may get a password one day: then they must be their owner's alone.
        descriptor = os.open(target / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if name == FILE_NAME else 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(made)
    return list(TEMPLATES)

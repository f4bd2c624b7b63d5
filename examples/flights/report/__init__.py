"""What does the year look like? A table and a picture, out of the sinks alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from .figures import NothingYet, figures, opened
from .picture import draw
from .tables import year_tables


def main(out_json: bool, facts: Mapping[str, object]) -> int:  # noqa: FBT001  the launcher calls it so
    """Print the year: tables and a picture, or with `out_json` one line of JSON, `facts` among it; return the exit code."""
    folder = Path(os.environ.get("FLIGHTS_DATA", "var/flights")).absolute()
    try:
        db = opened(folder / "sink.sqlite")
    except NothingYet as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    try:
        year = figures(db)
        if out_json:
            sys.stdout.write(json.dumps({**year, **facts}) + "\n")
        else:
            console = Console()
            for table in year_tables(db, year, facts):
                console.print(table)
                console.print()
            console.print(draw(db, folder / "report.png"), soft_wrap=True, highlight=False)
    finally:
        db.close()
    return 0

"""Count a site's own visitors: `load_log.py ACCESS_LOG SITE` takes the page views of an access log into the example's source."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from jobs.feed import load_log  # type: ignore[import-not-found]  # beside this script

SOURCE = Path(os.environ.get("WEB_STATS_DATA", "var/web_stats")).absolute() / "views.sqlite"


def main(argv: list[str]) -> int:
    """Load one log; returns the exit code."""
    if len(argv) != 3:
        sys.stderr.write("usage: load_log.py ACCESS_LOG SITE\n")
        return 2
    try:
        sys.stdout.write(f"{load_log(str(SOURCE), argv[1], argv[2]):,} page views are new\n")
    except OSError as error:
        sys.stderr.write(f"error: {argv[1]} can't be read: {error.strerror}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

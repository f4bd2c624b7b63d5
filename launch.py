#!/usr/bin/env python3
"""What does a person start? `launch.py COMMAND`; the commands live in `launcher/`, one file per group."""

from __future__ import annotations

import sys

try:
    from launcher.main import main
except ImportError as error:  # also where Python is too old to have a name that we import
    if error.name and error.name.partition(".")[0] in ("launcher", "settings", "system", "db", "mq", "scheduler", "supervisor", "workers"):
        raise
    sys.exit(
        f"error: this Python ({sys.executable}, {sys.version.split()[0]}) can't run Horarium: {error}; "
        "take the one in .venv/bin, which ./scripts/demo.sh makes, or install requirements.txt for Python 3.11 or newer"
    )

if __name__ == "__main__":
    sys.exit(main())

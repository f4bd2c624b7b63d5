"""Which process hosts a worker's slots? This one: `python -P workers/host.py FD PLACE`, started by `workers/hosting.py`.

Run as a file, so that it alone decides what is on the path and in `sys.modules` of the slots that are forked from it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def main(control_fd: str, place: str) -> None:
    """Serve slots until the worker is gone."""
    facts = json.loads(place)
    sys.path.insert(0, facts["root"])
    from workers.forkserver import serve
    from workers.slot import Place

    sys.path.pop(0)
    serve(int(control_fd), Place(**facts))


if __name__ == "__main__":
    root = str(Path(__file__).resolve().parent.parent)
    main(sys.argv[1], json.dumps({**json.loads(sys.argv[2]), "root": root}))

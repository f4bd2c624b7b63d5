"""Where may a visitor be sent after a login? Only to a page of ours."""

from __future__ import annotations

import re

# A second slash, or a backslash that browsers take for one, would begin a host.
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_LONGEST = 2000


def local_target(wanted: str, otherwise: str = "/") -> str:
    """Return `wanted` where it is a path of this very server, `otherwise` else."""
    return wanted if len(wanted) <= _LONGEST and _LOCAL.fullmatch(wanted) else otherwise

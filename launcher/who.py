"""Who gives a command? As it is kept with the command, and shown to whoever reads it later."""

from __future__ import annotations

import getpass
import os


def who() -> str:
    """Return the name of the user, or the number of one that this machine has no name for, as in a container: `uid 12345`."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"

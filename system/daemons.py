"""How does a process become a daemon? The only module that names python-daemon."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import daemon


def detach(output: Path, *, keep: Sequence[int] = ()) -> None:
    """Go on as a daemon, in another process: without terminal and parent, in the same folder and with the same mask for new files.

    What is printed from now on goes to the file `output`. Open descriptors are closed, but for those in `keep`; so this comes before
    any file, thread or connection. Signals and limits stay as they are: our own children inherit them.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    file = output.open("ab", buffering=0)
    context = daemon.DaemonContext(
        detach_process=True, working_directory=str(Path.cwd()), umask=_mask(), prevent_core=False, signal_map={},
        files_preserve=[*keep], stdout=file, stderr=file,
    )  # fmt: skip
    context.open()
    for descriptor in keep:
        os.set_inheritable(descriptor, False)  # noqa: FBT003  by position only


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask

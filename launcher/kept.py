"""How does a daemon of the user's run? Its function is called once, with what the context says of it, and is expected to go on.

TERM raises SystemExit in it, so that its `finally` and `with` end it in order; the supervisor kills it where it takes too long. A
function that returns has ended, and is started again.
"""

from __future__ import annotations

import copy
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType, MappingProxyType
from typing import Any, cast

from launcher.parts import Roof
from system.context import DaemonProcess
from workers.named_function import resolve


@dataclass(frozen=True, slots=True)
class KeptWork:
    """What a daemon's function is given: `name` is the instance's, such as `poller.2`, `box` this machine's, `log` goes to its own log."""

    process: str
    name: str
    box: str
    arguments: Mapping[str, object]
    log: logging.Logger


def run_kept(roof: Roof, entry: DaemonProcess, name: str) -> None:
    """Call the daemon's function, in the folder of the context and with that folder first on the path."""
    os.chdir(roof.context.folder)
    if sys.path[:1] != [roof.context.folder]:
        sys.path.insert(0, roof.context.folder)
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _leave)
    arguments = MappingProxyType(copy.deepcopy(dict(entry.arguments)))
    work = KeptWork(entry.name, name, roof.settings.box, arguments, logging.getLogger(entry.name))
    function: Callable[[KeptWork], object] = cast(Any, resolve(entry.classname))
    function(work)


def _leave(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)

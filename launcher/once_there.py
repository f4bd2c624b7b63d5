"""How does a process start while store or broker are away? It says so once and waits: to end would look like a crash."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, repeat
from types import FrameType
from typing import NoReturn

from launcher.parts import Joined, Roof, open_parts
from system.errors import BrokerAway, Unavailable

log = logging.getLogger(__name__)

_WAITS_S = (0.2, 0.5, 1.0, 2.0)
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class AskedToStop(Exception):
    """A signal asked to stop what has not begun yet."""


def waiting_for(error: Unavailable) -> str:
    """Return the sentence that says what is away, and that it is waited for."""
    return f"the {'broker' if isinstance(error, BrokerAway) else 'store'} is away, and is waited for: {error}"


def _nothing(_: object) -> None:
    """Take note, and do no more."""


@contextmanager
def parts_once_there(roof: Roof, *, begin: Callable[[Joined], None] = _nothing, say: Callable[[str], None] = _nothing) -> Iterator[Joined]:
    """Open store and broker and `begin` with them, later where they are away just now, which is logged and said once."""
    with ExitStack() as stack:
        said = ""
        for wait_s in chain(_WAITS_S, repeat(_WAITS_S[-1])):
            try:
                with ExitStack() as attempt:
                    parts = attempt.enter_context(open_parts(roof.settings))
                    begin(parts)
                    stack.push(attempt.pop_all())
                break
            except Unavailable as error:
                if not said:
                    said = waiting_for(error)
                    say(said)
                    log.warning("%s", said, extra={"action": "parts_away"})
                roof.clock.sleep(wait_s)
        if said:
            log.info("store and broker are there", extra={"action": "parts_back"})
        yield parts


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise AskedToStop where a signal asks to stop while inside."""
    before = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    for signum, action in before.items():
        if action is not signal.SIG_IGN:  # `nohup` asked to outlive its terminal
            signal.signal(signum, _raise)
    try:
        yield
    finally:
        for signum, action in before.items():
            signal.signal(signum, action)


def _raise(signum: int, _frame: FrameType | None) -> NoReturn:
    raise AskedToStop(signal.Signals(signum).name)

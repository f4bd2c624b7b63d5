"""How does a process that has read a large timetable answer without pauses? What stays for good is set apart from what comes and goes.

Over 10,000,000 periods Python's collector took 70 to 200 ms each time it looked through all that is there, in the midst of an answer.
"""

from __future__ import annotations

import gc

_YOUNG = 10_000  # so many new ones are looked at together: fewer than a page makes, so that most pages are made without a look


def settle() -> None:
    """Have the collector leave alone all that is there now, until this is called again. Takes as long as one look at all of it."""
    gc.unfreeze()  # some of what was there the last time may be let go by now
    gc.collect()
    gc.freeze()
    _, middle, old = gc.get_threshold()
    gc.set_threshold(_YOUNG, middle, old)

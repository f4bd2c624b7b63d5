"""What happens to a fire whose entry has not ended its last run? `skip`, `queue N`, `allow N` or `replace`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from system.errors import ConfigError

_BOUNDED = re.compile(r"(queue|allow) +([1-9][0-9]{0,3})", re.ASCII)
HOW = "write 'skip', 'queue N' (N wait at most), 'allow N' (N run at once) or 'replace', N being 1 to 9999"


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many runs of one entry go at once, and how many fires may wait for them. `replaces`: a new fire ends what runs."""

    text: str
    running: int = 1
    waiting: int = 0
    replaces: bool = False


def parse_overlap(text: str) -> Overlap:
    """Return the policy that `text` names; raises ConfigError, which says how it is written."""
    words = text.strip()
    bounded = _BOUNDED.fullmatch(words)
    if bounded:
        most = int(bounded[2])
        return Overlap(text, waiting=most) if bounded[1] == "queue" else Overlap(text, running=most)
    if words == "replace":
        return Overlap(text, replaces=True)
    if words == "skip":
        return Overlap(text)
    raise ConfigError(f"overlap {text!r} is unknown: {HOW}")

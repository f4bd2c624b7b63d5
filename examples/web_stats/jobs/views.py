"""Who looked at which page, and when? Page views by a fixed seed, or out of an access log; the same minute gives the same views."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

SEED = 20_130_101
CLIENTS = 400
MINUTE = timedelta(minutes=1)
_SITES = ("shop", "blog", "docs")
_PAGES = ("/", "/about", "/prices", "/search", "/basket", "/checkout", "/help", "/news")

# The combined log format: client, two names, [time], "request", status, bytes.
_LINE = re.compile(r'(?P<client>\S+) \S+ \S+ \[(?P<at>[^\]]+)\] "(?:GET|POST|HEAD) (?P<page>\S+)[^"]*" (?P<status>\d{3}) (?P<bytes>\d+|-)')


class View(NamedTuple):
    """One page view. `at` is aware, in UTC."""

    at: datetime
    site: str
    client: str
    page: str
    sent: int


def generated(low: datetime, high: datetime, *, seed: int = SEED) -> Iterator[View]:
    """Yield the views of `[low, high)`, in order of time. Both bounds are cut to whole minutes."""
    minute = low.replace(second=0, microsecond=0)
    while minute + MINUTE <= high:
        yield from _of_minute(minute, seed)
        minute += MINUTE


def _of_minute(minute: datetime, seed: int) -> Iterator[View]:
    dice = random.Random(f"{seed} {minute:%Y%m%d%H%M}")  # noqa: S311  made-up views, no secret
    # Most of them in the early evening, fewest before dawn; on a Sunday half of that.
    share = 1.1 + math.sin((minute.hour - 12) / 24 * 2 * math.pi)
    count = int(dice.gauss(12.0, 3.0) * share * (0.5 if minute.weekday() == 6 else 1.0))
    for after in sorted(dice.randrange(60_000_000) for _ in range(max(0, count))):
        client = int(dice.paretovariate(1.2) * 7) % CLIENTS
        at = minute + timedelta(microseconds=after)
        yield View(at, dice.choice(_SITES), f"10.0.{client // 256}.{client % 256}", dice.choice(_PAGES), dice.randrange(500, 90_000))


def of_log(lines: Iterable[str], site: str) -> Iterator[View]:
    """Yield the page views of an access log in the combined format; lines that are none are left out, and so are errors."""
    for line in lines:
        found = _LINE.match(line)
        if found is None or not found["status"].startswith(("2", "3")):
            continue
        at = datetime.strptime(found["at"], "%d/%b/%Y:%H:%M:%S %z").astimezone(UTC)
        yield View(at, site, found["client"], found["page"], 0 if found["bytes"] == "-" else int(found["bytes"]))

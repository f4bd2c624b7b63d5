"""With which prefetch is each queue of a consumer subscribed? Pure: what the server sent in, what to subscribe out.

A subscription begins with its share of what its consumer asks for at once, and is made anew with a larger prefetch where the server sent
all of it and that was not enough: each one is a round to the server and an entry in its log, and what many queues send ahead lies here
while others may have nothing to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

MOST_PREFETCH = 8192
NONE_FULL = MOST_PREFETCH
_SLACK = 8  # a prefetch so many times larger than what is wanted becomes smaller when there is an occasion


@dataclass(slots=True)
class Subscription:
    """A queue, as the port calls it, and as the server does. It rests without a tag; `ended` is the tag before.

    The server may send `credit` more by `tag`; `is_full` says that there may be more than it could send.
    """

    queue: str
    name: str
    tag: str = ""
    ended: str = ""
    prefetch: int = 0
    credit: int = 0
    is_full: bool = False


class Choice(NamedTuple):
    """The subscriptions to be made, the smallest prefetch first, and the smallest prefetch of those that are full and are left so."""

    to_make: list[Subscription]
    least_full: int


def choose(subscriptions: Sequence[Subscription], wanted: int, *, is_short: bool) -> Choice:
    """Set the prefetch of those that rest, and where there is too little (`is_short`) of those that are too small; `wanted` is for all."""
    most = prefetch_for(wanted)
    share = prefetch_for(wanted // len({subscription.queue for subscription in subscriptions}))
    resting = [subscription for subscription in subscriptions if not subscription.tag]
    full = [subscription for subscription in subscriptions if subscription.tag and subscription.is_full]
    small = [subscription for subscription in full if subscription.prefetch < most and is_short]
    for subscription in resting:
        subscription.prefetch = min(_SLACK * most, subscription.prefetch or share)
    for subscription in small:
        subscription.prefetch = min(most, max(2 * subscription.prefetch, prefetch_for(wanted // len(small))))
    least_full = min((subscription.prefetch for subscription in full if subscription not in small), default=NONE_FULL)
    return Choice(sorted([*resting, *small], key=lambda subscription: subscription.prefetch), least_full)


def prefetch_for(count: int) -> int:
    """Return the power of two that lets so many come: the same one serves for a while."""
    return min(MOST_PREFETCH, 1 << max(0, count - 1).bit_length())

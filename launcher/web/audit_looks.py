"""How is a range of periods looked at while pages are asked for? By a thread of its own with a desk of its own, a page at a time.

It reads as many records as there are periods, so it can't be answered at once: whoever asks is told how far it is.
"""

from __future__ import annotations

import logging
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Lock, Thread

from mx.models.audit import AuditFinding, AuditLook
from scheduler.audit import MISSING, Finding
from scheduler.audit_range import PAGE, Audit, RangeAudit, Span
from system.errors import HorariumError, Refused
from system.hidden import hide

log = logging.getLogger(__name__)

MOST_FINDINGS = 10_000
_MOST_LOOKS, _AT_ONCE = 8, 2
_PAUSE_S = 0.01  # between two pages, so that those who ask for a page come first
_LOOKS_AGAIN, _AGAIN_S = 3, 1.0
_BROKEN = "it ended by a fault of ours: the log of mx has the traceback"
_REPLACED = "another file took the place of the store meanwhile: look again"

Key = tuple[str, datetime | None, datetime | None]


@dataclass
class Look:
    """One look: what was asked, how far it is, what it found. Written by its thread alone."""

    key: Key
    began_at: datetime
    ended_at: datetime | None = None
    fault: str = ""
    periods_total: int = 0
    audit: Audit = field(default_factory=Audit)
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    done: Event = field(default_factory=Event)
    is_outdated: bool = False  # another store lies there by now

    def take(self, page: Audit) -> None:
        """Take in what a page of periods came to, but for what may have been in motion."""
        self.audit.is_led = page.is_led
        self.audit.periods += page.periods
        self.audit.finished += page.finished
        self.audit.archived += page.archived
        self.add([found for found in page.findings if found.kind != MISSING])

    def add(self, findings: Sequence[Finding]) -> None:
        """Take in findings; only the first ones are kept, all are counted."""
        self.counts.update(found.kind for found in findings)
        self.findings += findings[: max(0, MOST_FINDINGS - len(self.findings))]

    def shown(self, most: int) -> AuditLook:
        """Return the look as it stands, with the first `most` findings."""
        process, low, high = self.key
        return AuditLook(
            process=process,
            low=low,
            high=high,
            began_at=self.began_at,
            ended_at=self.ended_at,
            fault=self.fault,
            is_led=self.audit.is_led,
            periods=self.audit.periods,
            periods_total=self.periods_total,
            finished=self.audit.finished,
            archived=self.audit.archived,
            counts=dict(self.counts),
            findings=tuple(
                AuditFinding(process=f.process, timeperiod=f.timeperiod, kind=f.kind, what=f.what, evidence=f.evidence, look=f.look)
                for f in self.findings[:most]
            ),
        )


class Looks:
    """The last few looks, by what was asked."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = Lock()
        self._looks: OrderedDict[Key, Look] = OrderedDict()
        self._threads: list[Thread] = []
        self._is_over = Event()

    def look(self, key: Key, names: Sequence[str], auditor: RangeAudit, *, anew: bool) -> Look:
        """Return the look at `key`, begun now where there is none yet, or where it has ended and is asked for anew; raises Refused.

        `auditor` belongs to it from then on.
        """
        with self._lock:
            found = self._looks.get(key)
            if found is not None and (found.ended_at is None or not anew):
                return found
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            if len(self._threads) >= _AT_ONCE:
                raise Refused("two other ranges are being looked at just now: ask again when they are done")
            found = self._looks[key] = Look(key, self._now())
            self._looks.move_to_end(key)
            while len(self._looks) > _MOST_LOOKS:
                self._looks.popitem(last=False)
            thread = Thread(target=self._run, args=(found, names, auditor), name="audit", daemon=True)
            self._threads.append(thread)
            thread.start()
            return found

    def forget(self) -> None:
        """Drop all looks, since another file took the store's place: what one has read of both together says nothing of either."""
        with self._lock:
            for look in self._looks.values():
                look.is_outdated = True
            self._looks.clear()

    def close(self) -> None:
        """End all looks, and wait for it."""
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, look: Look, names: Sequence[str], auditor: RangeAudit) -> None:
        look.fault, fault = "", _BROKEN
        try:
            self._through(look, names, auditor)
            fault = "mx is being stopped" if self._is_over.is_set() else _REPLACED if look.is_outdated else ""
        except HorariumError as error:
            log.warning("could not look at all periods: %s", error)
            fault = hide(str(error))
        finally:
            look.fault = fault
            look.ended_at = self._now()
            look.done.set()

    def _through(self, look: Look, names: Sequence[str], auditor: RangeAudit) -> None:
        _, low, high = look.key
        spans = auditor.spans(names, low, high, look.began_at)
        look.periods_total = sum(span.high - span.low for span in spans)
        moving: list[Finding] = []
        for page in _pages(spans):
            found = auditor.look([page], self._now())
            look.take(found)
            moving += [each for each in found.findings if each.kind == MISSING]
            if self._is_over.wait(_PAUSE_S) or look.is_outdated:
                return
        for _ in range(_LOOKS_AGAIN if moving and look.audit.is_led else 0):
            if self._is_over.wait(_AGAIN_S) or look.is_outdated:
                return
            moving = auditor.still(moving, self._now())
        look.add(moving)


def _pages(spans: Sequence[Span]) -> Iterator[Span]:
    for span in spans:
        for low in range(span.low, span.high, PAGE):
            yield Span(span.process, low, min(span.high, low + PAGE))

"""What ran when: a Gantt by box and worker over a chosen time, and how long each process took. The address holds the time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from flask import Blueprint, request
from werkzeug.exceptions import BadRequest

from mx.desk import Desk
from mx.drawing import gantt
from mx.frame import shown

# How long a time that ends now may be, by its word in the address.
SPANS = {"15min": 900, "1h": 3600, "6h": 21_600, "24h": 86_400, "7d": 604_800}
_MOST = 450
_PROCESSES = 50
_YEARS = (1970, 9000)  # so that whatever is reckoned from them is a moment, too


@dataclass(frozen=True, slots=True)
class Span:
    """A time: one that ends now, by its word, or from one moment to another."""

    since: datetime
    until: datetime
    last: str
    process: str
    box: str

    def href(self, **words: str) -> str:
        """Return the address of the same view with other words; empty ones are left out."""
        now_on = {"last": self.last} if self.last else {"from": stamp(self.since), "until": stamp(self.until)}
        if "last" in words or "from" in words:
            now_on = {}
        asked = {**now_on, **words, "process": words.get("process", self.process), "box": words.get("box", self.box)}
        return f"/runs?{urlencode({name: word for name, word in asked.items() if word}, safe=':')}"

    def moved(self, times: float) -> str:
        """Return the address of the time so many of its own lengths later."""
        step = (self.until - self.since) * times
        return self.href(**{"from": stamp(self.since + step), "until": stamp(self.until + step)})

    def zoomed(self, factor: float) -> str:
        """Return the address of a time so many times as long, with the same middle."""
        middle, half = self.since + (self.until - self.since) / 2, (self.until - self.since) / 2 * factor
        half = min(max(half, timedelta(seconds=5)), timedelta(days=15))
        return self.href(**{"from": stamp(middle - half), "until": stamp(middle + half)})


def page(desk: Desk) -> Blueprint:
    """Return `/runs`."""
    bp = Blueprint("runs", __name__)

    @bp.get("/runs")
    def runs() -> str:
        now = desk.now()
        span = _span(now)
        found = desk.runs(span.since, span.until, process=span.process, box=span.box, limit=_MOST)
        longest = max((each.longest_s or 0.0 for each in found.processes), default=0.0)
        return shown(
            "runs",
            found=found,
            span=span,
            spans=SPANS,
            stamp=stamp,
            chart=gantt.gantt(found.runs, span.since, span.until, now),
            processes=found.processes[:_PROCESSES],
            more=max(0, len(found.processes) - _PROCESSES),
            scale=260 / (longest or 1.0),
            most=_MOST,
        )

    return bp


def stamp(moment: datetime) -> str:
    """Return a moment as the address has it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _span(now: datetime) -> Span:
    begin, end = request.args.get("from", ""), request.args.get("until", "")
    process, box = request.args.get("process", ""), request.args.get("box", "")
    if begin:
        since = _moment(begin)
        return Span(since, _moment(end) if end else since + timedelta(hours=1), "", process, box)
    last = request.args.get("last", "1h")
    if last not in SPANS:
        raise BadRequest(f"{last!r} is no time that is shown: use one of {', '.join(SPANS)}, or from= and until=")
    return Span(now - timedelta(seconds=SPANS[last]), now, last, process, box)


def _moment(text: str) -> datetime:
    """Return the moment that the address names; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
        moment = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadRequest(f"{text!r} is no moment: write it as 2026-11-21T09:30, in UTC") from None
    if not _YEARS[0] < moment.year < _YEARS[1]:
        raise BadRequest(f"nothing ran in the year {moment.year}: write the moment as 2026-11-21T09:30, in UTC")
    return moment

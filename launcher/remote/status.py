"""How does a deployment elsewhere stand, on one screen? What `launch.py status` shows, out of a few answers of its API."""

from __future__ import annotations

from typing import Any

from db.model_boxes import BoxChild
from launcher.boxes import BoxRow
from launcher.remote import shapes
from launcher.remote.client import Client
from launcher.remote.desk import RemoteDesk
from launcher.seen import Seen
from scheduler.attention import Need, Needs, Running
from scheduler.audit_count import Counted
from scheduler.blockers import Blocker
from scheduler.lateness import Late
from scheduler.levels import Progress
from scheduler.overview import Overview, QueueDepth, Retired
from scheduler.watermark import Watermark

_NEEDS, _RUNNING = 500, 500
_SHOWN = 8
_TOLD_APART = ("late", "box")  # each has lines of its own


def look(client: Client, desk: RemoteDesk) -> Seen:
    """Return how all stands there; raises what a client raises."""
    told = client.get("status", needs=_NEEDS, running=_RUNNING)
    levels = desk.levels()
    return Seen(
        health=desk.health(),
        progress=Progress(**{name: told["totals"][name] for name in Progress.__slots__}),
        levels=[level for level in levels if not level.is_retired],
        late=[_late(need) for need in told["needs"] if need["kind"] == "late"],
        standings=desk.standings(),
        open_commands=told["open_commands"],
        overview=_overview(told, client, [Retired(level.process, None) for level in levels if level.is_retired]),
        boxes=[_box(box, each) for box in client.get("boxes")["boxes"] for each in box["processes"]],
    )


def _overview(told: shapes.Document, client: Client, retired: list[Retired]) -> Overview:
    needs = [_need(need) for need in told["needs"] if need["kind"] not in _TOLD_APART]
    more = told["needs_total"] - len(told["needs"])
    marks = [Watermark(each["process"], each["through"], each["holes"], each["first_hole"]) for each in client.items("watermarks")]
    audit = None
    if told["audit_at"]:
        at = shapes.surely(told["audit_at"])
        audit = Counted(at, at, told["audit_finished"], told["audit_counts"])
    return Overview(
        Needs(needs[:_SHOWN], len(needs) + more),
        marks,
        [Running(each["uow"], each["box"], shapes.moment(each["since"])) for each in told["running"]],
        told["running_total"],
        [QueueDepth(each["queue"], each["depth"]) for each in told["queues"]],
        told["window"],
        retired,
        audit,
        told.get("broker_fault", ""),  # a dashboard of an older version has none
    )


def _need(told: shapes.Document) -> Need:
    return Need(told["kind"], told["process"], told["timeperiod"], shapes.moment(told["since"]), told["text"], told["look"])


def _late(told: shapes.Document) -> Late:
    cause = told["cause"]
    why = Blocker(cause["kind"], cause["text"], cause["process"], cause["timeperiod"], None, cause["look"]) if cause else None
    return Late(told["process"], told["count"], told["timeperiod"], shapes.surely(told["since"]), why)


def _box(box: Any, told: Any) -> BoxRow:
    children = tuple(
        BoxChild(each["name"], each["pid"], 0.0, each["cpu"], each["memory_bytes"], each["deaths"], each["is_crash_loop"], each["trouble"])
        for each in told["children"]
    )
    return BoxRow(
        told["box"], told["process"], told["is_on"], told["instances"], told["placed"], box["supervisor"] is not None,
        shapes.moment(told["told_at"]), children, told["who"], told["why"], shapes.moment(told["given_at"]),
    )  # fmt: skip

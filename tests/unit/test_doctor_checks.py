"""Does the doctor call wrong what is wrong, and nothing else? Every check on facts, none of them looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from db.facts import StoreFacts
from db.model import Session
from db.model_boxes import BoxChild
from launcher import doctor_checks
from launcher.boxes import BoxRow
from launcher.doctor_checks import CHECKS
from launcher.doctor_seen import DiskSeen, FileSeen, Gravity, MxSeen, Seen, SkewSeen
from launcher.query import GONE, RUNS, STRANGER, Found
from mq.broker import BrokerFacts
from scheduler.health import Health
from settings import Settings
from tests.support.builders import NOW

SCHEDULER = Session("s-1", "scheduler", "box-1", 7, 1.0, NOW, facts={"context": "abc"})
WORKER = Session("w-1", "worker", "box-1", 8, 1.0, NOW)
LED = Health("s-1", 12, 0.4, [SCHEDULER, WORKER])
CHILD = BoxChild("worker.1", 8)
ROW = BoxRow("box-1", "worker", is_on=True, instances=1, placed=1, has_supervisor=True, told_at=NOW, children=(CHILD,),
             who="", why="", given_at=None)  # fmt: skip
SUPERVISOR = Found("supervisor", "", 7, RUNS, 1.0, 1.0, 1)
STORE = StoreFacts("SQLite 3.45.1", 2, 2)
DISK = DiskSeen(("var",), "/srv", 90_000_000_000, 1_000_000)


def well(**changed: Any) -> Seen:
    """Return what is seen of a deployment that is well, but for what is given."""
    seen = Seen(
        Settings(), python=(3, 12, 1), zones=590, disks=(DISK,), daemons=(SUPERVISOR,), registers="3 processes", store=STORE,
        health=LED, boxes=(ROW,), broker=BrokerFacts("RabbitMQ 4.0"), mx=MxSeen(left_s=9e6),
    )  # fmt: skip
    return replace(seen, **changed)


def found(seen: Seen) -> list[tuple[str, Gravity]]:
    """Return who found how grave a thing, notes left out."""
    every = [finding for check in CHECKS for finding in check(seen)]
    return [(finding.check, finding.gravity) for finding in every if finding.gravity is not Gravity.NOTE]


def session(**changed: Any) -> Session:
    return replace(SCHEDULER, **changed)


def health(*sessions: Session, leader: str = "s-1", age_s: float | None = 0.4) -> Health:
    return Health(leader, 12, age_s, [SCHEDULER, WORKER, *sessions])


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "an old Python": ("python", {"python": (3, 10, 9)}),
    "no data of time zones": ("zones", {"zones": 1}),
    "a folder that can't be written": ("folders", {"var_fault": "var can't be written"}),
    "a secrets file for all": ("modes", {"secrets_fault": "others may read it"}),
    "a context that others may write": ("modes", {"files": (FileSeen("/srv/context.py", "the context", 0o024, 0o022),)}),
    "a file that others may read": ("modes", {"files": (FileSeen("/etc/env", "the environment", 0o040, 0o077),)}),
    "a key of root's that not only its group may read": ("modes", {"files": (FileSeen("/etc/box.key", "our key", 0o044, 0o037),)}),
    "a full disk": ("disks", {"disks": (replace(DISK, free_bytes=1_000_000),)}),
    "a disk that takes no more files": ("disks", {"disks": (replace(DISK, free_files=3),)}),
    "a context with faults": ("context", {"context_fault": "two processes of one name"}),
    "a context that needs a yes": ("context", {"unapplied": ("sales_daily",)}),
    "no store": ("store", {"is_store_begun": False, "store": None}),
    "a store of an older version": ("store", {"store": replace(STORE, schema=1)}),
    "a store that was never prepared": ("store", {"store": replace(STORE, schema=0)}),
    "a store of a newer version": ("store", {"store": replace(STORE, schema=3)}),
    "a server that is too old": ("store", {"store": replace(STORE, unsupported="use a newer one")}),
    "a missing index": ("store", {"store": replace(STORE, missing=("index job_active",))}),
    "a store that is half moved": ("store", {"half_moved_from": "sqlite:///a.db"}),
    "a clock that is an hour off": ("clock", {"skew": SkewSeen(-3600.0, 0.1)}),
    "a broker that is too old": ("broker", {"broker": BrokerFacts("RabbitMQ 3.6", unsupported="use a newer one")}),
    "a missing table of the queue": ("broker", {"broker": BrokerFacts("x", missing=("table message",))}),
    "a queue that is missing": ("broker", {"broker": BrokerFacts("x", undeclared=("queue_a",))}),
    "a queue that was made otherwise": ("broker", {"broker": BrokerFacts("x", differing={"queue_a": "not durable"})}),
    "no leader": ("leader", {"health": health(leader="")}),
    "a leader whose turns fail": ("leader", {"health": health(age_s=900.0)}),
    "schedulers of two contexts": ("leader", {"health": health(session(id="s-2", box="box-2", facts={"context": "def"}))}),
    "a context that is refused": ("leader", {"health": health(session(id="s-2", facts={"refused": "it changes\nmuch"}))}),
    "no worker": ("workers", {"health": Health("s-1", 12, 0.4, [SCHEDULER])}),
    "a box without a supervisor": ("boxes", {"boxes": (ROW, replace(ROW, box="box-2", has_supervisor=False))}),
    "a crash loop": ("boxes", {"boxes": (replace(ROW, children=(replace(CHILD, trouble="worker.1 has died"),)),)}),
    "a key that others may read": ("mx", {"mx": MxSeen(fault="key.pem may be read by others")}),
    "a certificate that has ended": ("mx", {"mx": MxSeen(left_s=-5.0)}),
}
WARNINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "a Python that was not tried": ("python", {"python": (3, 19, 0)}),
    "a disk that fills up": ("disks", {"disks": (replace(DISK, free_bytes=1_500_000_000),)}),
    "a clock that is some seconds off": ("clock", {"skew": SkewSeen(4.0, 0.1)}),
    "dead letters": ("broker", {"broker": BrokerFacts("x", dead={"queue_a": 2})}),
    "a broker's certificate that ends soon": ("broker", {"broker_left_s": {"the broker's certificate": 86_400.0}}),
    "a stale pid file": ("daemons", {"daemons": (SUPERVISOR, Found("worker.1", "supervisor", 9, STRANGER, 0, 0, 0))}),
    "a certificate that ends soon": ("mx", {"mx": MxSeen(left_s=86_400.0)}),
    "a dashboard that nobody can get into": ("mx", {"mx": MxSeen(is_locked=True)}),
    "passwords in clear text": ("mx", {"mx": MxSeen(plain="passwords cross the network: use TLS")}),
    "a stale pid file of before the machine's start": ("daemons", {"daemons": (replace(SUPERVISOR, state=GONE),)}),
}


def test_nothing_is_wrong_with_what_is_well() -> None:
    assert found(well()) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_by_one_check(name: str) -> None:
    check, changed = WRONG[name]
    assert found(well(**changed)) == [(check, Gravity.WRONG)]


@pytest.mark.parametrize("name", WARNINGS)
def test_what_may_become_wrong_is_a_warning(name: str) -> None:
    check, changed = WARNINGS[name]
    assert found(well(**changed)) == [(check, Gravity.WARNING)]


@pytest.mark.parametrize("changed", [changed for _, changed in (*WRONG.values(), *WARNINGS.values())])
def test_every_finding_says_what_to_do(changed: dict[str, Any]) -> None:
    every = [finding for check in CHECKS for finding in check(well(**changed)) if finding.gravity is not Gravity.NOTE]
    assert all(finding.text and finding.fix for finding in every)


def test_every_check_has_found_something() -> None:
    assert {check for check, _ in (*WRONG.values(), *WARNINGS.values())} == {check.__name__ for check in CHECKS}


@pytest.mark.parametrize("process", ["scheduler", "worker"])
def test_who_was_switched_off_is_not_helped_by_starting_the_box(process: str) -> None:
    off = replace(ROW, process=process, is_on=False, who="ann", why="new disk", given_at=NOW)
    nobody = Health("", 12, None, []) if process == "scheduler" else Health("s-1", 12, 0.4, [SCHEDULER])
    for boxes, fix in (((off,), f"`launch.py super --start {process} --box box-1`: {process} is off on box-1"),
                       ((replace(off, has_supervisor=False),), "`launch.py start`")):  # fmt: skip
        every = [finding for check in CHECKS for finding in check(well(health=nobody, boxes=boxes))]
        (finding,) = [each for each in every if each.text.startswith(f"no {process} ")]
        assert finding.fix.startswith(fix)


@pytest.mark.parametrize(
    ("process", "other", "by"), [("scheduler", "worker", "scheduler_boxes"), ("worker", "scheduler", "present_on_boxes")]
)
def test_what_belongs_on_no_box_that_is_there_is_not_helped_by_starting_it(process: str, other: str, by: str) -> None:
    nobody = Health("", 12, None, []) if process == "scheduler" else Health("s-1", 12, 0.4, [SCHEDULER])
    seen = well(health=nobody, boxes=(replace(ROW, process=other), replace(ROW, box="box-2", process=process, has_supervisor=False)))
    (finding,) = [each for check in CHECKS for each in check(seen) if each.text.startswith(f"no {process} ")]
    assert finding.fix.startswith("none belongs on the boxes that are there, box-1: ")
    assert by in finding.fix


def test_two_machines_of_one_name_are_told() -> None:
    twins = [session(id=f"p-{pid}", kind="supervisor", pid=pid) for pid in (7, 8)]
    (finding,) = [each for each in doctor_checks.boxes(well(health=health(*twins))) if each.gravity is Gravity.WRONG]
    assert finding.text.startswith("2 supervisors call themselves box-1: ")
    assert "HORARIUM_BOX" in finding.fix
    assert found(well(health=health(twins[0], session(id="p-9", kind="supervisor", box="box-2", pid=9)))) == []


def test_a_supervisor_that_was_before_a_restart_of_its_machine_is_no_second_one() -> None:
    beats = {"p-7": NOW, "p-8": NOW + timedelta(seconds=30)}
    both = [session(id=name, kind="supervisor", facts={"beat_at": at.isoformat()}) for name, at in beats.items()]
    assert found(well(health=health(*both))) == []


def test_a_full_disk_is_not_to_be_emptied_by_writing_an_archive_there() -> None:
    disk = replace(DISK, names=("var", "archive"), path="/srv/our var", free_bytes=1)
    (finding,) = doctor_checks.disks(well(disks=(disk,)))
    assert "`du -xh '/srv/our var' | sort -h | tail`" in finding.fix
    assert "old files of the archive may be moved away" in finding.fix
    assert "launch.py" not in finding.fix  # the store is elsewhere
    (finding,) = doctor_checks.disks(well(disks=(replace(disk, names=("store",), free_bytes=1_500_000_000),)))
    assert "`launch.py db --sizes`" in finding.fix
    assert "archive" not in finding.fix


def test_dead_letters_come_with_the_command_that_settles_them() -> None:
    *_, finding = doctor_checks.broker(well(broker=BrokerFacts("x", dead={"q": 1})))
    assert "`launch.py queue dead`" in finding.fix


def test_the_doubt_of_asking_is_no_skew() -> None:
    assert found(well(skew=SkewSeen(4.0, 3.0))) == []


def test_a_skew_is_said_to_move_triggers_and_no_leases() -> None:
    (finding,) = doctor_checks.clock(well(skew=SkewSeen(-90.0, 0.1)))
    assert finding.text.startswith("this box's clock is 90.0 s ahead of the store's")
    assert "triggers fire by it; leases don't" in finding.fix


def test_queues_are_not_missed_where_nobody_has_led_yet() -> None:
    seen = well(broker=BrokerFacts("x", undeclared=("queue_a",)), health=health(leader=""))
    assert found(seen) == [("leader", Gravity.WRONG)]


def test_commands_that_wait_for_a_leader_are_said() -> None:
    assert ("commands", Gravity.WARNING) in found(well(waiting_commands=2, health=health(leader="")))


def test_processes_without_their_supervisor_are_said() -> None:
    rows = (replace(SUPERVISOR, pid=0, state="does not run"), Found("scheduler", "supervisor", 9, RUNS, 1, 1, 1))
    assert found(well(daemons=rows)) == [("daemons", Gravity.WARNING)]


@pytest.mark.parametrize("row", [replace(ROW, placed=0), replace(ROW, is_on=False)])
def test_a_box_that_keeps_nothing_needs_no_supervisor(row: BoxRow) -> None:
    assert found(well(boxes=(replace(row, has_supervisor=False),))) == []


def test_no_password_of_a_url_is_shown() -> None:
    settings = replace(Settings(), store_url="mongodb://ann:geheim@db/x", broker_url="amqp://ann:geheim@mq")
    assert "geheim" not in str([finding for check in CHECKS for finding in check(well(settings=settings))])

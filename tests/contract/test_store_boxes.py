"""Do operators' wishes and supervisors' reports come back as they were written, each without touching the other?"""

from __future__ import annotations

from db.model_boxes import BoxChild, BoxReport, BoxWish
from db.store import Store
from tests.support.builders import NOW
from tests.support.stores import race

WISH = BoxWish("box-1", "worker", is_on=False, instances=3, who="ann", why="naïve ☕ \" ' \\ % $set", given_at=NOW)
CHILD = BoxChild("worker.1", 4711, 1234.56, 0.25, 3_000_000_000, 2, is_crash_loop=True, trouble="worker.1 died 5 times")
REPORT = BoxReport("box-1", "worker", 2, NOW, "box-1-supervisor-1-a", (CHILD, BoxChild("worker.2")))


def test_an_empty_store_knows_of_no_box(store: Store) -> None:
    assert (store.box_wishes(), store.box_reports()) == ([], [])


def test_wishes_and_reports_come_back_as_they_were_written(store: Store) -> None:
    store.put_box_wishes([WISH])
    store.put_box_reports([REPORT])
    assert (store.box_wishes(), store.box_reports()) == ([WISH], [REPORT])


def test_they_come_by_box_then_process(store: Store) -> None:
    keys = [("b", "worker"), ("a", "worker"), ("b", "poller"), ("a", "scheduler")]
    store.put_box_wishes([BoxWish(box, process) for box, process in keys])
    store.put_box_reports([BoxReport(box, process, 1, NOW) for box, process in keys])
    assert [(w.box, w.process) for w in store.box_wishes()] == sorted(keys)
    assert [(r.box, r.process) for r in store.box_reports()] == sorted(keys)


def test_a_wish_replaces_the_one_before_and_leaves_the_report(store: Store) -> None:
    store.put_box_wishes([WISH])
    store.put_box_reports([REPORT])
    store.put_box_wishes([BoxWish("box-1", "worker"), BoxWish("box-1", "scheduler", is_on=False)])
    assert store.box_wishes() == [BoxWish("box-1", "scheduler", is_on=False), BoxWish("box-1", "worker")]
    assert store.box_reports() == [REPORT]


def test_a_report_replaces_the_one_before_and_leaves_the_wish(store: Store) -> None:
    store.put_box_wishes([WISH])
    for instances in (1, 2, 3):
        store.put_box_reports([BoxReport("box-1", "worker", instances, NOW)])
    assert (store.box_wishes(), store.box_reports()) == ([WISH], [BoxReport("box-1", "worker", 3, NOW)])


def test_what_is_dropped_is_gone_and_the_rest_stays(store: Store) -> None:
    others = [BoxWish("box-1", "poller"), BoxWish("box-2", "worker")]
    store.put_box_wishes([WISH, *others])
    store.put_box_reports([REPORT])
    store.drop_box("box-1", ["worker", "unknown"])
    store.drop_box("box-1", [])
    assert (store.box_wishes(), store.box_reports()) == (others, [])


def test_empty_batches_of_boxes_are_fine(store: Store) -> None:
    store.put_box_wishes([])
    store.put_box_reports([])
    assert store.box_wishes() == []


def test_operators_and_supervisors_write_at_once_and_nothing_is_lost(store: Store) -> None:
    def work(number: int) -> None:
        name = f"process-{number // 2}"
        if number % 2:
            store.put_box_wishes([BoxWish("box-1", name, is_on=False)])
        else:
            store.put_box_reports([BoxReport("box-1", name, 1, NOW)])

    race(8, work)
    assert [w.is_on for w in store.box_wishes()] == [False] * 4
    assert len(store.box_reports()) == 4

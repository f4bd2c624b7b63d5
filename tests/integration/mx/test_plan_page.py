"""Is a plan shown before a command is given, is a reason asked for, and does its progress tell what has come of it?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from db.model import Command
from mx.models.plans import Given
from mx.security.roles import Role
from system.errors import NotFound, Refused, Unavailable
from system.lifecycle import UowEvent
from tests.support.lamp import hours
from tests.support.mx_lamp import LitDesk, lit_desk

HOURS = "flights_hourly"


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[LitDesk]:
    with lit_desk(tmp_path, days=2, max_attempts=1, on_failure="hold") as lit:
        yield lit


@pytest.fixture
def done(lit: LitDesk) -> LitDesk:
    """A desk where two days are finished."""
    lit.lamp.run()
    return lit


def confirm(lit: LitDesk, page: TestResponse, reason: str = "late data", role: Role = Role.ADMIN) -> TestResponse:
    """Send the form of a plan's page."""
    form = page.text[page.text.index('action="/commands"') :]
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form)
    data = {name: [value for key, value in fields if key == name] for name, _ in fields} | {"reason": [reason]}
    return lit.client(role).post("/commands", data=data)


def test_a_plan_lists_all_that_would_run_and_how_long_that_takes(done: LitDesk) -> None:
    plan = done.desk.what_if("reprocess", [HOURS], "2013010104")
    assert [(g.process, g.count, g.is_named, g.runs) for g in plan.groups] == [(HOURS, 1, True, True), ("flights_daily", 1, False, True)]
    assert (plan.total, plan.is_possible, plan.slots, plan.expected_s) == (2, True, 2, 0.0)


def test_thousands_are_folded_into_ranges(done: LitDesk) -> None:
    plan = done.desk.what_if("reprocess", [HOURS], "2013")
    first = plan.groups[0]
    assert [(span.first, span.last, span.count) for span in first.spans] == [("2013010100", "2013010223", 48)]
    assert plan.total == 50


def test_a_place_means_what_lies_in_it_for_each_process(done: LitDesk) -> None:
    plan = done.desk.what_if("reprocess", ["flights_daily", HOURS], "20130102")
    assert [(part.process, part.timeperiod, part.until, part.steps, part.is_given) for part in plan.parts] == [
        (HOURS, "2013010200", "2013010300", 25, True),
        ("flights_daily", "2013010200", "", 1, False),  # the first part does it all
    ]


def test_what_was_selected_through_a_last_one_leads_to_the_first_that_is_left_out(done: LitDesk) -> None:
    answer = done.client().get(f"/plan?verb=hold&process={HOURS}&timeperiod=20130101&to=20130102")
    assert (answer.status_code, answer.location) == (303, f"/plan?verb=hold&process={HOURS}&timeperiod=20130101&until=20130103")


def test_a_plan_is_confirmed_with_a_reason_and_runs_to_its_end(done: LitDesk) -> None:
    page = done.client().get(f"/plan?verb=reprocess&process={HOURS}&timeperiod=2013010104")
    answer = confirm(done, page)
    assert (answer.status_code, answer.location) == (303, "/commands/1")
    assert "The next turn carries it out" in done.client().get("/commands/1").text
    done.lamp.sweep()
    found = done.desk.progress(1)
    assert (found.command.who, found.command.why, found.command.state, found.total) == ("local", "late data", "done", 2)
    assert (found.counts, found.not_begun, found.is_over) == ({"requested": 1, "waiting": 1}, 2, False)
    (uow,) = done.lamp.claim(f"{HOURS}/2013010104/2/1")
    assert [(line.timeperiod, line.phase) for line in done.desk.progress(1).lines] == [("2013010104", "running"), ("2013010100", "waiting")]
    done.lamp.finish(uow)
    done.lamp.run()
    found = done.desk.progress(1)
    assert (found.counts, found.not_begun, found.is_over, found.lines) == ({"finished": 2}, 0, True, ())
    assert "2 of 2 finished" in done.client().get("/commands/1", headers={"X-Fragment": "1"}).text


def test_several_processes_are_one_undertaking(lit: LitDesk) -> None:
    given = lit.desk.give("hold", ["flights_daily", HOURS], "20130101", "ann", "look first", until="20130103", token="t1")
    assert given.numbers == (1, 2)
    again = lit.desk.give("hold", ["flights_daily", HOURS], "20130101", "ann", "look first", until="20130103", token="t1")
    assert again == given
    lit.lamp.sweep()
    found = lit.desk.progress(2)
    assert [line.number for line in found.together] == [1, 2]
    assert (found.command.number, found.total, found.counts["held"], found.is_over) == (2, 50, 50, True)


def going_away(lit: LitDesk, after: int) -> Callable[[Command], int]:
    """Let the desk tell so many commands; then the store is away."""
    tell, told = lit.desk.parts.desk.tell, list[Command]()

    def telling(command: Command) -> int:
        if len(told) == after:
            raise Unavailable("the store is away")
        told.append(command)
        return tell(command)

    return telling


def test_a_form_that_was_cut_off_is_sent_again_and_gives_what_is_missing(lit: LitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    def give() -> Given:
        return lit.desk.give("hold", ["flights_daily", HOURS], "20130101", "ann", "look first", until="20130103", token="t1")

    with monkeypatch.context() as patch:
        patch.setattr(lit.desk.asker.ask(lambda: lit.desk.parts.desk), "tell", lit.desk.asker.ask(lambda: going_away(lit, 1)))
        with pytest.raises(Unavailable):
            give()
    assert give().numbers == (1, 2)
    assert {line.process for line in lit.desk.commands().lines} == {HOURS, "flights_daily"}
    assert give().numbers == (1, 2)


def test_what_a_part_does_for_another_is_not_given_when_the_form_comes_again(done: LitDesk) -> None:
    def give() -> Given:
        return done.desk.give("reprocess", ["flights_daily", HOURS], "20130102", "ann", "late data", token="t1")

    assert give().numbers == (1,)
    done.lamp.run()
    assert give().numbers == (1,)
    assert len(done.desk.commands().lines) == 1


def test_what_is_left_is_given_once_though_nothing_is_left_then(done: LitDesk) -> None:
    done.desk.give("reprocess", [HOURS, "flights_daily"], "20130101", "ann", "why not", token="t1")
    done.lamp.sweep()
    whole = done.desk.give_left(1, "skip", "ann", "enough", token="t2")
    done.lamp.sweep()
    assert done.desk.give_left(1, "skip", "ann", "enough", token="t2") == whole


def test_what_is_left_is_given_to_its_end_though_it_has_shrunk(done: LitDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    done.desk.give("reprocess", [HOURS], "20130101", "ann", "why not", token="t1")
    done.lamp.sweep()
    done.lamp.claim(f"{HOURS}/2013010110/2/1")  # what is left lies on both sides of it
    with monkeypatch.context() as patch:
        patch.setattr(done.desk.asker.ask(lambda: done.desk.parts.desk), "tell", done.desk.asker.ask(lambda: going_away(done, 1)))
        with pytest.raises(Unavailable):
            done.desk.give_left(1, "skip", "ann", "enough", token="t2")
    done.lamp.sweep()
    assert done.desk.give_left(1, "skip", "ann", "enough", token="t2").numbers == (2, 3)
    done.lamp.sweep()
    assert done.desk.give_left(1, "skip", "ann", "enough", token="t2").numbers == (2, 3)
    assert done.desk.progress(1).counts["finished"] == 23


def test_what_has_not_begun_can_be_given_up(done: LitDesk) -> None:
    done.desk.give("reprocess", [HOURS], "20130101", "ann", "why not", token="t1")
    done.lamp.sweep()
    done.lamp.claim(f"{HOURS}/2013010100/2/1")
    plan = done.desk.what_is_left(1, "skip")
    # The day is left out: to skip it would end the hour that runs.
    assert [(part.process, part.timeperiod, part.until) for part in plan.parts] == [(HOURS, "2013010101", "2013010200")]
    answer = confirm(done, done.client().get("/plan?verb=skip&of=1"))
    done.lamp.sweep()
    assert done.desk.progress(int(answer.location.rpartition("/")[2])).counts["finished"] == 23
    assert [(line.timeperiod, line.phase) for line in done.desk.progress(1).lines] == [("2013010100", "running"), ("2013010100", "waiting")]
    with pytest.raises(Refused, match="nothing of it is left"):
        done.desk.what_is_left(1, "skip")


def test_a_cancel_is_planned_and_stays_open_until_it_has_ended(lit: LitDesk) -> None:
    lit.lamp.turn()
    (uow,) = lit.lamp.claim(*hours(1))
    plan = lit.desk.what_if("cancel", [HOURS], "2013010100")
    assert (plan.counts, plan.running_total) == ({"to be ended and skipped": 1}, 1)
    number = lit.desk.give("cancel", [HOURS], "2013010100", "ann", "wrong data").number
    lit.lamp.sweep()
    assert lit.desk.progress(number).command.state == "open"
    assert lit.desk.what_if("cancel", [HOURS], "2013010100").parts[0].refusal == "what it runs is being ended already"
    lit.lamp.finish(uow, UowEvent.CANCELED)
    lit.lamp.sweep()
    assert lit.desk.progress(number).command.answer == f"canceled {uow.id}"


def test_what_can_not_be_done_is_said_and_not_stored(done: LitDesk) -> None:
    page = done.client().get(f"/plan?verb=skip&process={HOURS}&timeperiod=2013010104").text
    assert "it is finished; what is done can only be reprocessed" in page
    assert 'action="/commands"' not in page
    with pytest.raises(Refused, match="nothing to skip"):
        done.desk.give("skip", [HOURS], "2013010104", "ann", "why not")
    with pytest.raises(NotFound):
        done.desk.what_if("skip", ["flights_weekly"], "2013010104")
    assert done.desk.commands().lines == ()


def test_without_a_reason_nothing_is_given(done: LitDesk) -> None:
    page = done.client().get(f"/plan?verb=reprocess&process={HOURS}&timeperiod=2013010104")
    assert confirm(done, page, "  ").status_code == 400
    with pytest.raises(Refused):
        done.desk.give("reprocess", [HOURS], "2013010104", "ann", " ")
    assert done.desk.commands().lines == ()


def test_a_viewer_sees_the_plan_and_no_button(done: LitDesk) -> None:
    page = done.client(Role.VIEWER).get(f"/plan?verb=reprocess&process={HOURS}&timeperiod=2013010104").text
    assert "What it touches" in page
    assert '<form method="post"' not in page.replace(' class="card confirm"', "")


def test_a_plan_without_a_question_asks_for_one(lit: LitDesk) -> None:
    assert "What would a command touch?" in lit.client().get("/plan").text


def test_a_reason_is_shown_as_text(done: LitDesk) -> None:
    confirm(done, done.client().get(f"/plan?verb=reprocess&process={HOURS}&timeperiod=2013010104"), "<script>x</script>")
    for path in ("/commands", "/commands/1"):
        page = done.client().get(path).text
        assert "<script>x" not in page
        assert "&lt;script&gt;x" in page

"""Does the audit log show who did what, newest first, by pages and by filters?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from system.errors import NotFound
from tests.support.builders import NOW, command
from tests.support.mx_lamp import LitDesk, lit_desk


@pytest.fixture
def lit(tmp_path: Path) -> Iterator[LitDesk]:
    """A desk whose store holds sixty commands of two people; no scheduler has seen them."""
    with lit_desk(tmp_path) as lit:
        for number in range(60):
            verb = "hold" if number % 3 else "skip"
            lit.lamp.store.add_command(command(verb, who="ann" if number % 2 else "bob", why=f"no. {number + 1}", given_at=NOW))
        yield lit


def test_the_newest_come_first_and_pages_go_on_where_the_last_one_ended(lit: LitDesk) -> None:
    first = lit.desk.commands()
    assert ([line.number for line in first.lines][:2], len(first.lines), first.next) == ([60, 59], 50, 11)
    rest = lit.desk.commands(before=first.next)
    assert ([line.number for line in rest.lines], rest.next) == ([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0)


def test_filters_hold_together(lit: LitDesk) -> None:
    found = lit.desk.commands(who="ann", verb="skip", limit=4)
    assert [(line.number, line.who, line.verb) for line in found.lines] == [(n, "ann", "skip") for n in (58, 52, 46, 40)]
    assert [line.number for line in lit.desk.commands(who="ann", verb="skip", before=found.next, limit=4).lines] == [34, 28, 22, 16]
    assert lit.desk.commands(state="done").lines == ()


def test_the_page_keeps_its_filters_while_it_turns(lit: LitDesk) -> None:
    page = lit.client().get("/commands?state=open").text
    assert 'href="?before=11&amp;who=&amp;verb=&amp;process=&amp;state=open"' in page
    assert page.count("no. ") > 50


def test_an_empty_log_says_what_it_is_for(tmp_path: Path) -> None:
    with lit_desk(tmp_path) as lit:
        assert "Nobody has given a command yet" in lit.client().get("/commands").text


def test_an_unknown_command_is_not_found(lit: LitDesk) -> None:
    with pytest.raises(NotFound):
        lit.desk.progress(61)
    assert lit.client().get("/commands/61").status_code == 404
    assert lit.client().get("/commands/99999999999999999999").status_code == 404


def test_commands_of_programs_that_keep_other_details_are_shown(lit: LitDesk) -> None:
    for details in ('{"frequency": "every 60"}', "[1]", "not JSON"):
        number = lit.lamp.store.add_command(command("frequency", timeperiod="", details=details))
        assert lit.client().get(f"/commands/{number}").status_code == 200

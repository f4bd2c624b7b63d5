"""Does the one-time link make an admin, does an admin let a viewer in, and is the viewer refused what viewers may not?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.support.browser import Visitor
from tests.support.looks import assert_fit
from tests.support.tour import Tour, second_dashboard
from tests.support.waiting import wait_until

PASSWORD = "four words and a comma"


@dataclass
class Guarded:
    """A dashboard that asks for a login, and the link that is good once."""

    site: str
    link: str


@pytest.fixture(scope="module")
def guarded(tour: Tour, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A second dashboard over the same deployment."""
    folder = tmp_path_factory.mktemp("guarded")
    with second_dashboard(tour, folder, {"HORARIUM_MX_LOGIN": "always"}) as site:
        file = folder / "run" / "mx.link"
        wait_until(file.exists, within_s=20, what="a link to make the first admin")
        yield Guarded(site, "/welcome/" + file.read_text().strip().rpartition("/welcome/")[2])


def set_password(visitor: Visitor, path: str, name: str = "") -> None:
    """Use a link that leads to choosing a password."""
    visitor.go(path)
    if name:
        visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.page.get_by_label("The same once more").fill(PASSWORD)


def test_people_come_in_as_they_should_and_no_further(guarded: Guarded, visit: Visit) -> None:
    admin, viewer = visit(guarded.site), visit(guarded.site)
    admin.go("/timetable")
    expect(admin.page).to_have_url(guarded.site + "/login?next=%2Ftimetable")
    assert_fit(admin, "login")

    set_password(admin, guarded.link, "root")
    assert_fit(admin, "welcome")
    admin.page.get_by_role("button", name="Make the account and log in").click()
    expect(admin.page.get_by_text("root admin")).to_be_visible()

    admin.go("/users")
    admin.page.get_by_label("Name", exact=True).fill("vera")
    admin.page.get_by_role("button", name="Make account").click()
    link = admin.page.locator(".once").inner_text()
    expect(admin.page.get_by_role("row", name="root").first).not_to_contain_text("never")
    assert_fit(admin, "users")
    admin.go("/account")
    assert_fit(admin, "account")

    set_password(viewer, "/welcome/" + link.rpartition("/welcome/")[2])
    viewer.page.keyboard.press("Enter")
    expect(viewer.page.get_by_text("vera viewer")).to_be_visible()
    viewer.forgive(403)
    viewer.go("/plan?verb=reprocess&process=flights_hourly&timeperiod=2013010100")
    expect(viewer.page.get_by_text("your role is viewer")).to_be_visible()
    posted = "fetch('/commands', {method: 'POST', body: new URLSearchParams({verb: 'skip'})})"
    assert viewer.page.evaluate(f"() => {posted}.then(answer => answer.status)") == 403
    assert viewer.go("/users") == 403
    expect(viewer.page.get_by_text("ask an admin")).to_be_visible()
    assert_fit(viewer, "refused")


def test_a_wrong_password_is_told_as_such(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.site)
    visitor.forgive(401, 403)
    visitor.go("/login")
    visitor.page.keyboard.type("nobody")
    visitor.page.keyboard.press("Tab")
    visitor.page.keyboard.type(PASSWORD)
    visitor.page.keyboard.press("Enter")
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    assert_fit(visitor, "login-refused")


def test_the_link_is_good_once(guarded: Guarded, visit: Visit) -> None:
    visitor = visit(guarded.site)
    visitor.forgive(404, 403, 410)
    assert visitor.go("/welcome/" + "a" * 43) in (403, 404, 410)

"""Can somebody on call do what there is to do? From the year to an hour, why it waits, reprocess and watch, skip a range; by keys, too."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.support.tour import Tour

PATIENCE_MS = 30_000
BROKEN = "999 degrees <b>twice</b>"


def cell(page: Page, process: str, number: int) -> Locator:
    """Return the link in the heat map's cell of a process, by the number of its column."""
    return page.locator(f'#heatmap tr[data-process="{process}"] td a').nth(number)


def confirm(page: Page, why: str) -> None:
    """Say why, and give the command that a plan shows."""
    page.get_by_label("Why").fill(why)
    page.locator("form.confirm button.main").click()
    page.wait_for_url(re.compile(r"/commands/\d+$"))


def state(page: Page) -> Locator:
    """Return the states that stand on a job's page."""
    return page.locator(".badges")


def test_the_year_leads_to_one_hour(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    visitor.go("/timetable?at=2013")
    expect(page.locator("#heatmap")).to_contain_text("Dec")
    cell(page, "flights_hourly", 1).click()
    expect(page).to_have_url(re.compile("at=201302"))
    cell(page, "flights_hourly", 9).click()
    expect(page).to_have_url(re.compile("at=20130210"))
    cell(page, "flights_hourly", 5).click()
    expect(page).to_have_url(re.compile("/job/flights_hourly/2013021005$"))
    expect(state(page)).to_contain_text(re.compile("processed|noop"))


def test_an_hour_is_reprocessed_and_its_ancestors_run_before_ones_eyes(visit: Visit, tour: Tour) -> None:
    visitor, watcher = visit(), visit()
    page = visitor.page
    watcher.go("/job/flights_monthly/2013010000")
    expect(state(watcher.page)).to_contain_text("processed")
    with tour.slow(1.5):
        visitor.go("/job/flights_hourly/2013011512")
        page.get_by_role("link", name="Reprocess").click()
        expect(page.locator("table.plan")).to_contain_text("flights_monthly")
        expect(page.locator("table.plan")).to_contain_text("delays_daily")
        confirm(page, "late rows from LGA")
        expect(state(watcher.page)).to_contain_text(re.compile("embryo|in progress"), timeout=PATIENCE_MS)
        visitor.go("/job/flights_hourly/2013011512")
        expect(state(page)).to_contain_text("processed", timeout=PATIENCE_MS)
        expect(page.locator("main")).to_contain_text("late rows from LGA")
    expect(state(watcher.page)).to_contain_text("processed", timeout=PATIENCE_MS)
    expect(watcher.page.locator("dl.facts")).to_contain_text("reopened 1 time")
    for ancestor in ("flights_daily/2013011500", "flights_yearly/2013000000", "delays_daily/2013011500", "delays_monthly/2013010000"):
        visitor.go(f"/job/{ancestor}")
        expect(state(page)).to_contain_text("processed", timeout=PATIENCE_MS)


def test_an_hour_is_found_read_and_reprocessed_by_keys_alone(visit: Visit) -> None:
    visitor = visit()
    page, press = visitor.page, visitor.page.keyboard.press
    visitor.go("/")
    press("g")
    press("1")
    expect(page).to_have_url(re.compile("/timetable"))
    for number, leads_to in ((1, "at=201302$"), (9, "at=20130210$"), (5, "/job/flights_hourly/2013021005$")):
        cell(page, "flights_hourly", number).focus()
        press("Enter")
        expect(page).to_have_url(re.compile(leads_to))
    expect(page.get_by_role("region", name="Why")).to_contain_text("it is finished")
    page.get_by_role("link", name="Reprocess").focus()
    press("Enter")
    page.wait_for_url(re.compile("/plan"))
    page.get_by_label("Why").focus()
    page.keyboard.type("late rows, once more")
    press("Tab")
    press("Enter")
    page.wait_for_url(re.compile(r"/commands/\d+$"))
    expect(page.locator("main")).to_contain_text("done", timeout=PATIENCE_MS)


def test_why_a_day_waits_leads_to_the_hour_that_fails_and_what_it_said(visit: Visit, tour: Tour) -> None:
    visitor = visit()
    page = visitor.page
    with tour.broken("flights_hourly/2013022007"):
        visitor.go("/plan?verb=reprocess&process=flights_hourly&timeperiod=2013022007")
        confirm(page, "the station was mended")
        visitor.go("/job/flights_daily/2013022000")
        why = page.get_by_role("region", name="Why it is not running")
        expect(why).to_contain_text("2013022007", timeout=PATIENCE_MS)
        expect(why).to_contain_text("999 degrees", timeout=PATIENCE_MS)
        why.get_by_role("link", name=re.compile("2013022007")).first.click()
        expect(page).to_have_url(re.compile("/job/flights_hourly/2013022007$"))
        expect(state(page)).to_contain_text("failing")
        expect(page.locator("main")).to_contain_text(BROKEN)
        visitor.go("/")
        expect(page.locator("main")).to_contain_text("flights_hourly")
    visitor.go("/plan?verb=reprocess&process=flights_hourly&timeperiod=2013022007")
    confirm(page, "now it is")
    visitor.go("/job/flights_daily/2013022000")
    expect(state(page)).to_contain_text("processed", timeout=PATIENCE_MS)


def test_a_range_is_skipped_by_keys_alone(visit: Visit, tour: Tour) -> None:
    visitor = visit()
    page, press = visitor.page, visitor.page.keyboard.press
    with tour.broken(*(f"weather_hourly/20130305{hour:02}" for hour in (3, 4, 5))):
        by_keys(page, visitor.site, "Reprocess")
        visitor.go("/job/weather_hourly/2013030504")
        expect(state(page)).to_contain_text("failing", timeout=PATIENCE_MS)
        by_keys(page, visitor.site, "Skip")
    expect(page.locator("main")).to_contain_text("done", timeout=PATIENCE_MS)
    for hour in (3, 4, 5):
        visitor.go(f"/job/weather_hourly/20130305{hour:02}")
        expect(state(page)).to_contain_text("skipped", timeout=PATIENCE_MS)
    visitor.go("/job/weather_hourly/2013030506")
    expect(state(page)).to_contain_text(re.compile("processed|noop"))
    press("g")
    press("8")
    expect(page).to_have_url(re.compile("/commands$"))


def by_keys(page: Page, site: str, button: str) -> None:
    """Select hours 3 to 5 of the weather in the heat map, and go through plan and confirm, without a mouse."""
    page.goto(f"{site}/timetable?at=20130305&process=weather_hourly")
    page.keyboard.press("/")
    cell(page, "weather_hourly", 3).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_label("From")).to_have_value("2013030503")
    expect(page.get_by_label("Through (included)")).to_have_value("2013030505")
    page.get_by_role("button", name=button).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/plan"))
    page.get_by_label("Why").focus()
    page.keyboard.type("the station was down")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/commands/\d+$"))


def test_everything_can_be_done_without_a_script(visit: Visit) -> None:
    visitor = visit(script=False)
    page = visitor.page
    visitor.go("/timetable?at=20130310")
    page.get_by_label("Select weather_hourly").check()
    page.get_by_label("From").fill("2013031004")
    page.get_by_role("button", name="Reprocess").click()
    confirm(page, "no script is needed")
    expect(page.locator("main")).to_contain_text("no script is needed")

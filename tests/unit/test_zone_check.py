"""Is a zone refused that there is not, or whose days cut the hours of a tree in two, and said why?"""

from __future__ import annotations

from datetime import date

import pytest

from system import zone_check
from system.context import timetable_tree_entry
from system.context_check import check, shape
from system.errors import ConfigError
from system.timeperiod import HOURLY
from system.zone_check import first_off, shifts
from tests.support.contexts import managed

DAY = date(2024, 1, 1).toordinal()


def checked(zone: object, start: str = "2024010100", levels: tuple[str, ...] = ("hourly", "daily"), default: str = "2020010100") -> str:
    """Return the faults of a tree in a zone, empty where there is none."""
    processes = [managed(f"sales_{level}", f"_{level}", start=start) for level in levels]
    tree = timetable_tree_entry("sales", [p.name for p in processes], time_zone=zone)  # type: ignore[arg-type]
    try:
        check(processes, [tree], default_start=default)
    except ConfigError as error:
        return "\n".join(error.faults)
    return ""


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Caracas", "Pacific/Apia", "Asia/Singapore", "Etc/GMT+12"])
def test_a_zone_of_whole_hours_is_taken(zone: str) -> None:
    assert checked(zone) == ""


@pytest.mark.parametrize(
    ("zone", "fault"),
    [
        ("Europe/Berln", "'Europe/Berln' is no time zone: write its IANA name; did you mean Europe/Berlin"),
        ("localtime", "'localtime' is no time zone"),
        (2, "time_zone 2 is no text: write an IANA name, such as 'Europe/Berlin'"),
        (["UTC"], "time_zone ['UTC'] is no text"),
        ("Asia/Kolkata", "20240101"),
    ],
)
def test_any_other_is_refused_with_the_reason(zone: object, fault: str) -> None:
    assert checked(zone).startswith("tree 'sales': time_zone ")
    assert fault in checked(zone)


def test_the_fault_names_the_zone_a_day_and_what_to_do() -> None:
    assert checked("Asia/Kolkata") == (
        "tree 'sales': time_zone 'Asia/Kolkata' has days that begin between two hourly periods of 'sales_hourly': 2024010100 begins at "
        "2023-12-31 18:30:00Z; take 'sales_hourly' into a tree of its own, in UTC, or choose another zone"
    )
    assert checked("Asia/Pyongyang", start="2016010100").endswith("let 'sales_hourly' start after 2018050400, or choose another zone")
    assert checked("Asia/Pyongyang", start="2018050500") == ""


def test_what_counts_is_the_time_from_the_hours_start_on() -> None:
    assert "2010" in checked("America/Caracas", start="2010010100")
    assert checked("Asia/Singapore", start="", default="2020010100") == ""
    assert "1975010100" in checked("Asia/Singapore", start="", default="1975010100")


def test_half_an_hour_that_is_added_for_the_summer_only_is_found() -> None:
    # Lord Howe is 11 hours ahead in its summer, in which 2024 begins, and 10:30 in its winter.
    assert "2024040800 begins at 2024-04-07 13:30:00Z" in checked("Australia/Lord_Howe")


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"])
def test_without_hours_any_zone_will_do(zone: str) -> None:
    assert checked(zone, start="", levels=("daily", "monthly", "yearly")) == ""


def test_a_midnight_that_clocks_were_put_over_by_half_an_hour_is_found() -> None:
    # 23:30 became 00:30, between two offsets of whole hours.
    assert first_off("America/Toronto", HOURLY, date(1919, 1, 1).toordinal()) == date(1919, 3, 31).toordinal()


def test_days_are_moved_by_the_offsets_that_there_are_from_a_day_on() -> None:
    assert shifts("UTC", DAY) == (0, 0)
    assert shifts("Europe/Berlin", DAY) == (3_600, 7_200)
    assert shifts("Pacific/Apia", DAY) == (46_800, 46_800)
    assert shifts("Pacific/Apia", date(2011, 1, 1).toordinal()) == (-39_600, 50_400)


def test_the_zone_is_part_of_the_shape_of_days_and_an_absent_one_means_utc() -> None:
    processes, names = [managed("sales_hourly"), managed("sales_daily", "_daily")], ["sales_hourly", "sales_daily"]
    plain, berlin = (check(processes, [timetable_tree_entry("sales", names, time_zone=zone)]) for zone in ("UTC", "Europe/Berlin"))
    assert "time_zone" not in shape(processes[1], plain)
    assert '"time_zone": "Europe/Berlin"' in shape(processes[1], berlin)
    assert shape(processes[0], plain) == shape(processes[0], berlin)


def test_a_tree_in_utc_costs_no_start_a_look_at_all_zones(monkeypatch: pytest.MonkeyPatch) -> None:
    def named(*_: object) -> None:
        raise AssertionError("zones were looked at")

    for look in ("zone_names", "zone_named"):
        monkeypatch.setattr(zone_check, look, named)
    assert checked("UTC", start="1987010100") == ""

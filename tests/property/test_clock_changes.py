"""Does a cron fire exactly as often as it says, in every zone, over every change of clocks from 2000 to 2040?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from system.cron import Cron, parse_cron
from tests.support.clock_changes import MINUTE, ZONES, clock_changes, offset, owed, window_around

# By half an hour, two hours, a day; at midnight; winter time as the exception; changed and changed back within weeks; put back for good.
ODD = [
    "Australia/Lord_Howe", "Antarctica/Troll", "Antarctica/Casey", "Pacific/Apia", "America/Havana", "America/Sao_Paulo", "Asia/Beirut",
    "Europe/Dublin", "Africa/Casablanca", "Africa/Cairo", "Asia/Gaza", "America/Caracas", "Asia/Pyongyang", "Asia/Kathmandu", "UTC",
]  # fmt: skip
RESOLUTION = timedelta.resolution
A_DAY = datetime(2020, 2, 29, tzinfo=UTC)  # for zones that never change their clocks


def definitions(zone: ZoneInfo, change: datetime) -> Iterator[Cron]:
    """Yield crons whose times lie in, at the edges of and around the times that a change leaves out or repeats."""
    low, high = sorted((change + offset(zone, change), change + offset(zone, change - MINUTE)))
    for local in (low - MINUTE, low, low + (high - low) / 2, high - MINUTE, high):
        yield parse_cron(f"cron {local.minute} {local.hour} * * * in {zone.key}")
    middle = (low + (high - low) / 2).hour
    for fields in ("*/15 * * * *", "0 * * * *", "30 */2 * * *", f"*/20 {middle} * * *", f"10,40 {low.hour},{middle} * * *"):
        yield parse_cron(f"cron {fields} in {zone.key}")


def fault_of(cron: Cron, since: datetime, until: datetime) -> str:
    """Return how the fires of a cron differ from those that it owes, empty where they don't."""
    fires, now = [], since - RESOLUTION
    while (now := cron.next_fire(now)) < until:
        fires.append(now)
    if fires != owed(cron, since, until):
        return f"{cron.text}: {fires} are not {owed(cron, since, until)}"
    known = [cron.last_fire(since - RESOLUTION), *fires, now]
    for last, following in pairwise(known):
        for moment in (last, last + (following - last) / 2, following - RESOLUTION):
            if (cron.last_fire(moment), cron.next_fire(moment)) != (last, following):
                return f"{cron.text}: {moment} lies between {last} and {following}"
    return ""


def faults_of(zone: ZoneInfo, change: datetime) -> list[str]:
    since, until = window_around(zone, change)
    return [fault for cron in definitions(zone, change) if (fault := fault_of(cron, since, until))]


@pytest.mark.parametrize("name", ODD)
def test_fault_27_no_fire_is_lost_or_doubled_where_clocks_change_oddly(name: str) -> None:
    zone = ZoneInfo(name)
    changes = clock_changes(zone)[-8:] or (A_DAY,)
    assert [fault for change in changes for fault in faults_of(zone, change)] == []


@settings(max_examples=50)
@given(st.sampled_from(ZONES), st.integers(0, 200))
def test_fault_27_no_fire_is_lost_or_doubled_over_any_change_of_clocks(name: str, pick: int) -> None:
    zone = ZoneInfo(name)
    changes = clock_changes(zone) or (A_DAY,)
    assert faults_of(zone, changes[pick % len(changes)]) == []


@pytest.mark.long
def test_fault_27_no_fire_is_lost_or_doubled_in_any_zone_from_2000_to_2040() -> None:
    zones = [ZoneInfo(name) for name in ZONES]
    # Many zones share a change: the same instant, from the same offset to the same. One of them shows it for all.
    alike = {(change, offset(zone, change - MINUTE), offset(zone, change)): zone for zone in zones for change in clock_changes(zone)}
    assert [fault for (change, _, _), zone in alike.items() for fault in faults_of(zone, change)] == []
    assert len(alike) > 2_000

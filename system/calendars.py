"""When does a period open on the clocks of a time zone? Its days and all that is coarser; finer periods are those of UTC everywhere.

Ordinals and ids count dates, so they are the same in every zone; a zone moves instants only. A period opens at the first instant that
carries its first date, or a later one: clocks may be put over midnight, show it twice, or leave out a whole day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from system.errors import TimeperiodError
from system.timeperiod import DAILY, Qualifier, Timeperiod, start_of
from system.timezones import showing, zone_named


@dataclass(frozen=True, slots=True)
class Calendar:
    """The periods of one time zone, by its IANA name. Instants are aware, and answered in UTC.

    Whatever takes an ordinal raises TimeperiodError outside the calendar, and TimezoneError where there is no such zone.
    """

    time_zone: str = "UTC"

    def moves(self, qualifier: Qualifier) -> bool:
        """Return whether periods of `qualifier` open elsewhere than those of UTC: days and coarser ones, in another zone."""
        return self.time_zone != "UTC" and qualifier.fineness <= DAILY.fineness

    def start(self, qualifier: Qualifier, ordinal: int) -> datetime:
        """Return when a period opens."""
        return _opening(self.time_zone, qualifier, ordinal) if self.moves(qualifier) else start_of(qualifier, ordinal)

    def end(self, qualifier: Qualifier, ordinal: int) -> datetime:
        """Return when a period has ended (excluded)."""
        return self.start(qualifier, ordinal + 1)

    def containing(self, qualifier: Qualifier, moment: datetime) -> int:
        """Return the ordinal of the period that contains `moment`. There is one for each moment, and it never falls as time goes by."""
        if not self.moves(qualifier):
            return qualifier.ordinal_of(moment if moment.tzinfo is UTC else moment.astimezone(UTC))
        ordinal = qualifier.ordinal_of(self.local(moment))
        while self.start(qualifier, ordinal + 1) <= moment:  # clocks may have been put back behind a midnight that they had shown
            ordinal += 1
        return ordinal

    def within(self, fine: Qualifier, ordinal: int, coarse: Qualifier) -> int:
        """Return the ordinal of the coarser (or equal) period that contains the start of a finer one."""
        if self.moves(coarse) and not self.moves(fine):
            return self.containing(coarse, start_of(fine, ordinal))
        return Timeperiod(fine, ordinal).within(coarse).ordinal

    def inside(self, coarse: Qualifier, ordinal: int, fine: Qualifier) -> range:
        """Return the ordinals of the finer (or equal) periods that begin inside a period; empty for a day that the zone leaves out."""
        if self.moves(coarse) and not self.moves(fine):
            return range(_from(fine, self.start(coarse, ordinal)), _from(fine, self.end(coarse, ordinal)))
        return Timeperiod(coarse, ordinal).inside(fine)

    def shown(self, qualifier: Qualifier, ordinal: int) -> datetime:
        """Return when a period opens, with the zone's offset from UTC just then; finer periods than days in UTC."""
        return self.local(self.start(qualifier, ordinal)) if self.moves(qualifier) else self.start(qualifier, ordinal)

    def local(self, moment: datetime) -> datetime:
        """Return `moment` as the zone's clocks show it."""
        zone = zone_named(self.time_zone)
        try:
            return moment.astimezone(zone)
        except (OverflowError, ValueError):
            raise TimeperiodError(f"{moment} in {self.time_zone} lies outside years 1 to 9999") from None

    def beside(self, own: Qualifier, other: Calendar, others: Qualifier) -> Calendar:
        """Return the calendar by which periods of `own` here and of `others` in the calendar `other` belong to each other.

        Dates belong to equal dates, whatever their zones: only where one of the two is finer than a day does the other one's zone count.
        """
        if self.moves(own) and not others.fineness <= DAILY.fineness:
            return self
        return other if other.moves(others) and not own.fineness <= DAILY.fineness else UTC_CALENDAR


UTC_CALENDAR = Calendar()


def opening(time_zone: str, qualifier: Qualifier, ordinal: int) -> datetime:
    """Return when a period of daily or coarser opens in a zone; see `Calendar.start`, which remembers."""
    try:
        return showing(zone_named(time_zone), start_of(qualifier, ordinal).replace(tzinfo=None))
    except OverflowError:
        raise TimeperiodError(f"{qualifier.noun} timeperiod number {ordinal} in {time_zone} begins outside years 1 to 9999") from None


_opening = lru_cache(maxsize=65_536)(opening)


def _from(fine: Qualifier, moment: datetime) -> int:
    """Return the first period that begins at or after `moment`."""
    ordinal = fine.ordinal_of(moment)
    return ordinal if start_of(fine, ordinal) >= moment else ordinal + 1

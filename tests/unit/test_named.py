"""Which period does a person mean who leaves the last zeros of its id out?"""

from __future__ import annotations

import pytest

from launcher import named
from tests.support.contexts import managed

STARTS = {"_hourly": "2013010100", "_daily": "2013010100", "_monthly": "2013010000", "_yearly": "2013000000"}


@pytest.mark.parametrize(
    ("qualifier", "text", "timeperiod"),
    [
        ("_hourly", "2013010407", "2013010407"), ("_daily", "20130104", "2013010400"), ("_daily", "2013010400", "2013010400"),
        ("_monthly", "201301", "2013010000"), ("_monthly", "201310", "2013100000"), ("_yearly", "2013", "2013000000"),
        ("_yearly", "2010", "2010000000"),
    ],
)  # fmt: skip
def test_an_id_is_completed_with_the_zeros_of_its_format(qualifier: str, text: str, timeperiod: str) -> None:
    process = managed("sales", qualifier, start=STARTS[qualifier])
    assert named.period(process, text) == timeperiod
    assert named.period_range(process, f"{text}..9998{timeperiod[4:]}") == (timeperiod, f"9998{timeperiod[4:]}")


@pytest.mark.parametrize(
    ("qualifier", "text"),
    [
        ("_hourly", "20130104"), ("_hourly", "201301040700"), ("_daily", "201301"), ("_daily", "2013010407"), ("_daily", "201301040"),
        ("_monthly", "20130104"), ("_monthly", "2013"), ("_yearly", "201301"), ("_yearly", "20"), ("_daily", "20130230"),
        ("_daily", "2013-1-4"),
        ("_daily", "2013010\u0664"), ("_daily", ""),
    ],
)  # fmt: skip
def test_what_is_too_fine_too_coarse_or_no_date_is_refused_with_the_format(qualifier: str, text: str) -> None:
    process = managed("sales", qualifier, start=STARTS[qualifier])
    with pytest.raises(named.BadName, match=f"the format is {process.qualifier.pattern}"):
        named.period(process, text)

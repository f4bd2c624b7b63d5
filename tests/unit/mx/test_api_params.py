"""Are values taken as the OpenAPI document says, and not a bit looser?"""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from mx.api.jobs import JobsQuery
from mx.api.params import Reasoned


@pytest.mark.parametrize(
    "given",
    [
        {"limit": "0"}, {"limit": "501"}, {"limit": "1.0"}, {"limit": "1_0"}, {"limit": " 5"}, {"limit": "٣"}, {"limit": ""},
        {"late": "yes"}, {"late": "1"}, {"late": ""}, {"since": "0"}, {"since": "2026-01-01"}, {"since": "2026-01-01T00:00:00"},
        {"since": "0001-01-01T00:00:00Z"}, {"since": "9999-12-31T23:59:59Z"}, {"since": "2026-02-30T00:00:00Z"}, {"state": "done"},
        {"process": ["a/b"]}, {"process": [""]}, {"order": ""}, {"unknown": "x"},
    ],
)  # fmt: skip
def test_what_is_not_said_to_be_taken_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JobsQuery.model_validate(given)


@pytest.mark.parametrize("since", ["2026-01-01T00:00:00Z", "2026-01-01 00:00:00.5+02:00", "2026-01-01t00:00z"])
def test_moments_are_taken_with_their_zone(since: str) -> None:
    found = JobsQuery.model_validate({"since": since, "late": "true", "limit": "7"})
    assert found.since is not None
    assert (found.since.tzinfo is not None, found.late, found.limit) == (True, True, 7)


@pytest.mark.parametrize("why", ["", " ", "\n", 7, None, "x" * 1_001])
def test_a_reason_is_a_text(why: object) -> None:
    with pytest.raises(ValidationError):
        Reasoned.model_validate({"why": why})

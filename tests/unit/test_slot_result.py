"""What does an odd end of a function or a command mean?"""

from __future__ import annotations

import pytest

from workers import guardian
from workers.slot import MOST_ROWS, result_of


def test_a_number_of_rows_that_no_store_can_hold_is_the_jobs_fault() -> None:
    assert result_of(MOST_ROWS).rows == 2**63 - 1
    with pytest.raises(ValueError, match="at most 9223372036854775807"):
        result_of(MOST_ROWS + 1)


@pytest.mark.parametrize(("code", "reason"), [(3, "exit code 3"), (-9, "killed by SIGKILL"), (-35, "killed by signal 35")])
def test_a_command_that_did_not_exit_with_0_failed_and_says_how(code: int, reason: str) -> None:
    found = guardian.result_of(code, None)
    assert (found.ending, found.reason) == ("failed", reason)

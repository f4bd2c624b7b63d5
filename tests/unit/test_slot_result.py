"""What does a function's return value mean to a slot, where the store could not hold it?"""

from __future__ import annotations

import pytest

from workers.slot import MOST_ROWS, result_of


def test_a_number_of_rows_that_no_store_can_hold_is_the_jobs_fault() -> None:
    assert result_of(MOST_ROWS).rows == 2**63 - 1
    with pytest.raises(ValueError, match="at most 9223372036854775807"):
        result_of(MOST_ROWS + 1)

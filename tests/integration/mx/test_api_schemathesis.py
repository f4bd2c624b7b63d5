"""Does every operation of the API do what its OpenAPI document says, whatever is sent? Schemathesis makes the requests up.

Of each operation, values that the document allows and values that it does not; the same in every run. What is not looked at is what the
document can't say: which processes, periods and commands there are, so an answer of 404 or 422 to a well formed request is good.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, settings
from schemathesis.config import SchemathesisConfig

from launcher.parts import Roof
from launcher.web.document import described
from tests.support.mx import app_over, web_desk
from tests.support.mx_worked import worked

pytestmark = pytest.mark.timeout(120)
CONTEXT = Path(__file__).parents[3] / "examples" / "flights" / "context.py"
EXAMPLES = 10
CONFIG = SchemathesisConfig.from_dict(
    {
        "generation": {"mode": "all", "deterministic": True, "database": "none"},
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", "404", "409", "422", "503"]},
            "negative_data_rejection": {"expected-statuses": ["400", "404", "405", "409", "413", "415", "422", "503"]},
            "ignored_auth": {"enabled": False},  # nobody logs in here; tests of the gate do
            "not_a_server_error": {"expected-statuses": ["2xx", "3xx", "4xx", "503"]},
        },
    }
)
schema = schemathesis.openapi.from_dict(described(Roof({"HORARIUM_SETTINGS": "none"})), config=CONFIG)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The API over a store in which something was done."""
    with web_desk(tmp_path_factory.mktemp("var"), CONTEXT) as desk:
        worked(desk)
        yield app_over(desk)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
def test_an_operation_keeps_its_word(case: schemathesis.Case[Any], app: Flask) -> None:
    assert case.call_and_validate(app=app).status_code != 500

"""Where do the tests find their servers, and what happens where there is none?"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.services import service_url, written_urls

NOTHING = {"SERVICES_HOME": "/nowhere"}


def test_the_environment_goes_before_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("AMQP_URL=amqp://written/\n")
    assert service_url("AMQP_URL", {"SERVICES_HOME": str(tmp_path)}) == "amqp://written/"
    assert service_url("AMQP_URL", {"SERVICES_HOME": str(tmp_path), "AMQP_URL": "amqp://said/"}) == "amqp://said/"


def test_a_url_may_hold_an_equals_sign(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("MONGODB_URL=mongodb://h/?replicaSet=a\nPOSTGRES_URL=\n")
    assert written_urls(tmp_path) == {"MONGODB_URL": "mongodb://h/?replicaSet=a"}


def test_a_missing_server_skips_its_test() -> None:
    with pytest.raises(pytest.skip.Exception, match=r"no AMQP_URL: `scripts/services.sh up`"):
        service_url("AMQP_URL", NOTHING)


def test_a_missing_server_fails_its_test_in_ci() -> None:
    with pytest.raises(pytest.fail.Exception, match="no AMQP_URL"):
        service_url("AMQP_URL", {**NOTHING, "CI": "true"})


def test_a_name_that_is_misspelt_is_neither_skipped_nor_found() -> None:
    with pytest.raises(AssertionError, match="MONGO_URL is none of"):
        service_url("MONGO_URL", NOTHING)

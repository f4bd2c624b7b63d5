"""Do the examples in the pages about the API do what they say? Every `curl` of them is asked, and the python runs over what answers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.support.mx import app_over, web_desk
from tests.support.mx_served import served
from tests.support.mx_worked import worked
from tests.support.sources import ROOT

CONTEXT = ROOT / "examples" / "flights" / "context.py"
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8642"
CURLS = [line for line in re.sub(r"\\\n\s*", "", PAGE).splitlines() if line.startswith("curl ")]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A client over a store in which a few hours were done."""
    with web_desk(tmp_path_factory.mktemp("var"), CONTEXT) as desk:
        worked(desk)
        yield app_over(desk).test_client()


@pytest.mark.parametrize("line", CURLS)
def test_a_request_of_the_page_is_answered(client: FlaskClient, line: str) -> None:
    argv = shlex.split(line)
    assert argv[:2] == ["curl", "-s"]
    method, data, headers, url = "GET", None, {}, ""
    words = iter(argv[2:])
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-d":
            data = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        else:
            url = word
    answer = client.open(url.removeprefix(ADDRESS), method=method, data=data, headers=headers)
    assert answer.status_code in (200, 202), answer.text


def test_the_page_has_examples() -> None:
    assert len(CURLS) >= 5


def test_the_python_of_the_page_reads_every_page(tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert found
    scope: dict[str, object] = {}
    exec(found[1], scope)
    pages = scope["pages"]
    assert callable(pages)
    with web_desk(tmp_path, CONTEXT) as desk, served(app_over(desk)) as url:
        rows = list(pages(f"{url}/api/v1/jobs?state=embryo&limit=100&process=flights_daily"))
    assert len(rows) == len({row["timeperiod"] for row in rows}) == 365

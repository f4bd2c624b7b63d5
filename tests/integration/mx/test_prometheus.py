"""Do Prometheus and its promtool take what `/metrics` says? Both are real."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from launcher.web.desk import WebDesk
from tests.services.machine import free_port
from tests.support.mx import app_over, web_desk
from tests.support.mx_served import HOST, served
from tests.support.mx_worked import worked
from tests.support.services import service_url
from tests.support.waiting import wait_until

pytestmark = pytest.mark.service
CONTEXT = Path(__file__).parents[3] / "examples" / "flights" / "context.py"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[WebDesk]:
    """A desk over a store in which something was done."""
    with web_desk(tmp_path / "var", CONTEXT) as desk:
        desk.measures()
        worked(desk)
        yield desk


def test_promtool_finds_nothing_to_complain_of(desk: WebDesk) -> None:
    promtool = Path(service_url("PROMETHEUS")).with_name("promtool")
    told = app_over(desk).test_client().get("/metrics").data
    done = subprocess.run([promtool, "check", "metrics"], input=told, capture_output=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


@contextmanager
def scraping(folder: Path, url: str) -> Iterator[int]:
    """Start a Prometheus that scrapes what is at a URL; yields its port."""
    own = free_port(HOST)
    job = {"job_name": "horarium", "scrape_interval": "1s", "static_configs": [{"targets": [url.removeprefix("http://")]}]}
    (folder / "prometheus.yml").write_text(json.dumps({"scrape_configs": [job]}))
    argv = [service_url("PROMETHEUS"), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*argv, f"--web.listen-address={HOST}:{own}"], stdout=log, stderr=log)
        try:
            yield own
        finally:
            process.terminate()
            process.wait(10)


def asked(port: int, query: str) -> list[dict[str, Any]]:
    """Return what a query finds; nothing while the Prometheus is not there yet."""
    try:
        with urlopen(f"http://{HOST}:{port}/api/v1/query?query={quote(query)}") as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
            return found
    except OSError:
        return []


def test_a_real_prometheus_scrapes_it(desk: WebDesk, tmp_path: Path) -> None:
    with served(app_over(desk)) as url, scraping(tmp_path, url) as own:
        wait_until(lambda: bool(asked(own, "horarium_scheduler_leads")), within_s=30, what=(tmp_path / "log").read_text())
        assert asked(own, 'up{job="horarium"}')[0]["value"][1] == "1"
        assert asked(own, 'horarium_jobs{process="flights_hourly",state="processed"}')[0]["value"][1] == "3"
        assert asked(own, "sum(horarium_uow_duration_seconds_count)")[0]["value"][1] == "3"

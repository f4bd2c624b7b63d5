"""Does a start read only what it needs? Every start of each process pays for what is imported for nothing, a crash loop again and again."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.sources import ROOT

_WEB = {"flask", "werkzeug", "jinja2", "pydantic", "mx"}
_DRIVERS = {"psutil", "sqlalchemy", "pymongo", "pika", "psycopg", "pymysql"}
_SCREEN = {"click", "rich"}
_SELDOM = {"difflib", "tempfile", "tomllib", "zoneinfo", "cronsim", "hashlib", "socket"}
NEEDLESS = {
    "process_starter": {*_WEB, *_DRIVERS, *_SCREEN, *_SELDOM, "db.model_boxes", "supervisor.local_crew", "workers.slot"},
    "process_starter, scheduler.service": {*_WEB, *_DRIVERS, *_SCREEN, "workers.service", "scheduler.desk"},
    "process_starter, workers.service, workers.processes": {*_WEB, *_DRIVERS, *_SCREEN, "scheduler.engine"},
    "db.sql, mq.embedded": {*_WEB, "sqlalchemy.dialects.postgresql", "sqlalchemy.dialects.mysql"},
    "launcher.main, launcher.up": {*_WEB, *_DRIVERS},
}


@pytest.mark.parametrize("what", NEEDLESS)
def test_a_start_reads_nothing_needless(what: str) -> None:
    said = f"import sys, {what}; print(*sys.modules)"
    read = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert NEEDLESS[what] & set(read) == set()

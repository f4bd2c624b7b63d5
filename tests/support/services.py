"""Where is a server that a test needs? What the environment says, else what `scripts/services.sh up` wrote down; without one the
test is skipped, or fails where CI is set."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.sources import ROOT

NAMES = ("MONGODB_URL", "AMQP_URL", "AMQPS_URL", "POSTGRES_URL", "MARIADB_URL", "AXE_PATH", "PROMETHEUS")


def service_url(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return the URL of the server `name`, one of NAMES; skips the test where there is none, fails it in CI."""
    assert name in NAMES, f"{name} is none of {', '.join(NAMES)}"
    found = environ.get(name) or written_urls(services_home(environ)).get(name)
    if found:
        return found
    missing = f"no {name}: `scripts/services.sh up` starts the servers for tests, or set {name}"
    if environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def services_home(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder that `scripts/services.sh` keeps its servers in."""
    return Path(environ.get("SERVICES_HOME") or ROOT / "var" / "services")


def written_urls(home: Path) -> dict[str, str]:
    """Return what `up` wrote into `home`: NAME to URL; empty where nothing was started."""
    try:
        lines = (home / "urls").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: url for name, _, url in (line.partition("=") for line in lines) if url}

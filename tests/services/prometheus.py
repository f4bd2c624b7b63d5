"""Which Prometheus reads the metrics in tests? Debian's, with its promtool. No server: tests start their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.services.machine import NoServer


def prometheus(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the program, which has promtool beside it; None where none is installed."""
    return environ.get("PROMETHEUS") or shutil.which("prometheus", path=environ.get("PATH", "") + ":/usr/bin")


class Prometheus:
    """What is installed of it."""

    name, url_name = "prometheus", "PROMETHEUS"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def url(self) -> str:
        """The program."""
        return prometheus() or "-"

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return Debian's package where it is not installed."""
        return [] if prometheus() else ["prometheus"]

    def start(self) -> None:
        """See that it is there; raises NoServer where it is not."""
        if prometheus() is None:
            raise NoServer("no Prometheus is installed, and PROMETHEUS names none")

    def stop(self) -> None:
        """Nothing runs."""

    def state(self) -> str:
        """Return one word for `status`."""
        return "installed" if prometheus() else "missing"

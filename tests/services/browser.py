"""Which browser do tests drive, and what judges a page's accessibility? Debian's Chromium, and axe-core out of npm, for tests only.

No server: what is installed stays. `AXE_PATH` and `CHROMIUM` in the environment name an axe.min.js and a browser that are there already.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.services.machine import NoServer, run

VERSION = "4.14.1"
INTEGRITY = "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
_PACKED = "package/axe.min.js"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium(environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the program of the browser; None where none is installed."""
    path = environ.get("PATH", "") + ":/usr/bin"
    return environ.get("CHROMIUM") or next((found for name in _BROWSERS if (found := shutil.which(name, path=path))), None)


class Browser:
    """A folder that holds axe-core, beside a browser of the machine."""

    name, url_name = "browser", "AXE_PATH"

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    @property
    def url(self) -> str:
        """The file of axe-core."""
        return str(self.folder / f"axe-{VERSION}.min.js")

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return Debian's packages that are not installed: the browser, and npm, which fetches axe-core from the machine's registry."""
        return [*([] if chromium() else ["chromium"]), *([] if shutil.which("npm") else ["npm"])]

    def start(self) -> None:
        """Fetch what is not there yet; raises NoServer where that can't be, or where it is not what was expected."""
        if chromium() is None:
            raise NoServer("no Chromium is installed, and CHROMIUM names none")
        if Path(self.url).exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            run(["npm", "pack", "--silent", "--pack-destination", scratch, f"axe-core@{VERSION}"], cwd=Path(scratch))
            packed = next(Path(scratch).glob("*.tgz"))
            found = integrity(packed)
            if found != INTEGRITY:
                raise NoServer(f"axe-core {VERSION} as npm gives it is not the one that the tests were made for: {found}, not {INTEGRITY}")
            Path(scratch, "axe").write_bytes(_file_of(packed))
            Path(scratch, "axe").replace(self.url)

    def stop(self) -> None:
        """Nothing runs."""

    def state(self) -> str:
        """Return one word for `status`."""
        return "installed" if chromium() and Path(self.url).exists() else "missing"


def integrity(file: Path) -> str:
    """Return the digest of a file as npm writes it."""
    return "sha512-" + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()


def _file_of(packed: Path) -> bytes:
    with tarfile.open(packed) as tar:
        held = tar.extractfile(_PACKED)
        assert held is not None, f"{_PACKED} is no file"
        return held.read()

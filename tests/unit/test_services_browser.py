"""Is the browser for tests found, and axe-core taken only when it is the one that the tests were made for?"""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.services import browser
from tests.services.browser import Browser, chromium, integrity
from tests.services.machine import NoServer


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """An npm that packs a file `axe.min.js` with the words `axe`; returns what it was asked."""
    asked: list[str] = []

    def pack(argv: list[str], *, cwd: Path) -> str:
        asked.extend(argv)
        with tarfile.open(cwd / "axe-core.tgz", "w:gz") as tar:
            member = tarfile.TarInfo("package/axe.min.js")
            member.size = 3
            tar.addfile(member, io.BytesIO(b"axe"))
        return ""

    monkeypatch.setattr(browser, "run", pack)
    monkeypatch.setattr(browser, "chromium", lambda: "/usr/bin/chromium")
    return asked


def test_the_environment_names_the_browser_before_the_machine_does() -> None:
    assert chromium({"CHROMIUM": "/opt/browser"}) == "/opt/browser"


def test_another_file_than_the_one_that_is_pinned_is_refused(npm: list[str], tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="not the one that the tests were made for"):
        Browser(tmp_path / "browser").start()
    assert list((tmp_path / "browser").iterdir()) == []
    assert f"axe-core@{browser.VERSION}" in npm


def test_the_pinned_file_is_kept_and_not_fetched_again(npm: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "INTEGRITY", "right")
    monkeypatch.setattr(browser, "integrity", lambda _file: "right")
    kept = Browser(tmp_path / "browser")
    kept.start()
    npm.clear()
    kept.start()
    assert Path(kept.url).read_bytes() == b"axe"
    assert npm == []
    assert kept.state() == "installed"


def test_a_digest_is_written_as_npm_writes_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    assert integrity(tmp_path / "a").startswith("sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8")

"""How does a test drive a browser? One Chromium for a whole run; a visitor (a context of its own: cookies, width, theme) for each test.

A page may say nothing on its console: a broken Content Security Policy, a script that fails and a file that is not there all end there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.services.browser import chromium
from tests.support.services import service_url

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip
DESK, PHONE = (1440, 900), (390, 844)
PATIENCE_MS = 30_000
Theme = Literal["light", "dark"]
_GRAVE = {"serious", "critical"}


@contextmanager
def browsing() -> Iterator[Browser]:
    """Keep a browser open; skips the test where none is installed, fails it in CI."""
    program = chromium()
    if program is None:
        missing = "no Chromium: `scripts/services.sh up browser` as root installs it, or set CHROMIUM"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """Somebody before a browser, at a site; what the console said meanwhile."""

    def __init__(self, browser: Browser, site: str, *, size: tuple[int, int] = DESK, theme: Theme = "light", script: bool = True) -> None:
        self.site = site
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=theme, java_script_enabled=script, bypass_csp=False,
            reduced_motion="reduce",
        )  # fmt: skip
        self.context.set_default_timeout(PATIENCE_MS)
        self.said: list[str] = []
        self._forgiven: set[int] = set()
        self.page: Page = self.context.new_page()
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.said.append(f"{self.page.url}: {error}"))

    def _on_console(self, message: ConsoleMessage) -> None:
        is_forgiven = any(f"the server responded with a status of {status}" in message.text for status in self._forgiven)
        if message.type in {"error", "warning"} and not is_forgiven:
            self.said.append(f"{self.page.url}: {message.text}")

    def forgive(self, *statuses: int) -> None:
        """Let the console tell of answers with these statuses: they are what the test is about."""
        self._forgiven.update(statuses)

    def go(self, path: str) -> int:
        """Open a page; returns the status that it was answered with."""
        answer = self.page.goto(self.site + path, wait_until="load")
        return answer.status if answer else 0

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window: 0 where nobody must scroll sideways."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wide

    def sticking_out(self) -> list[str]:
        """Return what reaches over the right edge, as a person who mends it wants to read it."""
        found: list[str] = self.page.evaluate(
            """() => { const edge = document.documentElement.clientWidth;
            const isFree = e => !e.closest('.scroll, nav.tabs') || getComputedStyle(e).position === 'absolute';
            return [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > edge + 1 && isFree(e))
              .slice(0, 8).map(e => e.tagName + '.' + (e.getAttribute('class') || '') + ': ' + e.textContent.trim().slice(0, 40)) }"""
        )
        return found

    def shoot(self, file: Path) -> None:
        """Keep a picture of the whole page."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=file, full_page=True, animations="disabled")

    def complaints(self) -> list[str]:
        """Return what axe-core finds serious or critical: rule, what is wrong, where."""
        # By the driver, not by a script tag: the page's own policy forbids those, and is to stay as it is.
        self.page.evaluate(Path(service_url("AXE_PATH")).read_text(encoding="utf-8"))
        # What a library draws is that library's; where there is any, the page says the same in its own words, too.
        what = "{include: [['html']], exclude: [['.swagger-ui']]}"
        found: dict[str, Any] = self.page.evaluate(f"() => axe.run({what}, {{resultTypes: ['violations']}})")
        return [
            f"{fault['id']} ({fault['impact']}): {node['html'][:160]} {node.get('failureSummary', '')[:300]}"
            for fault in found["violations"]
            if fault["impact"] in _GRAVE
            for node in fault["nodes"][:4]
        ]

    def leave(self) -> None:
        """Close what was opened."""
        self.context.close()

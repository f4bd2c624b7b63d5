"""Which pages does a dashboard have? Found as a visitor finds them: by its links, a few samples of each kind of page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map

Fetch = Callable[[str], tuple[int, str, str]]  # path -> status, content type, text
# What is no page, or ends the visit.
_NOT_WALKED = ("/static/", "/live", "/logout", "/api/v1/", "/metrics")
PER_KIND = 2


class _Links(HTMLParser):
    """The links of a page, in their order."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        href = dict(attrs).get("href")
        if tag == "a" and href:
            self.found.append(href)


def links_of(html: str, path: str) -> Iterator[str]:
    """Yield the paths of this site that a page at `path` links to, queries included, each once."""
    parser = _Links()
    parser.feed(html)
    for href in dict.fromkeys(parser.found):
        split = urlsplit(urljoin(path, urldefrag(href).url))
        if not split.scheme and not split.netloc and split.path:
            yield split.path + (f"?{split.query}" if split.query else "")


@dataclass
class Walk:
    """A visit of a whole site. `kinds` are the samples found of each kind, `pages` those of them that are pages and no other files;
    `broken` are the links that are not answered by 200."""

    fetch: Fetch
    routes: Map
    kinds: dict[tuple[str, tuple[str, ...]], list[str]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)

    def walk(self, start: str = "/") -> list[str]:
        """Return the paths of the samples that are pages, in the order in which they were found."""
        waiting: deque[tuple[str, str]] = deque([(start, "")])
        seen = {start}
        while waiting:
            path, origin = waiting.popleft()
            kind = self._kind(path)
            if kind is None:
                if not any(told.startswith(path.partition("?")[0]) for told in self.broken):
                    self.broken.append(f"{path}, linked by {origin}: there is no such page")
                continue
            found = self.kinds.setdefault(kind, [])
            if len(found) >= PER_KIND:
                continue
            status, content_type, text = self.fetch(path)
            found.append(path)
            if status != 200:
                self.broken.append(f"{path}, linked by {origin}: {status}")
                continue
            if not content_type.startswith("text/html"):
                continue
            self.pages.append(path)
            for link in links_of(text, path):
                if link not in seen and not link.startswith(_NOT_WALKED):
                    seen.add(link)
                    waiting.append((link, path))
        return self.pages

    def not_reached(self) -> list[str]:
        """Return the pages that no link leads to, by their rules."""
        reached = {endpoint for endpoint, _ in self.kinds}
        return sorted(
            rule.rule
            for rule in self.routes.iter_rules()
            if "GET" in (rule.methods or ()) and rule.endpoint not in reached and not rule.rule.startswith(_NOT_WALKED)
        )

    def _kind(self, path: str) -> tuple[str, tuple[str, ...]] | None:
        """Return what a path is a sample of: its endpoint, and the names of what its query says."""
        split = urlsplit(path)
        try:
            endpoint, _ = self.routes.bind("site").match(split.path, method="GET")
        except HTTPException:
            return None
        return str(endpoint), tuple(sorted(parse_qs(split.query, keep_blank_values=True)))

"""How is the API of a dashboard asked? Over HTTP, with a token; what goes wrong is an error that says what to do.

What changes something carries a key, so that it may be sent again when its answer was lost, and is done once.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request, build_opener
from uuid import uuid4

from system.clock import RealClock
from system.errors import ConfigError, HorariumError, NotFound, Refused, StoreError, Unavailable

PREFIX = "/api/v1"
_PATIENCE_S = 30.0
_WAITS_S = (0.5, 1.5)  # before it is asked again
_KEY = "Idempotency-Key"
_HERE = ("127.0.0.1", "localhost", "::1")
_PAGE = 500


class Denied(HorariumError):
    """The dashboard did not let us in, or does not let us do that."""


class _Stay(HTTPRedirectHandler):
    """Follows nobody: a token goes to whom it was meant for."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class Client:
    """Asks one dashboard. Raises Unavailable, Denied, NotFound, Refused, ConfigError or StoreError, each with what to do."""

    def __init__(self, url: str, token: str, *, sleep: Callable[[float], None] | None = None) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"HORARIUM_URL is {url!r}: write the address of a dashboard, such as https://mx.example.org/")
        self._token, self._sleep = token, sleep or RealClock().sleep
        self._opener = _opener(is_here=parts.hostname in _HERE)

    def get(self, *path: str, **query: object) -> Any:
        """Return what stands at a path; parts of the path and of the query are quoted, what is None or empty is left out."""
        given = {name: value for name, value in query.items() if value not in (None, "", [], ())}
        return self._asked("GET", f"{_path(path)}{'?' if given else ''}{urlencode(given, doseq=True)}", None)

    def text(self, *path: str) -> str:
        """Return a text."""
        return self._answer(Request(f"{self.url}{_path(path)}", headers=self._headers())).decode()  # noqa: S310  checked above

    def items(self, *path: str, **query: object) -> Iterator[Any]:
        """Yield all rows of a list, page by page."""
        cursor = ""
        while True:
            page = self.get(*path, **{"limit": _PAGE, **query, "cursor": cursor})
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def post(self, *path: str, body: Mapping[str, object]) -> Any:
        """Have something done, once."""
        return self._asked("POST", _path(path), body)

    def send(self, method: str, *path: str, body: Mapping[str, object] | None = None, **query: object) -> Any:
        """Have something done by another method, once."""
        return self._asked(method, f"{_path(path)}{'?' if query else ''}{urlencode(query)}", body)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", **({"Authorization": f"Bearer {self._token}"} if self._token else {})}

    def _asked(self, method: str, path: str, body: Mapping[str, object] | None) -> Any:
        headers = self._headers()
        if method != "GET":
            headers |= {_KEY: str(uuid4()), "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body is not None else None
        request = Request(f"{self.url}{path}", data=data, headers=headers, method=method)  # noqa: S310  checked above
        lost: Unavailable | None = None
        for wait_s in (*_WAITS_S, None):
            try:
                return self._read(self._answer(request))
            except Unavailable as error:
                lost = error
                failed = self._unknown(error) if method != "GET" and getattr(error.__cause__, "code", 0) == 503 else error
            except Refused as error:
                if lost is None or _KEY not in str(error):
                    raise
                # It came before what was lost, and goes on: that is no reason of its own.
                failed = self._unknown(lost)
            if wait_s is None:
                raise failed
            self._sleep(wait_s)
        raise AssertionError("unreachable")

    def _unknown(self, lost: Unavailable) -> Unavailable:
        return Unavailable(f"{lost}; whether it was done is not known: {self.url}/commands tells what was given")

    def _read(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except ValueError as error:
            raise ConfigError(f"what answers at {self.url} is no dashboard of Horarium: set HORARIUM_URL to the address of one") from error

    def _answer(self, request: Request) -> bytes:
        try:
            with self._opener.open(request, timeout=_PATIENCE_S) as response:
                data: bytes = response.read()
                return data
        except HTTPError as error:
            with error:
                raise self._refusal(error) from error
        except (URLError, HTTPException, OSError) as error:
            raise self._unreachable(getattr(error, "reason", error)) from error

    def _unreachable(self, reason: object) -> HorariumError:
        if isinstance(reason, ssl.SSLError):
            return ConfigError(
                f"{self.url} can't be trusted ({reason.reason or reason}): use the name that its certificate is for; an authority of your "
                "own is named by SSL_CERT_FILE"
            )
        said = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        return Unavailable(
            f"the dashboard at {self.url} can't be reached ({said}): see that it runs (`launch.py mx`), and that HORARIUM_URL is right"
        )

    def _refusal(self, error: HTTPError) -> HorariumError:
        """Return what a problem document says, as one of our errors."""
        detail = self._detail(error)
        if error.code == 401:
            how = "HORARIUM_TOKEN is not set, and a login is needed" if not self._token else "HORARIUM_TOKEN is refused"
            return Denied(f"{self.url}: {how} ({detail}): an admin gives a token with `launch.py token add`")
        if error.code == 403:
            return Denied(f"{self.url}: {detail}")
        kinds: Mapping[int, type[HorariumError]] = {404: NotFound, 409: Refused, 422: Refused, 429: Unavailable, 503: Unavailable}
        if 300 <= error.code < 400:
            place = error.headers.get("Location", "?")
            return ConfigError(f"{self.url} leads elsewhere, to {place}: set HORARIUM_URL to the address itself")
        return kinds.get(error.code, StoreError)(detail)

    def _detail(self, error: HTTPError) -> str:
        """Return what a problem says, or what there is to say of one that is no problem document."""
        try:
            return str(json.loads(error.read())["detail"])
        except (ValueError, KeyError, TypeError, OSError):
            return f"{self.url} answered {error.code} {error.reason}, and not as a dashboard of Horarium does"


def _path(parts: tuple[str, ...]) -> str:
    return PREFIX + "".join(f"/{quote(part, safe='')}" for part in parts)


def _opener(*, is_here: bool) -> OpenerDirector:
    """Return what asks: by the proxies of the environment, but for this machine."""
    secure = HTTPSHandler(context=ssl.create_default_context())
    return build_opener(_Stay, secure, *([ProxyHandler({})] if is_here else []))

"""Which cookies does mx set, and how? One that is a login, one that forms are bound to where there is no login."""

from __future__ import annotations

from flask import Request, Response

from mx.security.entrance import GateSettings


class Cookies:
    """The names have the port in them: two mx on one machine would else end each other's logins."""

    def __init__(self, settings: GateSettings) -> None:
        self._port = settings.port
        self._lasting_s = int(settings.lasting.whole.total_seconds())

    def login(self, request: Request) -> str:
        """Return what the login's cookie holds, empty where there is none."""
        return request.cookies.get(self._name("login", request), "")

    def form(self, request: Request) -> str:
        """Return what the forms' cookie holds, empty where there is none."""
        return request.cookies.get(self._name("form", request), "")

    def set_login(self, response: Response, request: Request, secret: str) -> None:
        """Give a browser its login. Lax: a link in a message leads to the page, not to the login."""
        self._set(response, request, "login", secret, "Lax", self._lasting_s)

    def set_form(self, response: Response, request: Request, secret: str) -> None:
        """Give a browser what its forms are bound to, until it is closed."""
        self._set(response, request, "form", secret, "Lax", None)

    def drop_login(self, response: Response, request: Request) -> None:
        """Take the login from a browser."""
        self._set(response, request, "login", "", "Lax", 0)

    def _name(self, what: str, request: Request) -> str:
        # A browser takes a name that begins so from its own host by TLS only.
        return f"__Host-horarium-{what}" if request.is_secure else f"horarium-{self._port}-{what}"

    def _set(self, response: Response, request: Request, what: str, value: str, same_site: str, age_s: int | None) -> None:
        name = self._name(what, request)
        response.set_cookie(name, value, max_age=age_s, path="/", secure=request.is_secure, httponly=True, samesite=same_site)

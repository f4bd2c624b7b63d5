"""Who may do what? What stands before every request of the app: name, visitor, role, and whether a change was meant by its visitor.

In this order: a proxy that is believed is unwrapped; the name in `Host` must be ours; the visitor is known by token, session or, without
a login, by being on this machine; the route's role must be covered; and what changes something must come from a page of ours.
"""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from flask import Flask, Request, Response, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from mx.api.app import is_api
from mx.pages import account, login, users
from mx.security import csrf
from mx.security.cookies import Cookies
from mx.security.entrance import Entrance
from mx.security.headers import security_headers
from mx.security.hosts import is_loopback
from mx.security.proxies import WAS_FORWARDED, Unwrapped
from mx.security.roles import Role, Visitor, is_open_by_setting, is_public, needed_role
from mx.security.route_check import READING, STATIC
from mx.security.secrets import new_secret
from system.errors import HorariumError

log = logging.getLogger(__name__)

_QUIET = frozenset({"/live", "/pulse"})  # asked by an open page, not by a person
_API = "/api/"


class Gate:
    """The gate over an entrance."""

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._settings = entrance.settings
        self._cookies = Cookies(entrance.settings)

    def guard(self, app: Flask) -> None:
        """Stand before every request of `app`, and give it the pages about logins and accounts."""
        app.wsgi_app = Unwrapped(app.wsgi_app, self._settings.proxies)  # type: ignore[method-assign]
        # Before whatever the app was given earlier: nobody's request is read who may not ask.
        app.before_request_funcs.setdefault(None, []).insert(0, lambda: self._enter(app))
        app.after_request(self._leave)
        app.jinja_env.globals["has_account_pages"] = True
        for made in (login, account, users):
            app.register_blueprint(made.page(self._entrance, self._cookies))

    def _enter(self, app: Flask) -> ResponseReturnValue | None:
        g.user, g.bound_to = None, self._cookies.form(request)
        if not self._entrance.may_be_called(request.host):
            raise BadRequest(f"mx is not called {request.host[:100]!r} here: set HORARIUM_MX_HOSTS to the names that it is called by")
        endpoint = request.endpoint or ""
        if endpoint == STATIC:
            return None
        view = app.view_functions.get(endpoint)
        is_open = is_public(view) or (self._settings.has_open_metrics and is_open_by_setting(view))
        g.user = self._visitor()
        if g.user is None and not is_open:
            return self._ask_for_login()
        role = needed_role(view) or Role.VIEWER
        if not is_open and not g.user.may(role):
            raise Forbidden(f"this takes the role {role.value}; {g.user.name} is {g.user.role.value}: ask an admin")
        if request.method not in READING:
            self._refuse_strange_change()
        return None

    def _visitor(self) -> Visitor | None:
        if not self._settings.has_login:
            return self._local_visitor()
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "bearer":
            visitor = self._entrance.by_token(text.strip())
            if visitor is None:
                raise Unauthorized("the token is unknown, revoked or over: `launch.py token list` shows those that there are")
            return visitor
        secret = self._cookies.login(request)
        visitor = self._entrance.by_cookie(secret, is_active=not _is_of_open_page(request)) if secret else None
        if visitor:
            g.bound_to = secret
        return visitor

    def _local_visitor(self) -> Visitor:
        """Return who sits at this machine. Whatever comes by a proxy may come from anywhere, though its last step is a local one."""
        if request.environ.get(WAS_FORWARDED):
            raise Forbidden(
                "a proxy stands before mx, so anybody may be behind it, and no login is asked for: set HORARIUM_MX_LOGIN to always, and "
                "HORARIUM_MX_TRUSTED_PROXIES to the proxy's address"
            )
        if not is_loopback(request.remote_addr or ""):
            raise Forbidden("without a login mx answers to this machine only: set HORARIUM_MX_LOGIN to always")
        return self._entrance.local()

    def _ask_for_login(self) -> ResponseReturnValue:
        """Send a person to the login; tell a program, or an open page, that it needs one."""
        is_page = request.method == "GET" and not is_api(request.path) and not _is_of_open_page(request)
        if not is_page:
            raise Unauthorized("log in first: this login has ended, or there was none")
        return redirect(login.path_of(request.full_path.rstrip("?")), 303)

    def _refuse_strange_change(self) -> None:
        """Refuse a change that some other site's page makes this browser ask for. A token is of no browser: it needs no more."""
        if (g.user is not None and g.user.how == "token") or _is_of_program(request):
            return
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden("this change was asked for by a page of another site")
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != request.host.lower():
            raise Forbidden(f"this change was asked for by a page of {origin[:100]!r}, not of {request.host}")
        given = request.headers.get(csrf.HEADER) or request.form.get(csrf.FIELD, "")
        if not csrf.is_token(given, self._entrance.key(), g.bound_to):
            raise Forbidden("this form is out of date, or was not made by mx: go back, reload the page and send it again")

    def _leave(self, response: Response) -> Response:
        is_static = request.endpoint == STATIC
        for name, value in security_headers(is_tls=request.is_secure, is_private=not is_static).items():
            response.headers.setdefault(name, value)
        if response.status_code == 401:
            response.headers.setdefault("WWW-Authenticate", 'Bearer realm="horarium"')
        if response.mimetype == "text/html" and not response.is_streamed and not response.direct_passthrough:
            self._fill_in(response)
        return response

    def _fill_in(self, response: Response) -> None:
        """Put the visitor's own token where a page has the marker."""
        body = response.get_data()
        if csrf.MARKER.encode() not in body:
            return
        try:
            key = self._entrance.key()
        except HorariumError:  # the store is away, which the page says; a form of it could not be sent anyway
            response.set_data(body.replace(csrf.MARKER.encode(), b""))
            return
        bound_to = g.get("bound_to") or ""
        if not bound_to:
            bound_to = new_secret()
            self._cookies.set_form(response, request, bound_to)
        response.set_data(body.replace(csrf.MARKER.encode(), csrf.token(key, bound_to).encode()))


def _is_of_program(asked: Request) -> bool:
    """Say whether no browser asks. Each says where a change comes from, and asks us before it sends JSON from elsewhere: we let none."""
    is_said = "Origin" in asked.headers or "Sec-Fetch-Site" in asked.headers or "Cookie" in asked.headers
    return asked.path.startswith(_API) and asked.is_json and not is_said


def _is_of_open_page(asked: Request) -> bool:
    return asked.path in _QUIET or asked.headers.get("X-Fragment") == "1" or asked.args.get("fragment") == "1"

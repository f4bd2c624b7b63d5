"""How does somebody come in, and out again? The login, the way out, and the link that is good once."""

from __future__ import annotations

from urllib.parse import quote

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from mx.security.cookies import Cookies
from mx.security.entrance import Entrance
from mx.security.errors import Refusal, Throttled
from mx.security.logins import Entry
from mx.security.redirects import local_target
from mx.security.roles import public

_PATH = "/login"


def path_of(wanted: str) -> str:
    """Return the path of the login that leads to `wanted` afterwards."""
    return _PATH if wanted == "/" else f"{_PATH}?next={quote(wanted, safe='')}"


def page(entrance: Entrance, cookies: Cookies) -> Blueprint:
    """Return `/login`, `/logout` and `/welcome/SECRET`."""
    bp = Blueprint("login", __name__)
    views = _Login(entrance, cookies)
    bp.get(_PATH)(views.login)
    bp.post(_PATH)(views.log_in)
    bp.post("/logout")(views.log_out)
    bp.get("/welcome/<secret>")(views.welcome)
    bp.post("/welcome/<secret>")(views.use_link)
    return bp


class _Login:
    """The views, over an entrance."""

    def __init__(self, entrance: Entrance, cookies: Cookies) -> None:
        self._entrance, self._cookies = entrance, cookies

    def _let_in(self, entry: Entry, to: str) -> Response:
        response = make_response(redirect(to, 303))
        self._cookies.set_login(response, request, entry.secret)
        return response

    @public
    def login(self) -> ResponseReturnValue:
        """Show the login; who is in already goes on."""
        to = local_target(request.args.get("next", "/"))
        if g.user is not None:
            return redirect(to, 303)
        return render_template("login.html", to=to, has_accounts=self._entrance.accounts.has_any(), text="", name="")

    @public
    def log_in(self) -> ResponseReturnValue:
        """Begin a login, or say why not."""
        to, name = local_target(request.form.get("next", "/")), request.form.get("name", "")
        if not self._entrance.settings.has_login:
            return redirect(to, 303)
        try:
            password, before = request.form.get("password", ""), self._cookies.login(request)
            entry = self._entrance.logins.log_in(name, password, where=_address(), agent=request.user_agent.string, before=before)
        except Refusal as error:
            said = {"to": to, "has_accounts": True, "text": str(error), "name": name[:64]}
            response = make_response(render_template("login.html", **said), 429 if isinstance(error, Throttled) else 401)
            if isinstance(error, Throttled):
                response.headers["Retry-After"] = str(error.wait_s)
            return response
        return self._let_in(entry, to)

    @public
    def log_out(self) -> ResponseReturnValue:
        """End the login."""
        if secret := self._cookies.login(request):
            self._entrance.logins.log_out(secret, where=_address())
        response = make_response(redirect(_PATH if self._entrance.settings.has_login else "/", 303))
        self._cookies.drop_login(response, request)
        return response

    @public
    def welcome(self, secret: str) -> str:
        """Show the form of a link that is good once. To look at it does not use it up."""
        link = self._entrance.accounts.link(secret)
        if link is None:
            raise NotFound("this link was used before, or is too old; an admin, or `launch.py user link` on the machine, makes a new one")
        return render_template("welcome.html", link=link, secret=secret, text="", name=link.user)

    @public
    def use_link(self, secret: str) -> ResponseReturnValue:
        """Make the account, or set the password, that the link is for, and log in."""
        link = self._entrance.accounts.link(secret)
        if link is None:
            raise NotFound("this link was used before, or is too old; an admin, or `launch.py user link` on the machine, makes a new one")
        name, password = request.form.get("name", ""), request.form.get("password", "")
        try:
            if password != request.form.get("again", ""):
                raise Refusal("both passwords differ: type the same one twice")
            user = self._entrance.accounts.use_link(secret, name, password, where=_address())
        except Refusal as error:
            return render_template("welcome.html", link=link, secret=secret, text=str(error), name=link.user or name[:64]), 400
        flash(f"welcome, {user.name}: you are {user.role.value}", "good")
        return self._let_in(self._entrance.logins.begin(user, where=_address(), agent=request.user_agent.string), "/")


def _address() -> str:
    return request.remote_addr or ""

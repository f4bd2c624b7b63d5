"""What belongs to the visitor's own account? Its password, its tokens, and where it is logged in."""

from __future__ import annotations

from flask import Blueprint, flash, g, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden

from mx.security.accounts import read_role
from mx.security.cookies import Cookies
from mx.security.entrance import Entrance
from mx.security.errors import Refusal, Throttled
from mx.security.records import User
from mx.security.roles import Role, needs
from mx.security.secrets import ApiToken

DAYS = (7, 30, 90, 365, 0)


def read_days(text: str) -> int:
    """Return for how many days a token is asked; raises Refusal."""
    if not text.isdigit() or len(text) > 5:
        raise Refusal(f"{text[:20]!r} is no number of days")
    return int(text)


def page(entrance: Entrance, cookies: Cookies) -> Blueprint:
    """Return `/account` and what is done there."""
    bp = Blueprint("account", __name__)
    views = _Account(entrance, cookies)
    bp.get("/account")(views.account)
    bp.post("/account/password")(views.password)
    bp.post("/account/tokens")(views.add_token)
    bp.post("/account/tokens/<token_id>/revoke")(views.revoke)
    bp.post("/account/logins/end")(views.end_logins)
    return bp


class _Account:
    """The views, over an entrance."""

    def __init__(self, entrance: Entrance, cookies: Cookies) -> None:
        self._accounts, self._logins, self._cookies = entrance.accounts, entrance.logins, cookies

    def _own(self) -> User:
        user = self._accounts.user(g.user.name) if g.user.how == "session" else None
        if user is None:
            raise Forbidden("an account is for who has logged in by name and password")
        return user

    def _shown(self, text: str = "", made: ApiToken | None = None) -> str:
        user = self._accounts.user(g.user.name) if g.user.how == "session" else None
        facts = {
            "account": user,
            "tokens": self._accounts.tokens(user.name) if user else [],
            "logins": self._logins.of(user) if user else [],
            "roles": [role for role in Role if g.user.role.covers(role)],
            "days": DAYS,
        }
        return render_template("account.html", text=text, made=made, **facts)

    def account(self) -> str:
        """Show one's own account."""
        return self._shown()

    @needs(Role.VIEWER)
    def password(self) -> ResponseReturnValue:
        """Set one's own password; all other logins end."""
        user, new = self._own(), request.form.get("new", "")
        try:
            if new != request.form.get("again", ""):
                raise Refusal("both new passwords differ: type the same one twice")
            entry = self._logins.change_password(
                user.name, request.form.get("old", ""), new, where=request.remote_addr or "", agent=request.user_agent.string
            )
        except Throttled as error:
            return self._shown(str(error)), 429, {"Retry-After": str(error.wait_s)}
        except Refusal as error:
            return self._shown(str(error)), 400
        flash("the password is set, and all other logins have ended", "good")
        response = make_response(redirect("/account", 303))
        self._cookies.set_login(response, request, entry.secret)
        return response

    @needs(Role.VIEWER)
    def add_token(self) -> ResponseReturnValue:
        """Make a token; the answer is the only place where it can be read."""
        user, form = self._own(), request.form
        try:
            role, days = read_role(form.get("role", "")), read_days(form.get("days", ""))
            name, where = form.get("name", ""), request.remote_addr or ""
            _, secret = self._accounts.add_token(user.name, name, role, days, who=user.name, where=where)
        except Refusal as error:
            return self._shown(str(error)), 400
        return self._shown(made=secret), 201

    @needs(Role.VIEWER)
    def revoke(self, token_id: str) -> ResponseReturnValue:
        """Take one of one's own tokens away."""
        user, token = self._own(), self._accounts.token(token_id)
        if token is None or token.user != user.name:
            raise Refusal(f"you have no token {token_id[:40]}")
        self._accounts.revoke(token_id, who=user.name, where=request.remote_addr or "")
        flash(f"token {token.name} is revoked", "good")
        return redirect("/account", 303)

    @needs(Role.VIEWER)
    def end_logins(self) -> ResponseReturnValue:
        """End all one's logins but this one."""
        user, where = self._own(), request.remote_addr or ""
        self._accounts.end_logins(user.name, who=user.name, where=where)
        entry = self._logins.begin(self._own(), where=where, agent=request.user_agent.string)
        flash("all other logins have ended", "good")
        response = make_response(redirect("/account", 303))
        self._cookies.set_login(response, request, entry.secret)
        return response

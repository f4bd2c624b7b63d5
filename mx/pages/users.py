"""Who has an account, which tokens are there, and what happened to them? For admins."""

from __future__ import annotations

from collections import Counter

from flask import Blueprint, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from mx.security.accounts import read_role
from mx.security.cookies import Cookies
from mx.security.entrance import Entrance
from mx.security.errors import Refusal
from mx.security.roles import Role, needs

_EVENTS = 100
# What is done to an account by one button, and what is said of it.
_DEEDS = {
    "disable": "is shut out, with all logins and tokens",
    "enable": "may come in again",
    "end-logins": "has to log in anew everywhere",
    "remove": "is removed, with all tokens",
}


def page(entrance: Entrance, _cookies: Cookies) -> Blueprint:
    """Return `/users` and what is done there."""
    bp = Blueprint("users", __name__)
    views = _Users(entrance)
    bp.get("/users")(views.users)
    bp.post("/users")(views.add)
    bp.post("/users/<name>/link")(views.link)
    bp.post("/users/<name>/role")(views.role)
    bp.post("/users/<name>/<any(disable, enable, 'end-logins', remove):deed>")(views.act)
    bp.post("/users/tokens/<token_id>/revoke")(views.revoke)
    return bp


class _Users:
    """The views, over an entrance."""

    def __init__(self, entrance: Entrance) -> None:
        self._accounts, self._has_login = entrance.accounts, entrance.settings.has_login

    def _shown(self, text: str = "", link: str = "", whose: str = "") -> str:
        tokens = self._accounts.tokens()
        facts = {
            "users": self._accounts.users(),
            "tokens": tokens,
            "counts": Counter(token.user for token in tokens),
            "events": self._accounts.journal.latest(_EVENTS),
            "has_login": self._has_login,
            "at": self._accounts.clock.now(),
        }
        return render_template("users.html", text=text, link=link, whose=whose, **facts)

    def _linked(self, name: str) -> str:
        secret = self._accounts.add_link(name, **_by())
        return self._shown(link=f"{request.host_url}welcome/{secret}", whose=name)

    @needs(Role.ADMIN)
    def users(self) -> str:
        """Show all accounts, tokens and what happened to them."""
        return self._shown()

    @needs(Role.ADMIN)
    def add(self) -> ResponseReturnValue:
        """Make an account; its owner chooses a password by the link in the answer."""
        try:
            user = self._accounts.add_user(request.form.get("name", ""), read_role(request.form.get("role", "")), "", **_by())
        except Refusal as error:
            return self._shown(str(error)), 400
        return self._linked(user.name), 201

    @needs(Role.ADMIN)
    def link(self, name: str) -> ResponseReturnValue:
        """Make a link by which somebody chooses a password."""
        return self._linked(name), 201

    @needs(Role.ADMIN)
    def role(self, name: str) -> ResponseReturnValue:
        """Give an account another role."""
        try:
            wanted = read_role(request.form.get("role", ""))
            self._accounts.set_role(name, wanted, **_by())
        except Refusal as error:
            return self._shown(str(error)), 400
        flash(f"{name} is {wanted.value} now", "good")
        return redirect("/users", 303)

    @needs(Role.ADMIN)
    def act(self, name: str, deed: str) -> ResponseReturnValue:
        """Do what one button does."""
        deeds = {
            "disable": lambda: self._accounts.disable(name, is_disabled=True, **_by()),
            "enable": lambda: self._accounts.disable(name, is_disabled=False, **_by()),
            "end-logins": lambda: self._accounts.end_logins(name, **_by()),
            "remove": lambda: self._accounts.remove_user(name, **_by()),
        }
        try:
            deeds[deed]()
        except Refusal as error:
            return self._shown(str(error)), 400
        flash(f"{name} {_DEEDS[deed]}", "good")
        return redirect("/users", 303)

    @needs(Role.ADMIN)
    def revoke(self, token_id: str) -> ResponseReturnValue:
        """Take anybody's token away."""
        try:
            self._accounts.revoke(token_id, **_by())
        except Refusal as error:
            return self._shown(str(error)), 400
        flash(f"token {token_id} is revoked", "good")
        return redirect("/users", 303)


def _by() -> dict[str, str]:
    return {"who": g.user.name, "where": request.remote_addr or ""}

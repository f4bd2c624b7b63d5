"""Does every route of the app say who may call it? Asked when the app is built: a route that doesn't is a fault, not a hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import Flask

from mx.security.roles import Role, is_open_by_setting, is_public, needed_role
from system.errors import HorariumError

READING = frozenset({"GET", "HEAD", "OPTIONS"})
ANYBODY = "anybody"
STATIC = "static"


class UnguardedRoute(HorariumError):
    """A route changes something, and nobody said who may."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path, one method of it, and the role that it takes; `ANYBODY` where none."""

    path: str
    method: str
    role: str
    endpoint: str


def routes_of(app: Flask) -> list[Route]:
    """Return all routes, by path and method; HEAD and OPTIONS go with the others. Raises UnguardedRoute."""
    faults = list(_faults(app))
    if faults:
        raise UnguardedRoute("\n".join(["routes that nobody may call yet:", *(f"  - {fault}" for fault in faults)]))
    found = [
        Route(rule.rule, method, role_word(app, rule.endpoint), rule.endpoint)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]
    return sorted(found, key=lambda route: (route.path, route.method))


def role_word(app: Flask, endpoint: str) -> str:
    """Return the role that a route takes, as a word."""
    view = app.view_functions[endpoint]
    if endpoint == STATIC or is_public(view):
        return ANYBODY
    return (needed_role(view) or Role.VIEWER).value + (" or anybody, by a setting" if is_open_by_setting(view) else "")


def _faults(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        methods = set(rule.methods or ()) - {"OPTIONS"}
        view = app.view_functions[rule.endpoint]
        if methods <= READING:
            continue
        if methods & READING:
            yield f"{rule.rule} is read and changed by one function: make two, so that a GET can't change anything"
        if needed_role(view) is None and not is_public(view):
            yield f"{', '.join(sorted(methods))} {rule.rule} ({rule.endpoint}): mark it with @needs(Role....)"

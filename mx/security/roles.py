"""Which roles are there, and which one does a view function need?

A view function says it by a mark: `@needs(Role.OPERATOR)` under its route, or `@public`. The marks are read when the app is built
and at each request, by the gate; a mark lives on through `functools.wraps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

_MARK = "_horarium_needs"
_PUBLIC = "public"
_OPEN_MARK = "_horarium_open_by_setting"


class Role(Enum):
    """What somebody may do, the lowest first; each covers those before it."""

    VIEWER = "viewer"  # reads all there is, but for accounts
    OPERATOR = "operator"  # steers: reprocess, skip, hold, cancel, switch, start and stop
    ADMIN = "admin"  # throws away: a queue, a box; gives accounts and tokens, and reads what happened to them

    def covers(self, needed: Role) -> bool:
        """Say whether this role may do what `needed` may."""
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who makes a request: `g.user`. `name` stands in the audit log; `how` is the way in: local, session or token."""

    name: str
    role: Role
    how: str = "local"

    def may(self, needed: Role) -> bool:
        """Say whether this visitor may do what asks for `needed`; templates ask it before they show a button."""
        return self.role.covers(needed)


def needs(role: Role) -> Callable[[View], View]:
    """Mark a view function: only visitors whose role covers `role` get to it. Goes below the route's decorator.

    What changes something (POST, PUT, PATCH, DELETE) must carry a mark; what only reads needs one where a viewer may not read it.
    """

    def mark(view: View) -> View:
        setattr(view, _MARK, role)
        return view

    return mark


def public(view: View) -> View:
    """Mark a view function that answers anybody, without a login."""
    setattr(view, _MARK, _PUBLIC)
    return view


def open_by_setting(view: View) -> View:
    """Mark a view function that answers anybody where the setting mx_metrics says so: what a machine fetches to measure."""
    setattr(view, _OPEN_MARK, True)
    return view


def is_open_by_setting(view: object) -> bool:
    """Say whether a view function is open to anybody where the settings say so."""
    return bool(getattr(view, _OPEN_MARK, False))


def is_public(view: object) -> bool:
    """Say whether a view function answers anybody."""
    return getattr(view, _MARK, None) == _PUBLIC


def is_steering(view: object) -> bool:
    """Say whether a view function takes more than a viewer: one that is not a GET changes something then, and else is a question."""
    return needed_role(view) not in (None, Role.VIEWER)


def needed_role(view: object) -> Role | None:
    """Return the role that a view function is marked with, None where it is not marked."""
    mark = getattr(view, _MARK, None)
    return mark if isinstance(mark, Role) else None

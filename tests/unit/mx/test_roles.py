"""Does each role cover those below it, and does a view function's mark last?"""

from __future__ import annotations

import functools

from mx.security.roles import Role, Visitor, is_public, needed_role, needs, public


def test_a_role_covers_itself_and_those_before_it() -> None:
    covered = {(one, other) for one in Role for other in Role if one.covers(other)}
    viewer, operator, admin = Role
    assert covered == {
        (viewer, viewer), (operator, viewer), (operator, operator), (admin, viewer), (admin, operator), (admin, admin),
    }  # fmt: skip


def test_a_visitor_may_do_what_the_role_covers() -> None:
    assert Visitor("ann", Role.OPERATOR).may(Role.VIEWER)
    assert not Visitor("ann", Role.OPERATOR).may(Role.ADMIN)


def test_a_view_keeps_its_mark_when_it_is_wrapped() -> None:
    @needs(Role.OPERATOR)
    def skip() -> str:
        return "skipped"

    @functools.wraps(skip)
    def outer() -> str:
        return skip()

    assert needed_role(skip) is Role.OPERATOR
    assert needed_role(outer) is Role.OPERATOR
    assert not is_public(outer)


def test_a_public_view_needs_no_role() -> None:
    @public
    def healthz() -> str:
        return "ok"

    assert is_public(healthz)
    assert needed_role(healthz) is None


def test_a_view_without_a_mark_is_neither_public_nor_of_a_role() -> None:
    def page() -> str:
        return "page"

    assert not is_public(page)
    assert needed_role(page) is None

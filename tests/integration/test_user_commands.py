"""Do `launch.py user` and `launch.py token` make, show and take away what lets people and programs in?"""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pytest

from db.urls import open_store
from launcher.parts import Roof
from launcher.web.first_link import link_path
from mx.security.accounts import Accounts
from mx.security.passwords import is_right
from mx.security.roles import Role
from mx.security.secrets import read_token
from system.clock import RealClock
from tests.support.gates import PASSWORD, cheap_passwords
from tests.support.pretended_roof import Terminal


@pytest.fixture
def terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    cheap_passwords(monkeypatch)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\nnext line\n"))
    return Terminal(Roof({}, tmp_path), capsys)


@pytest.fixture
def accounts(terminal: Terminal) -> Accounts:
    """The accounts as another program sees them: ann is an admin, bob an operator."""
    assert terminal.run("user", "add", "ann", "--role", "admin") == 0
    assert terminal.run("user", "add", "bob", "--role", "operator", "--without-password") == 0
    return Accounts(open_store(terminal.roof.settings.store_url), RealClock())


def test_a_password_comes_from_stdin_and_is_shown_nowhere(terminal: Terminal, accounts: Accounts) -> None:
    ann, bob = accounts.users()
    assert is_right(PASSWORD, ann.password)
    assert (ann.role, bob.role, bob.password) == (Role.ADMIN, Role.OPERATOR, "")
    listed = terminal.json("user", "list")
    assert [(user["name"], user["role"], user["has_password"]) for user in listed] == [("ann", "admin", True), ("bob", "operator", False)]
    assert ann.password not in terminal.out
    assert [event.who for event in accounts.journal.latest(9)] == [ann.made_by] * 2
    assert ann.made_by.endswith("(local)")


@pytest.mark.parametrize("typed", ["", "\n", "short\n", "password1234\n"])
def test_a_password_that_is_none_or_weak_makes_no_account(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert terminal.run("user", "add", "ann") == 1
    assert terminal.err.startswith("error: ")
    assert terminal.json("user", "list") == []


def test_what_is_done_to_a_user_is_done(terminal: Terminal, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("quite another password\r\n"))
    for words in (("role", "bob", "admin"), ("password", "bob"), ("disable", "ann"), ("enable", "ann"), ("remove", "ann")):
        assert terminal.run("user", *words) == 0, terminal.err
    (bob,) = accounts.users()
    assert (bob.role, is_right("quite another password", bob.password)) == (Role.ADMIN, True)


def test_the_last_admin_stays(terminal: Terminal, accounts: Accounts) -> None:
    for words in (("remove", "ann"), ("disable", "ann"), ("role", "ann", "viewer")):
        assert terminal.run("user", *words) == 1
        assert "ann is the last admin" in terminal.err
    assert [user.name for user in accounts.users()] == ["ann", "bob"]


def test_a_token_is_printed_once_alone_and_works(terminal: Terminal, accounts: Accounts) -> None:
    assert terminal.run("token", "add", "bob", "ci", "--role", "operator", "--days", "30") == 0
    secret = read_token(terminal.out.strip())
    assert secret is not None
    found = accounts.token_user(secret)
    assert found is not None
    assert (found[0].name, found[0].role, found[1].name) == ("ci", Role.OPERATOR, "bob")
    (listed,) = terminal.json("token", "list", "--user", "bob")
    assert listed["id"] == secret.id
    assert secret.secret not in terminal.out
    assert "digest" not in listed
    assert terminal.run("token", "revoke", secret.id) == 0
    assert (accounts.token_user(secret), terminal.json("token", "list")) == (None, [])


def test_a_token_of_nobody_or_beyond_its_user_is_refused(terminal: Terminal, accounts: Accounts) -> None:
    assert accounts.tokens() == []
    for words in (("add", "eve", "ci"), ("add", "bob", "ci", "--role", "admin"), ("add", "bob", "ci", "--days", "-1"), ("revoke", "x")):
        assert terminal.run("token", *words) == 1
        assert terminal.err.startswith("error: ")
    assert terminal.json("token", "list") == []


def test_a_link_makes_an_admin_once_and_its_file_is_its_owners_alone(terminal: Terminal, accounts: Accounts) -> None:
    assert terminal.run("user", "link") == 0
    first = re.findall(r"/welcome/([\w-]{43})", terminal.out)
    path = link_path(terminal.roof.settings.folder)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert terminal.run("user", "link") == 0
    (second,) = re.findall(r"/welcome/([\w-]{43})", terminal.out)
    assert [accounts.link(secret) is not None for secret in (*first, second)] == [False, True]
    assert accounts.use_link(second, "eve", PASSWORD).role is Role.ADMIN


def test_a_link_for_a_user_leads_to_a_password(terminal: Terminal, accounts: Accounts) -> None:
    assert terminal.run("user", "link", "bob") == 0
    (secret,) = re.findall(r"/welcome/([\w-]{43})", terminal.out)
    assert accounts.use_link(secret, "", PASSWORD).name == "bob"
    assert terminal.run("user", "link", "nobody") == 1

"""How do the commands on the box get at accounts and tokens, and at a password? By the store; a password never by an argument."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import click

from launcher import store_mark
from launcher.named import BadName
from launcher.parts import Roof, make_writable, opened_store
from launcher.web.gate import local_name
from mx.security.accounts import Accounts, read_role
from mx.security.errors import Refusal
from mx.security.roles import Role
from system.clock import RealClock

_LONGEST_LINE = 1_000
ROLES = click.Choice([role.value for role in Role])


@contextmanager
def accounts_of(roof: Roof) -> Iterator[Accounts]:
    """Open the accounts that the store keeps; raises ConfigError, StoreError or Unavailable. The clock is the real one, also in a trial."""
    settings = roof.settings
    if settings.store_url == "memory:":
        raise BadName("the store is memory:, which lives in one process only: it keeps no accounts")
    make_writable(settings.folder)
    with closing(opened_store(settings)) as store:
        store.prepare()
        store_mark.note(settings)
        yield Accounts(store, RealClock())


def role_of(text: str) -> Role:
    """Return the role of that name."""
    return read_role(text)


def who_asks() -> str:
    """Return what stands in the journal for who gives a command."""
    return local_name()


def asked_password(name: str) -> str:
    """Return the password that a person types twice, or that stands in the first line of stdin where that is no terminal."""
    if sys.stdin.isatty():
        typed: str = click.prompt(f"Password of {name}", hide_input=True, confirmation_prompt=True, err=True)
        return typed
    line = sys.stdin.readline(_LONGEST_LINE).rstrip("\r\n")
    if not line:
        raise Refusal("no password came: type it in a terminal, or write it to stdin")
    return line

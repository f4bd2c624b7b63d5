"""Which programs may call the API? `launch.py token`: tokens made, seen and revoked on the box itself."""

from __future__ import annotations

import click
from rich.markup import escape

from launcher.accounts import ROLES, accounts_of, role_of, who_asks
from launcher.group import CommandGroup
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, show, show_json, table_of
from mx.security.records import Token


@click.group("token", cls=CommandGroup)
def token_group() -> None:
    """See and change which tokens call the API of the dashboard."""


@token_group.command("list")
@click.option("--user", "user", default="", metavar="NAME", help="Those of one user.")
@json_option
@click.pass_obj
def list_command(roof: Roof, *, user: str, as_json: bool) -> None:
    """Show all tokens, but not what they are called with."""
    with accounts_of(roof) as accounts:
        tokens = accounts.tokens(user)
    if as_json:
        show_json([_shown(token) for token in tokens])
        return
    if not tokens:
        say("there is no token: `launch.py token add USER NAME` makes one")
        return
    table = table_of("id", "user", "name", "role", "last used", "ends", whole=("id", "role", "last used", "ends"))
    for token in tokens:
        ends = moment(token.ends_at) if token.ends_at else "never"
        table.add_row(token.id, escape(token.user), escape(token.name), token.role.value, moment(token.used_at), ends)
    show(table)


@token_group.command("add")
@click.argument("user")
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What it may do; never more than its user.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it is good; 0: without end.")
@json_option
@click.pass_obj
def add_command(roof: Roof, *, user: str, name: str, role: str, days: int, as_json: bool) -> None:
    """Make a token of USER; NAME says what will use it.

    It is printed this once, alone on stdout.
    """
    with accounts_of(roof) as accounts:
        made, secret = accounts.add_token(user, name, role_of(role), days, who=who_asks())
    if as_json:
        show_json({**_shown(made), "token": secret.text})
        return
    click.echo(secret.text)
    say("keep it where a password may be kept: it is not shown again", err=True)


@token_group.command("revoke")
@click.argument("token_id", metavar="ID")
@click.pass_obj
def revoke_command(roof: Roof, *, token_id: str) -> None:
    """Take a token away; ID is as `launch.py token list` shows it."""
    with accounts_of(roof) as accounts:
        accounts.revoke(token_id, who=who_asks())
    say(f"token {token_id} is revoked")


def _shown(token: Token) -> dict[str, object]:
    return token.model_dump(mode="json", exclude={"digest"})

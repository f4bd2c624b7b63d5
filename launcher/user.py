"""Who has an account of the dashboard? `launch.py user`: made, changed and taken away on the box itself, also where mx does not run."""

from __future__ import annotations

import click
from rich.markup import escape

from launcher.accounts import ROLES, accounts_of, asked_password, role_of, who_asks
from launcher.group import CommandGroup
from launcher.parts import Roof
from launcher.say import say
from launcher.screen import json_option, moment, show, show_json, table_of
from launcher.web.address import PORT, told
from launcher.web.first_link import keep, make
from mx.security.records import User

_NAME = click.argument("name")


@click.group("user", cls=CommandGroup)
def user_group() -> None:
    """See and change who may log in to the dashboard."""


@user_group.command("list")
@json_option
@click.pass_obj
def list_command(roof: Roof, *, as_json: bool) -> None:
    """Show all users."""
    with accounts_of(roof) as accounts:
        users = accounts.users()
    if as_json:
        show_json([_shown(user) for user in users])
        return
    if not users:
        say("nobody has an account: `launch.py user add NAME --role admin` makes one, `launch.py user link` a link to make one")
        return
    table = table_of("user", "role", "last login", "made", "by", whole=("user", "role", "last login", "made"))
    for user in users:
        state = "disabled" if user.is_disabled else user.role.value
        table.add_row(escape(user.name), state, moment(user.seen_at), moment(user.made_at), escape(user.made_by))
    show(table)


@user_group.command("add")
@_NAME
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What the user may do.")
@click.option("--without-password", is_flag=True, help="For a program: only its tokens will serve.")
@click.pass_obj
def add_command(roof: Roof, *, name: str, role: str, without_password: bool) -> None:
    """Make an account.

    The password is asked for, or read from the first line of stdin where that is no terminal.
    """
    with accounts_of(roof) as accounts:
        password = "" if without_password else asked_password(name)
        user = accounts.add_user(name, role_of(role), password, who=who_asks())
    say(f"{user.name} is {user.role.value}")


@user_group.command("password")
@_NAME
@click.pass_obj
def password_command(roof: Roof, *, name: str) -> None:
    """Set another password; all logins of the user end.

    It is asked for, or read from the first line of stdin where that is no terminal.
    """
    with accounts_of(roof) as accounts:
        accounts.set_password(name, asked_password(name), who=who_asks())
    say(f"the password of {name} is set, and all logins have ended")


@user_group.command("role")
@_NAME
@click.argument("role", type=ROLES)
@click.pass_obj
def role_command(roof: Roof, *, name: str, role: str) -> None:
    """Give a user another role."""
    with accounts_of(roof) as accounts:
        accounts.set_role(name, role_of(role), who=who_asks())
    say(f"{name} is {role}")


@user_group.command("disable")
@_NAME
@click.pass_obj
def disable_command(roof: Roof, *, name: str) -> None:
    """Shut a user out, with all logins and tokens."""
    with accounts_of(roof) as accounts:
        accounts.disable(name, is_disabled=True, who=who_asks())
    say(f"{name} is shut out; `launch.py user enable {name}` lets the user in again")


@user_group.command("enable")
@_NAME
@click.pass_obj
def enable_command(roof: Roof, *, name: str) -> None:
    """Let a user in again who was shut out."""
    with accounts_of(roof) as accounts:
        accounts.disable(name, is_disabled=False, who=who_asks())
    say(f"{name} may come in again")


@user_group.command("remove")
@_NAME
@click.pass_obj
def remove_command(roof: Roof, *, name: str) -> None:
    """Remove a user, with all tokens."""
    with accounts_of(roof) as accounts:
        accounts.remove_user(name, who=who_asks())
    say(f"{name} is removed")


@user_group.command("link")
@click.argument("name", required=False, default="")
@click.pass_obj
def link_command(roof: Roof, *, name: str) -> None:
    """Print a link that is good once: to make an admin, or for user NAME to choose a password."""
    settings = roof.settings
    url = told(settings.folder)
    with accounts_of(roof) as accounts:
        if name:
            link = f"{url or _unknown()}welcome/{accounts.add_link(name, who=who_asks())}"
        else:
            link = make(accounts, url or _unknown(), who=who_asks())
            keep(link, settings.folder)
    say(f"good once, for 24 hours, {f'for {name} to choose a password' if name else 'to make an admin'}:")
    click.echo(link)
    if not url:
        say("no dashboard runs here just now: put its address in front", err=True)


def _unknown() -> str:
    return f"http://HOST:{PORT}/"


def _shown(user: User) -> dict[str, object]:
    shown: dict[str, object] = user.model_dump(mode="json", exclude={"password", "epoch"})
    return {**shown, "has_password": bool(user.password)}

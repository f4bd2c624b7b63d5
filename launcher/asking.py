"""Is the person sure? A question on the terminal; a program says `--yes`."""

from __future__ import annotations

import sys

import click

from launcher.say import say


def sure(question: str, *, is_sure: bool) -> bool:
    """Return whether to go on: `--yes` was given, or a person at a terminal says so. Where it is not so, that has been said."""
    if is_sure:
        return True
    if not sys.stdin.isatty():
        say(f"error: nothing was done, as nobody is there to be asked ({question}): add --yes", err=True)
        return False
    if click.confirm(question, err=True):
        return True
    say("nothing was done", err=True)
    return False

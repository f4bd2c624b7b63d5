"""What did somebody type into a form or an address? Read strictly, and refused with a sentence that says what is expected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import urlencode

from flask import redirect, request
from flask.typing import ResponseReturnValue

from mx.security import csrf
from system.errors import HorariumError

PAGE = 50
LONGEST_REASON = 1_000
_MOST_TOLD = 50


class BadForm(HorariumError):
    """A form was sent that can't be carried out; nothing was changed."""


def reason() -> str:
    """Return why somebody does something; raises BadForm where they don't say."""
    text = request.form.get("reason", "").strip()
    if not text:
        raise BadForm("say why: the reason is empty. It is kept with the command, for whoever reads it later. Nothing was changed")
    if len(text) > LONGEST_REASON:
        raise BadForm(f"the reason has {len(text):,} characters: {LONGEST_REASON:,} at most. Nothing was changed")
    return text


def chosen(name: str, choices: Sequence[str]) -> str:
    """Return a field of a form that is one of `choices`; raises BadForm."""
    found = request.form.get(name, "")
    if found not in choices:
        raise BadForm(f"{name} is {found!r}: expected one of {', '.join(choices)}. Nothing was changed")
    return found


def sending() -> str:
    """Return what marks a form: the same however often it is sent, so that what it asks for is done once. Empty for a program's.

    One that was filled in otherwise, after a step back, is another one.
    """
    once = csrf.sending(request.headers.get(csrf.HEADER) or request.form.get(csrf.FIELD, ""))
    filled = sorted(pair for pair in request.form.items(multi=True) if pair[0] != csrf.FIELD)
    return f"{once}-{sha256(repr(filled).encode()).hexdigest()[:16]}" if once else ""


def number(name: str, default: int, *, least: int = 0, most: int = 1_000_000) -> int:
    """Return a number of the address, within its bounds; the default where there is none."""
    found = request.args.get(name, "")
    return min(most, max(least, int(found))) if found.isascii() and found.isdecimal() and len(found) < 10 else default


def words(name: str = "q", most: int = 200) -> str:
    """Return a text of the address, cut to a length."""
    return " ".join(request.args.get(name, "").split())[:most]


@dataclass(frozen=True, slots=True)
class Pager:
    """Which part of a list a page shows, and the addresses of its neighbours; empty for none."""

    page: int
    total: int
    size: int = PAGE

    @property
    def first(self) -> int:
        """The number of the first row, from 1."""
        return min(self.total, (self.page - 1) * self.size + 1)

    @property
    def last(self) -> int:
        """The number of the last row."""
        return min(self.total, self.page * self.size)

    @property
    def before(self) -> str:
        """The address of the page before."""
        return here(page=self.page - 1) if self.page > 1 else ""

    @property
    def after(self) -> str:
        """The address of the next page."""
        return here(page=self.page + 1) if self.last < self.total else ""


def page_number() -> int:
    """Return the number of the page that is asked for, from 1."""
    return number("page", 1, least=1)


def here(**changed: object) -> str:
    """Return the address of this page with some of its parameters changed; an empty one is left out."""
    given = {name: value for name, value in request.args.items() if name not in ("fragment", "told")}
    given |= {name: str(value) for name, value in changed.items()}
    kept = {name: value for name, value in given.items() if value not in ("", "0")}
    return f"{request.path}?{urlencode(kept)}" if kept else request.path


def told() -> list[int]:
    """Return the numbers of the commands that were just given, as the address has them."""
    parts = request.args.get("told", "").split(",")[:_MOST_TOLD]
    return [int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 10]


def back(path: str, numbers: Sequence[int]) -> ResponseReturnValue:
    """Go back to a page of ours, which then shows the answers of these commands."""
    joint = "&" if "?" in path else "?"
    return redirect(f"{path}{joint}{urlencode({'told': ','.join(map(str, numbers[:_MOST_TOLD]))}, safe=',')}", 303)


def place(default: str) -> str:
    """Return where a form says to go back to, if that is the page `default` with some parameters; else that page."""
    wanted = request.form.get("back", "")
    path, _, query = wanted.partition("?")
    is_ours = path == default and "\\" not in wanted and wanted.isprintable() and "told=" not in query
    return wanted if is_ours else default

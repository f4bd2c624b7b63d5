"""How does the first admin get in, where a login is asked for and nobody has an account? By a link that is good once, shown on the box."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from launcher.web.address import asks_for_login, told
from settings import Settings
from system.clock import RealClock
from system.errors import HorariumError

if TYPE_CHECKING:
    from db.store import Store
    from mx.security.accounts import Accounts
    from mx.security.entrance import Entrance

log = logging.getLogger(__name__)

_AGAIN_S = 2.0


def link_path(var: Path) -> Path:
    """Return the file that holds the link, which its owner alone may read."""
    return var / "run" / "mx.link"


def told_link(var: Path) -> str:
    """Return the link to make the first admin, empty where there is none."""
    try:
        return link_path(var).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def offer(entrance: Entrance, url: str, settings: Settings, said: Callable[[str], None]) -> None:
    """Make this box's link once the store is there, where nobody has an account yet; `said` is told it. Does so beside what goes on."""
    if entrance.settings.has_login:
        args = (entrance.accounts, url, settings.folder, settings.box, said)
        Thread(target=_offer, args=args, name="first link", daemon=True).start()


def _offer(accounts: Accounts, url: str, var: Path, box: str, said: Callable[[str], None]) -> None:
    clock = RealClock()
    while True:
        try:
            if accounts.has_any():
                link_path(var).unlink(missing_ok=True)
                return
            link = make_first(accounts, url, box)
            break
        except HorariumError as error:
            log.debug("no link for the first admin yet: %s", error)
            clock.sleep(_AGAIN_S)
    keep(link, var)
    log.warning("nobody has an account: `launch.py user link` prints a link to make the first admin", extra={"action": "no_account"})
    said(link)


def shown_address(settings: Settings, store: Store) -> str:
    """Return where the dashboard is, with the link for the first admin where nobody has an account yet; empty until both are there."""
    url = told(settings.folder)
    if not url or not asks_for_login(settings):
        return url
    from mx.security.accounts import Accounts  # late: it takes as long to read as all else that `up` needs

    if Accounts(store, RealClock()).has_any():
        return url
    link = told_link(settings.folder)
    return f"{url} (to make the first admin, once: {link})" if link else ""


def make_first(accounts: Accounts, url: str, box: str) -> str:
    """Return a link to make the first admin, as each box's dashboard prints one; the one before it of this box is good no more.

    Those of the other boxes stay good until there is an admin: whichever somebody has seen, it works.
    """
    from mx.security.accounts import FIRST_START

    who = f"{FIRST_START} on {box}"
    accounts.drop_admin_links(made_by=who.__eq__)
    return f"{url}welcome/{accounts.add_link('', who=who)}"


def make(accounts: Accounts, url: str, *, who: str) -> str:
    """Return a link to make an admin; those before it are good no more."""
    accounts.drop_admin_links()
    return f"{url}welcome/{accounts.add_link('', who=who)}"


def keep(link: str, var: Path) -> None:
    """Write a link where its owner finds it."""
    path = link_path(var)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(f"{link}\n")

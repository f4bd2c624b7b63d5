"""What do the gate and its pages know of a deployment: who may log in, how, and by which names mx is called?"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

from mx.security.accounts import Accounts
from mx.security.drawers import Drawer, Shelf
from mx.security.hosts import may_be_called
from mx.security.logins import Lasting, Logins
from mx.security.proxies import Network
from mx.security.records import Secret
from mx.security.roles import Role, Visitor
from mx.security.secrets import new_secret, read_token
from system.clock import Clock
from system.errors import StoreError

_KEY = "signing"


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How the gate stands. `hosts` are names by which mx is called, `local` names who comes in without a login, `port` its own."""

    has_login: bool
    hosts: frozenset[str] = frozenset()
    proxies: tuple[Network, ...] = ()
    lasting: Lasting = Lasting()  # noqa: RUF009  frozen
    has_open_metrics: bool = False
    local: str = "local"
    port: int = 0


class Entrance:
    """Accounts and logins over a store that may be away at first; how the gate stands."""

    def __init__(self, shelf: Shelf, clock: Clock, settings: GateSettings) -> None:
        self.settings = settings
        self.accounts = Accounts(shelf, clock)
        self.logins = Logins(shelf, self.accounts, clock, settings.lasting)
        self._clock = clock
        self._secrets = Drawer(shelf, "secret", Secret)
        self._key = ""
        self._lock = Lock()

    def key(self) -> str:
        """Return what tokens of forms are signed with: one for all mx over the store, or, without a login, of this process."""
        with self._lock:
            if not self._key:
                self._key = self._shared_key() if self.settings.has_login else new_secret()
            return self._key

    def local(self) -> Visitor:
        """Return who comes in where nobody has to log in: whoever has an account of this machine."""
        return Visitor(self.settings.local, Role.ADMIN, "local")

    def by_token(self, text: str) -> Visitor | None:
        """Return the visitor of an API token, None where it is none that is good."""
        given = read_token(text)
        found = self.accounts.token_user(given) if given else None
        if found is None:
            return None
        token, user = found
        role = token.role if user.role.covers(token.role) else user.role
        return Visitor(f"{user.name} (token {token.name})", role, "token")

    def by_cookie(self, secret: str, *, is_active: bool) -> Visitor | None:
        """Return the visitor of a login session, None where it has ended."""
        user = self.logins.user_of(secret, is_active=is_active) if secret else None
        return Visitor(user.name, user.role, "session") if user else None

    def may_be_called(self, host: str) -> bool:
        """Say whether mx answers to a `Host` header."""
        return may_be_called(host, self.settings.hosts, has_login=self.settings.has_login)

    def _shared_key(self) -> str:
        made = Secret(key=new_secret(), made_at=self._clock.now())
        self._secrets.add(_KEY, made)
        found = self._secrets.get(_KEY)  # of several that begin at once the first one's counts
        if found is None:
            raise StoreError("the secret that mx signs with is not kept by the store")
        return found.key

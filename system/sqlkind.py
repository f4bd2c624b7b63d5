"""What must be known of a kind of database server beyond SQL? One small port; each kind answers it in a file of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from system.sqldatabase import Product
from system.tls import TlsOptions

# How long to wait for a connection; for the answer to a statement, by the server's clock; for a row that another holds; and how long a
# transaction of a process that was stopped in the middle may hold rows that others want.
CONNECT_S = 5
STATEMENT_S = 30
LOCK_S = 10
IDLE_S = 60


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a driver's error means, and what to do: `is_passing` where the same call may succeed later, `again` where it may at once.

    `is_elsewhere`: by this connection it never may, since another server leads now; by a new one it may.
    """

    advice: str
    is_passing: bool = False
    again: bool = False
    is_elsewhere: bool = False


class ServerKind(ABC):
    """One kind of server."""

    name: str
    # SQLAlchemy's name of dialect and driver, and what to install where the driver is missing.
    driver: str
    package: str
    # Whether a session may say that its commits need not wait for the disk.
    has_quick_commits: bool
    # How a URL's options are called that are about TLS.
    tls: TlsOptions

    @abstractmethod
    def option_names(self) -> set[str]:
        """Return what the driver takes behind the `?` of a URL, beside host, user and database."""

    @abstractmethod
    def tls_fault(self, query: Mapping[str, object]) -> str:
        """Return why what a URL says of TLS would leave the server's certificate unverified, and what to say instead; empty where not."""

    @abstractmethod
    def connect_args(self, *, is_patient: bool = False) -> dict[str, Any]:
        """Return what the driver is given beside the URL: finite timeouts above all; if `is_patient`, none for the answer."""

    @abstractmethod
    def amend(self, given: dict[str, Any]) -> None:
        """Change what SQLAlchemy is about to give the driver."""

    @abstractmethod
    def set_up(self, cursor: Any) -> None:
        """Give a new session the isolation, the time zone and the limits that the store counts on."""

    @abstractmethod
    def speak_utc(self, cursor: Any) -> None:
        """Have a new session of somebody else's database, where nothing else is set up, take and tell moments in UTC."""

    @abstractmethod
    def hurry(self, cursor: Any) -> None:
        """Have the commits of a new session not wait for the disk, where `has_quick_commits`."""

    @abstractmethod
    def be_patient(self, cursor: Any) -> None:
        """Have the statements of a new session take as long as they need; what others hold is waited for no longer than ever."""

    @abstractmethod
    def product(self, conn: sa.Connection) -> Product:
        """Return which server this is, what is wrong with it or the database, with what to do about it, and what time it has."""

    @abstractmethod
    def lock(self, conn: sa.Connection, name: str) -> None:
        """Be the only one who migrates. Held until `unlock` or the end of the connection; raises where it can't be had in time."""

    @abstractmethod
    def unlock(self, conn: sa.Connection, name: str) -> None:
        """Let others migrate."""

    @abstractmethod
    def meaning(self, error: BaseException, url: sa.URL) -> Meaning:
        """Return what the driver's own error means."""

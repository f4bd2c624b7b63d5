"""What is kept of users, tokens, logins, links and failures? Each record is the JSON text of one paper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from mx.security.roles import Role


def _aware(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_aware)]


class Record(BaseModel):
    """A record; frozen, and strict about what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def until(self) -> datetime | None:
        """When nobody needs this record any more; None for never."""
        return None


class User(Record):
    """An account. `password` is a hash, empty where only tokens and links serve. A login is good for one `epoch` of its user."""

    name: str
    role: Role
    made_at: Moment
    made_by: str
    password: str = ""
    is_disabled: bool = False
    epoch: int = 1
    seen_at: Moment | None = None


class Token(Record):
    """An API token: of a user, with a name of its own, and a role that the user's own limits. `ends_at` None: no end."""

    id: str
    user: str
    name: str
    role: Role
    digest: str
    made_at: Moment
    made_by: str
    ends_at: Moment | None = None
    used_at: Moment | None = None

    @property
    def until(self) -> datetime | None:
        """Some days beyond its end, so that its owner still finds it and sees why it fails."""
        return None if self.ends_at is None else self.ends_at + timedelta(days=30)


class Login(Record):
    """A login session: of a user, in one epoch; kept under the digest of what the cookie holds."""

    user: str
    epoch: int
    began_at: Moment
    seen_at: Moment
    ends_at: Moment
    address: str
    agent: str = ""

    @property
    def until(self) -> datetime | None:
        """When it ends by itself."""
        return self.ends_at


class Link(Record):
    """A link that is good once: to choose the password of `user`, or, without one, to make an admin's account."""

    user: str
    made_at: Moment
    made_by: str
    ends_at: Moment

    @property
    def until(self) -> datetime | None:
        """When it is good no more."""
        return self.ends_at


class Failures(Record):
    """How often it failed in a row for a name or an address, and when last."""

    failures: int
    last: Moment

    @property
    def until(self) -> datetime | None:
        """When it is forgotten."""
        return self.last + timedelta(days=1)


class Secret(Record):
    """What the app signs with."""

    key: str
    made_at: Moment


class SecurityEvent(Record):
    """Something that happened to accounts: `who` did `what` to `whom`, from `address`; `text` tells the rest, its reason too."""

    at: Moment
    what: str
    who: str
    whom: str = ""
    address: str = ""
    text: str = ""

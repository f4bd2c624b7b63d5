"""Who is logged in? Sessions are kept in the store under the digest of what the cookie holds, so one ends where and when it is ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mx.security import passwords
from mx.security.accounts import Accounts
from mx.security.drawers import Drawer, Kept, Shelf
from mx.security.errors import NoEntry, Refusal, Throttled
from mx.security.journal import FAILED
from mx.security.records import Failures, Login, SecurityEvent, User
from mx.security.secrets import digest, new_secret
from mx.security.throttle import PER_ADDRESS, PER_NAME, Count, Rule, failed, forgiven, place_of, wait_s
from system.clock import Clock

_SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Lasting:
    """How long a login lasts: at most `whole`, and no longer than `idle` after it was used last."""

    whole: timedelta = timedelta(hours=24)
    idle: timedelta = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Entry:
    """A login that was just made: what the cookie is to hold, and whose it is."""

    secret: str
    login: Login
    user: User


class Throttle:
    """The failures of names and addresses, counted before anything is looked at: so of many attempts at once none is free."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self._failures = Drawer(shelf, "failures", Failures)
        self._clock = clock

    def attempt(self, name: str, where: str) -> None:
        """Count an attempt as failed, until `succeeded` says otherwise; raises Throttled where it comes too soon."""
        by_name, by_place = _keys(name, where)
        self._refuse_early(self._failures.get(by_name), PER_NAME)
        self._failures.change_or_add(by_place, lambda found: self._counted(found, PER_ADDRESS))
        self._failures.change_or_add(by_name, lambda found: self._counted(found, PER_NAME))

    def succeeded(self, name: str, where: str) -> None:
        """Forget the failures of a name. An address keeps its others: else an account of his own would free who tries those of others."""
        by_name, by_place = _keys(name, where)
        self._failures.drop(by_name)
        self._failures.change(by_place, lambda found: _record(forgiven(_count(found)), found))

    def clean(self) -> None:
        """Remove some of what is forgotten."""
        self._failures.drop_over(self._clock.now())

    def _counted(self, found: Failures | None, rule: Rule) -> Failures:
        self._refuse_early(found, rule)
        now = self._clock.now()
        return Failures(failures=failed(_count(found), rule, now).failures, last=now)

    def _refuse_early(self, found: Failures | None, rule: Rule) -> None:
        left = wait_s(_count(found), rule, self._clock.now())
        if left:
            raise Throttled(left)


class Logins:
    """Logging in and out, and whose login a cookie is."""

    def __init__(self, shelf: Shelf, accounts: Accounts, clock: Clock, lasting: Lasting) -> None:
        self._logins = Drawer(shelf, "login", Login)
        self._accounts = accounts
        self._clock = clock
        self._lasting = lasting
        self.throttle = Throttle(shelf, clock)

    def log_in(self, name: str, password: str, *, where: str, agent: str = "", before: str = "") -> Entry:
        """Begin a session, in place of the one that the cookie held `before`; raises NoEntry or Throttled."""
        user = self.checked(name, password, where=where)
        if before:
            self._logins.drop(digest(before))
        self._note("logged in", user.name, where)
        return self.begin(user, where=where, agent=agent)

    def checked(self, name: str, password: str, *, where: str) -> User:
        """Return the user of that name and password; raises NoEntry or Throttled. Takes as long whatever is wrong."""
        name = name.strip().lower()[:64]
        self.throttle.attempt(name, where)
        user = self._accounts.user(name) if name else None
        kept = user.password if user and not user.is_disabled else ""
        if not passwords.is_right(password, kept) or user is None:
            self._note(FAILED, name, where)
            raise NoEntry
        self.throttle.succeeded(name, where)
        if passwords.is_dated(kept):
            self._accounts.rehash(name, password, kept)
        return user

    def change_password(self, name: str, old: str, new: str, *, where: str, agent: str = "") -> Entry:
        """Set one's own password, which ends all one's logins, and begin a session anew. Raises Refusal, NoEntry or Throttled."""
        passwords.refuse_weak(new, name)
        self.checked(name, old, where=where)
        if old == new:
            raise Refusal("the new password is the old one")
        self._accounts.set_password(name, new, who=name, where=where)
        user = self._accounts.user(name)
        if user is None:
            raise NoEntry
        return self.begin(user, where=where, agent=agent)

    def begin(self, user: User, *, where: str, agent: str = "") -> Entry:
        """Begin a session of somebody who has proven who that is."""
        now, secret = self._clock.now(), new_secret()
        self._accounts.seen(user.name)
        self._logins.drop_over(now)
        self.throttle.clean()
        login = Login(
            user=user.name, epoch=user.epoch, began_at=now, seen_at=now, ends_at=now + self._lasting.whole, address=where, agent=agent[:200]
        )
        self._logins.add(digest(secret), login)
        self._accounts.seen(user.name)
        return Entry(secret, login, user)

    def user_of(self, secret: str, *, is_active: bool = True) -> User | None:
        """Return whose login this is, None where it has ended. `is_active`: a person did something, so it is not idle."""
        kept = self._logins.find(digest(secret))
        if kept is None or not self._is_alive(kept.record):
            return None
        user = self._accounts.user(kept.record.user)
        if user is None or user.is_disabled or user.epoch != kept.record.epoch:
            self._logins.drop_kept(kept)
            return None
        if is_active and self._clock.now() - kept.record.seen_at >= _SEEN_EVERY:
            self._logins.touch(kept, kept.record.model_copy(update={"seen_at": self._clock.now()}))
        return user

    def log_out(self, secret: str, *, where: str) -> None:
        """End a session."""
        found = self._logins.get(digest(secret))
        if found and self._logins.drop(digest(secret)):
            self._note("logged out", found.user, where)

    def of(self, user: User) -> list[Kept[Login]]:
        """Return the sessions of a user that are good, the latest first."""
        found = [kept for kept in self._logins.all() if kept.record.user == user.name and kept.record.epoch == user.epoch]
        return sorted((kept for kept in found if self._is_alive(kept.record)), key=lambda kept: kept.record.began_at, reverse=True)

    def _is_alive(self, login: Login) -> bool:
        now = self._clock.now()
        return now < login.ends_at and now - login.seen_at < self._lasting.idle

    def _note(self, what: str, who: str, where: str) -> None:
        self._accounts.journal.write(SecurityEvent(at=self._clock.now(), what=what, who=who, address=where))


def _keys(name: str, where: str) -> tuple[str, str]:
    return f"name:{digest(name)[:32]}", f"address:{place_of(where)}"


def _count(found: Failures | None) -> Count:
    return Count(found.failures, found.last) if found else Count()


def _record(count: Count, found: Failures) -> Failures:
    return Failures(failures=count.failures, last=count.last or found.last)

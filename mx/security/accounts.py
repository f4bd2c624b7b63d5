"""Which users and tokens are there, and how are they made, changed and taken away? For the commands on the box and for mx alike.

Every change says who made it and stands in the journal. What names a user is in small letters, so that no two look alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from secrets import randbelow

from mx.security import passwords
from mx.security.drawers import Drawer, Shelf
from mx.security.errors import Refusal
from mx.security.journal import Journal
from mx.security.records import Link, SecurityEvent, Token, User
from mx.security.roles import Role
from mx.security.secrets import ApiToken, digest, is_same, new_secret, new_token
from system.clock import Clock

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_TOKEN_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,60}")
_MOST_TOKENS = 50
_MOST_DAYS = 3660
LINK_LASTS = timedelta(hours=24)
_USED_EVERY = timedelta(minutes=10)

_Changed = Callable[[User], User]


class Accounts:
    """Users, tokens and one-time links over a store. `where` is the visitor's address, for the journal; empty on the box itself."""

    def __init__(self, shelf: Shelf, clock: Clock) -> None:
        self.clock = clock
        self.journal = Journal(shelf)
        self._users = Drawer(shelf, "user", User)
        self._tokens = Drawer(shelf, "token", Token)
        self._links = Drawer(shelf, "link", Link)

    # -- users

    def users(self) -> list[User]:
        """Return all accounts, by name."""
        return [kept.record for kept in self._users.all()]

    def user(self, name: str) -> User | None:
        """Return one account, None where there is none."""
        return self._users.get(name)

    def has_any(self) -> bool:
        """Say whether there is an account."""
        return bool(self._users.some(1))

    def add_user(self, name: str, role: Role, password: str, *, who: str, where: str = "") -> User:
        """Make an account; without a password (empty) only tokens and links serve. Raises Refusal."""
        name = valid_name(name)
        if password:
            passwords.refuse_weak(password, name)
        kept = passwords.hashed(password) if password else ""
        made = User(name=name, role=role, password=kept, made_at=self.clock.now(), made_by=who, epoch=_new_epoch())
        if not self._users.add(name, made):
            raise Refusal(f"there is a user {name} already")
        self._note("user added", who, name, where, f"as {role.value}{'' if password else ', without a password'}")
        return made

    def set_password(self, name: str, password: str, *, who: str, where: str = "") -> None:
        """Give an account another password and end all its logins. Raises Refusal."""
        passwords.refuse_weak(password, name)
        kept = passwords.hashed(password)
        self._change(name, lambda user: user.model_copy(update={"password": kept, "epoch": user.epoch + 1}))
        self._drop_links(name)
        self._note("password set", who, name, where)

    def set_role(self, name: str, role: Role, *, who: str, where: str = "") -> None:
        """Give an account another role; raises Refusal where no admin would be left."""
        if role is not Role.ADMIN:
            self._refuse_last_admin(name)
        self._change(name, lambda user: user.model_copy(update={"role": role}))
        self._note("role set", who, name, where, f"to {role.value}")

    def disable(self, name: str, *, is_disabled: bool, who: str, where: str = "") -> None:
        """Shut an account, its logins and its tokens out, or let it in again; raises Refusal where no admin would be left."""
        if is_disabled:
            self._refuse_last_admin(name)
        self._change(name, lambda user: user.model_copy(update={"is_disabled": is_disabled, "epoch": user.epoch + 1}))
        self._drop_links(name)
        self._note("user disabled" if is_disabled else "user enabled", who, name, where)

    def end_logins(self, name: str, *, who: str, where: str = "") -> None:
        """End all logins of an account."""
        self._change(name, lambda user: user.model_copy(update={"epoch": user.epoch + 1}))
        self._note("logins ended", who, name, where)

    def remove_user(self, name: str, *, who: str, where: str = "") -> None:
        """Remove an account with its tokens and links; raises Refusal where no admin would be left."""
        self._refuse_last_admin(name)
        for token in self.tokens(name):
            self._tokens.drop(token.id)
        self._drop_links(name)
        if not self._users.drop(name):
            raise _no_user(name)
        self._note("user removed", who, name, where)

    def seen(self, name: str) -> None:
        """Note that somebody logged in."""
        self._users.change(name, lambda user: user.model_copy(update={"seen_at": self.clock.now()}))

    def rehash(self, name: str, password: str, kept: str) -> None:
        """Keep a password by today's method, where it still is the one that was kept before."""
        anew = passwords.hashed(password)
        self._users.change(name, lambda user: user.model_copy(update={"password": anew}) if user.password == kept else user)

    # -- tokens

    def tokens(self, user: str = "") -> list[Token]:
        """Return the tokens of a user, or of all, by user and time."""
        found = [kept.record for kept in self._tokens.all() if user in ("", kept.record.user)]
        return sorted(found, key=lambda token: (token.user, token.made_at, token.id))

    def add_token(self, user: str, name: str, role: Role, days: int, *, who: str, where: str = "") -> tuple[Token, ApiToken]:
        """Make a token that ends after `days` (0: never); what it is to be called with is given back here and never again."""
        owner = self._users.get(user)
        if owner is None:
            raise _no_user(user)
        name = name.strip()
        if not _TOKEN_NAME.fullmatch(name):
            raise Refusal("a token needs a name, of at most 60 characters: what will use it")
        if not 0 <= days <= _MOST_DAYS:
            raise Refusal(f"a token lasts 1 to {_MOST_DAYS} days, or 0 for no end: {days} was asked")
        if not owner.role.covers(role):
            raise Refusal(f"{user} is {owner.role.value}: a token can't be more than its user, so not {role.value}")
        if len(self.tokens(user)) >= _MOST_TOKENS:
            raise Refusal(f"{user} has {_MOST_TOKENS} tokens: revoke one first")
        now, secret = self.clock.now(), new_token()
        ends_at = now + timedelta(days=days) if days else None
        made = Token(id=secret.id, user=user, name=name, role=role, digest=digest(secret.secret), made_at=now, made_by=who, ends_at=ends_at)
        if not self._tokens.add(secret.id, made):
            raise Refusal("that id was taken: try once more")
        self._note("token added", who, user, where, f"{name} ({secret.id}), {role.value}, {f'{days} days' if days else 'no end'}")
        return made, secret

    def revoke(self, token_id: str, *, who: str, where: str = "") -> None:
        """Take a token away; raises Refusal where there is none."""
        found = self._tokens.get(token_id)
        if found is None or not self._tokens.drop(token_id):
            raise Refusal(f"there is no token {token_id}")
        self._note("token revoked", who, found.user, where, f"{found.name} ({token_id})")

    def token(self, token_id: str) -> Token | None:
        """Return one token by its id, None where there is none."""
        return self._tokens.get(token_id)

    def token_user(self, given: ApiToken) -> tuple[Token, User] | None:
        """Return the token and its user, where it is one, has not ended, and its user is not shut out."""
        kept, now = self._tokens.find(given.id), self.clock.now()
        if kept is None or not is_same(given.secret, kept.record.digest):
            return None
        token = kept.record
        user = self._users.get(token.user)
        if user is None or user.is_disabled or (token.ends_at is not None and token.ends_at <= now):
            return None
        if token.used_at is None or now - token.used_at >= _USED_EVERY:
            self._tokens.touch(kept, token.model_copy(update={"used_at": now}))
        return token, user

    # -- one-time links

    def add_link(self, user: str, *, who: str, where: str = "") -> str:
        """Return the secret of a link that is good once, for 24 h: for `user` to choose a password; without one, to make an admin."""
        if user and self._users.get(user) is None:
            raise _no_user(user)
        secret, now = new_secret(), self.clock.now()
        self._links.drop_over(now)
        if user:  # the last one counts
            self._drop_links(user)
        self._links.add(digest(secret), Link(user=user, made_at=now, made_by=who, ends_at=now + LINK_LASTS))
        self._note("link made", who, user, where, f"to choose the password of {user}" if user else "to make an admin")
        return secret

    def link(self, secret: str) -> Link | None:
        """Return the link of that secret where it is good; leaves it so."""
        found = self._links.get(digest(secret))
        return found if found and found.ends_at > self.clock.now() else None

    def use_link(self, secret: str, name: str, password: str, *, where: str = "") -> User:
        """Make the admin's account, or set the password, that a link is for; the link is used up. Raises Refusal, and leaves it then."""
        link = self.link(secret)
        if link is None:
            raise Refusal("this link was used before, or is too old: `launch.py user link` on the machine makes a new one")
        name = link.user or valid_name(name)
        passwords.refuse_weak(password, name)
        if not link.user and self._users.get(name):
            raise Refusal(f"there is a user {name} already")
        if not self._links.drop(digest(secret)):
            raise Refusal("this link was used in this very moment by somebody else")
        if link.user:
            self.set_password(name, password, who=name, where=where)
        else:
            self.add_user(name, Role.ADMIN, password, who=f"link of {link.made_by}", where=where)
        found = self._users.get(name)
        if found is None:
            raise _no_user(name)
        return found

    def drop_admin_links(self) -> None:
        """Take away all links to make an admin: those that a start printed before."""
        self._drop_links("")

    # -- inside

    def _drop_links(self, user: str) -> None:
        """Take away the links for a user; for none, those to make an admin."""
        for kept in self._links.all():
            if kept.record.user == user:
                self._links.drop_kept(kept)

    def _change(self, name: str, changed: _Changed) -> User:
        found = self._users.change(name, changed)
        if found is None:
            raise _no_user(name)
        return found

    def _refuse_last_admin(self, name: str) -> None:
        admins = [user.name for user in self.users() if user.role is Role.ADMIN and not user.is_disabled]
        if admins == [name]:
            raise Refusal(f"{name} is the last admin: make another one first")

    def _note(self, what: str, who: str, whom: str, where: str, text: str = "") -> None:
        self.journal.write(SecurityEvent(at=self.clock.now(), what=what, who=who, whom=whom, address=where, text=text))


def valid_name(name: str) -> str:
    """Return a user's name in small letters; raises Refusal that says what is expected."""
    low = name.strip().lower()
    if not _NAME.fullmatch(low):
        raise Refusal(
            f"{name.strip()[:80]!r} can't name a user: expected at most 64 small letters, digits and . _ @ + -, a letter or digit first"
        )
    return low


def read_role(text: str) -> Role:
    """Return the role of that name; raises Refusal."""
    try:
        return Role(text)
    except ValueError:
        raise Refusal(f"{text!r} is no role: expected {', '.join(role.value for role in Role)}") from None


def _new_epoch() -> int:
    """Return where the epochs of a new account begin: not where those of a removed one of its name have been."""
    return randbelow(2**48) + 1


def _no_user(name: str) -> Refusal:
    return Refusal(f"there is no user {name}")

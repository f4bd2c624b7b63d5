"""How are secrets made that nobody can guess, and how are they kept so that a thief of the store has none of them?

A secret of ours has 256 bits of chance: a plain hash keeps it, as nothing can be tried out. Passwords are another matter.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

TOKEN_PREFIX = "hor"  # noqa: S105  so that scanners for leaked secrets can know one
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_ID_LENGTH = 12
_TOKEN = re.compile(rf"{TOKEN_PREFIX}_([a-z0-9]{{{_ID_LENGTH}}})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token as its owner has it: `id` names it to everybody, `secret` is shown once."""

    id: str
    secret: str

    @property
    def text(self) -> str:
        """What stands behind `Authorization: Bearer`."""
        return f"{TOKEN_PREFIX}_{self.id}_{self.secret}"


def new_secret() -> str:
    """Return 256 bits of chance, in characters that a URL and a cookie take as they are."""
    return secrets.token_urlsafe(32)


def new_id() -> str:
    """Return a short name that nothing else has, without characters that are easily mistaken."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def new_token() -> ApiToken:
    """Return a token that nobody has."""
    return ApiToken(new_id(), new_secret())


def read_token(text: str) -> ApiToken | None:
    """Return the token that a text is, None where it is none."""
    found = _TOKEN.fullmatch(text)
    return ApiToken(found[1], found[2]) if found else None


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same(secret: str, kept: str) -> bool:
    """Say whether `kept` is the digest of `secret`, without telling by the time it takes how much of it fits."""
    return hmac.compare_digest(digest(secret), kept)


def signature(key: str, text: str) -> str:
    """Return what only who has `key` can write under `text`."""
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()

"""Is a password good enough, how is it kept, and is this the one? By scrypt, which werkzeug brings.

Argon2 was weighed: two more packages, one of them compiled, for a function that is no better against a guess over the network.
N = 2^15, r = 8, p = 3 is what OWASP asks of scrypt at 32 MB; a check takes about a third of a second.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from werkzeug.security import check_password_hash, generate_password_hash

from mx.security.errors import Refusal, Throttled

_METHOD = "scrypt:32768:8:3"
_LEAST, _MOST = 12, 200
_LEAST_DIFFERENT = 5
# What most guesses begin with, among those that are long enough.
_KNOWN = ("123456789012", "password", "qwertyuiop", "horarium", "letmein", "adminadmin", "iloveyou", "changeme", "welcome")
# Each check takes 32 MB and a CPU for a while: strangers must not get more than this many of them at once.
_AT_ONCE = BoundedSemaphore(4)
_PATIENCE_S = 10
# The hash of a password that nobody has: an unknown name takes as long to refuse as a wrong password.
_NOBODYS = (
    "scrypt:32768:8:3$Qm7yVb2nXk9rTd4w$"
    "0000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000000000000000000000000000"
)


def refuse_weak(password: str, name: str) -> None:
    """Raise Refusal that says what is expected, where a password is easily guessed. No rule about kinds of characters: length counts."""
    plain = _plain(password)
    if not _LEAST <= len(plain) <= _MOST:
        raise Refusal(f"the password has {len(plain)} characters: expected {_LEAST} to {_MOST}; a few words make a good one")
    if len(set(plain)) < _LEAST_DIFFERENT:
        raise Refusal(f"the password has only {len(set(plain))} different characters: expected {_LEAST_DIFFERENT} or more")
    low = plain.lower()
    for known in (*_KNOWN, name.lower()):
        low = low.replace(known, "")
    if len(low) < _LEAST // 2:
        raise Refusal("the password is one of those that are tried first, or the name itself: take another one")


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _turn():
        return generate_password_hash(_plain(password), method=_METHOD)


def is_right(password: str, kept: str) -> bool:
    """Say whether `kept` was made of this password. Takes as long where nothing is kept."""
    with _turn():
        is_same = check_password_hash(kept or _NOBODYS, _plain(password)[:_MOST])
    return is_same and bool(kept)


def is_dated(kept: str) -> bool:
    """Say whether a hash was made by another method than today's: the next login makes it anew."""
    return not kept.startswith(f"{_METHOD}$")


@contextmanager
def _turn() -> Iterator[None]:
    if not _AT_ONCE.acquire(timeout=_PATIENCE_S):
        raise Throttled(_PATIENCE_S)
    try:
        yield
    finally:
        _AT_ONCE.release()


def _plain(password: str) -> str:
    # One keyboard writes an umlaut as one sign, another one as two.
    return unicodedata.normalize("NFKC", password)

"""Does a form come from a page of ours, shown to this very visitor? A token proves it, and a marker stands for it in what is cached.

A token is a number used once and its signature over what the visitor's cookie holds: it differs in each answer, so that a compressed
one tells nothing of it, and is good as long as the cookie is.
"""

from __future__ import annotations

import hmac
import secrets

from mx.security.secrets import signature

FIELD = "csrf"
HEADER = "X-CSRF-Token"
_LONGEST = 64
# What stands in a rendered page where the token will: known to this process only, so no stored text can hold it.
MARKER = f"csrf-{secrets.token_hex(16)}"


def token(key: str, bound_to: str) -> str:
    """Return a token for who has `bound_to` in a cookie."""
    once = secrets.token_hex(8)
    return f"{once}.{_signed(key, once, bound_to)}"


def sending(text: str) -> str:
    """Return the number of a token: the same however often one form is sent, another one whenever a page is shown. Empty for none."""
    return text.partition(".")[0][:_LONGEST]


def is_token(text: str, key: str, bound_to: str) -> bool:
    """Say whether a text is a token that was given to who has `bound_to` in a cookie."""
    once, dot, signed = text.partition(".")
    return bool(dot and bound_to) and hmac.compare_digest(signed.encode(), _signed(key, once, bound_to).encode())


def _signed(key: str, once: str, bound_to: str) -> str:
    return signature(key, f"csrf\n{once}\n{bound_to}")

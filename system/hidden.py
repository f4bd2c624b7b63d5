"""What may be shown of a text that may hold a password? Passwords in URLs are replaced by `***`, wherever the text is going."""

from __future__ import annotations

import re

# Up to the last `@` before a space: a password may hold `@`, `/`, `:` and quotes itself. Rather too much is hidden than too little.
_USER_INFO = re.compile(r"(?P<front>\b[a-zA-Z][\w+.-]*://[^\s:@/]*):\S*@")
_ASSIGNED = re.compile(r"""(?P<front>[?&;](?:password|passwd|passphrase|pwd|secret|token|api_?key)=)[^\s&;'"]+""", re.IGNORECASE)


def hide(text: str) -> str:
    """Return `text` with every password in a URL replaced by `***`."""
    if "://" not in text:
        return text
    return _ASSIGNED.sub(r"\g<front>***", _USER_INFO.sub(r"\g<front>:***@", text))


def has_password(text: str) -> bool:
    """Return whether `text` holds a URL with a password."""
    return hide(text) != text

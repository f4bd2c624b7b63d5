"""What may be shown of a text that may hold a password? Passwords in URLs are replaced by `***`, wherever the text is going."""

from __future__ import annotations

import re

_WORD = re.compile(r"\S+")
_SCHEME = re.compile(r"[\w+.-]*")
_BEGINS = re.compile(r"(?:\A|[+.-])[a-zA-Z]")  # where, in what stands before `://`, a scheme can begin
_USER = re.compile(r"[^:@/]*:")
_ASSIGNED = re.compile(r"""(?P<front>[?&;](?:password|passwd|passphrase|pwd|secret|token|api_?key)=)[^\s&;'"]+""", re.IGNORECASE)


def hide(text: str) -> str:
    """Return `text` with every password in a URL replaced by `***`."""
    if "://" not in text:
        return text
    return _ASSIGNED.sub(r"\g<front>***", _WORD.sub(_without_user_info, text))


def _without_user_info(found: re.Match[str]) -> str:
    """Return one word without the password of the first URL in it that has one.

    Up to the last `@`: a password may hold `@`, `/`, `:` and quotes itself. Rather too much is hidden than too little. Each character
    is looked at a few times only, however long the word is: one pattern for all of it was quadratic, and logs hold any text.
    """
    word = found[0]
    last, begin = word.rfind("@"), 0
    while (at := word.find("://", begin, last + 1)) >= 0:
        before = _SCHEME.match(word[begin:at][::-1])
        user = _USER.match(word, at + 3)
        if before and _BEGINS.search(before[0][::-1]) and user and user.end() <= last:
            return f"{word[: user.end()]}***{word[last:]}"
        begin = at + 3
    return word


def has_password(text: str) -> bool:
    """Return whether `text` holds a URL with a password."""
    return hide(text) != text

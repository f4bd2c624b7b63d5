"""What may a page show of an argument? Its value as JSON, unless its name or its value says that it is a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from system.hidden import hide

HIDDEN = "***"
_SECRET = re.compile(r"(?:^|[^a-z])pass$|passw(?:or)?d|passphrase|pwd|secret|token|api_?key|credential|private_?key", re.IGNORECASE)


def shown_arguments(arguments: Mapping[str, object]) -> dict[str, str]:
    """Return each argument as JSON text; what may be a secret is `***`, at any depth."""
    return {name: json.dumps(_open(name, value), ensure_ascii=False, default=str) for name, value in arguments.items()}


def _open(name: str, value: object) -> object:
    if value and _SECRET.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): _open(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_open(name, inner) for inner in value]
    return hide(value) if isinstance(value, str) else value

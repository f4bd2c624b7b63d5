"""What may a page show of an argument? Its value as JSON, unless its name or its value says that it is a secret."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from system.hidden import hide

HIDDEN = "***"
_SECRET = re.compile(r"(?:^|[^a-z])pass$|passw|passphrase|pwd|secret|token|api_?key|credential|private", re.IGNORECASE)


def shown_arguments(arguments: Mapping[str, object]) -> dict[str, str]:
    """Return each argument as JSON text; what may be a secret is `***`, at any depth."""
    return {name: json.dumps(shown_value(name, value), ensure_ascii=False, default=str) for name, value in arguments.items()}


def shown_json(text: str) -> str:
    """Return JSON text without what may be a secret in it; what is no JSON is a text."""
    try:
        found = json.loads(text)
    except ValueError:
        return hide(text)
    shown = shown_value("", found)
    return text if shown == found else json.dumps(shown, ensure_ascii=False)


def shown_value(name: str, value: object) -> object:
    """Return a value of that name; what may be a secret is `***`, at any depth."""
    if value and _SECRET.search(name):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): shown_value(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [shown_value(name, inner) for inner in value]
    return hide(value) if isinstance(value, str) else value

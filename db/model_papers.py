"""Which records does the store keep for mx: accounts, tokens, logins? One shape for all; what a text says is mx's own affair."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Paper:
    """A text that is kept under (kind, key). `version` counts its writings from 1; `until`: when it may be removed, None for never."""

    kind: str
    key: str
    version: int
    text: str
    until: datetime | None = None

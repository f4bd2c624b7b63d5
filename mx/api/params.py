"""What may stand in an address? Values of paths and queries, taken as the OpenAPI document says and not a bit looser."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from mx.api.paging import MOST, USUAL
from mx.api.problems import Fault, Refused

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})")
_FIRST_YEAR, _LAST_YEAR = 1970, 9000
LONGEST_NAME = 190


def _flag(given: Any) -> Any:
    if given in (True, False, "true", "false"):
        return given in (True, "true")
    raise ValueError("write true or false")


def _count(given: Any) -> Any:
    if isinstance(given, int) or re.fullmatch(r"[0-9]{1,9}", str(given)):
        return int(given)
    raise ValueError("write a whole number")


def _instant(given: Any) -> Any:
    if isinstance(given, datetime):
        return given
    if not isinstance(given, str) or not _INSTANT.fullmatch(given):
        raise ValueError("write a moment with its zone, such as 2026-11-21T09:30:00Z; `+` in an address is written %2B")
    if not _FIRST_YEAR <= int(given[:4]) <= _LAST_YEAR:
        raise ValueError(f"write a moment between {_FIRST_YEAR} and {_LAST_YEAR}")
    return given


Flag = Annotated[bool, BeforeValidator(_flag)]
Count = Annotated[int, BeforeValidator(_count)]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant)]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^/\x00-\x1f]+$")]
PeriodId = Annotated[
    str, Field(pattern=r"^[0-9]{10}$", description="A timeperiod's id, such as 2026112109 (an hour) or 2026112100 (a day).")
]  # fmt: skip


def moment_of(text: str, name: str) -> datetime | None:
    """Return the moment that a text of a body names, None for the empty one; refuses others, naming the value."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(str(_instant(text)).upper().replace(" ", "T"))
    except ValueError as error:
        raise Refused(422, f"{name} is {text!r}: {error}", [Fault(where=name, what=str(error))]) from error


class Query(BaseModel):
    """What may follow the `?`; what it does not know is refused, since a filter with a typo would not filter."""

    model_config = ConfigDict(extra="forbid")


class Paged(Query):
    """What a list takes beside its filters."""

    limit: Count = Field(USUAL, ge=1, le=MOST, description="How many rows a page has at most.")
    cursor: str = Field("", max_length=1_000, description="`next` of the page before; empty for the first page.")


class ProcessPath(BaseModel):
    """A process in the address."""

    process: Name


class JobPath(ProcessPath):
    """A job in the address."""

    timeperiod: PeriodId


class Body(BaseModel):
    """What is sent: only what is known, and of the very types that are said."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Reasoned(Body):
    """What changes something says why."""

    why: str = Field(min_length=1, max_length=1_000, pattern=r"\S", description="The reason; it is kept with the command.")

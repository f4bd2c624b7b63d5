"""What does an endpoint return? A read model as JSON; what is asked again and has not changed costs no body (ETag)."""

from __future__ import annotations

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field

_CACHE = "private, no-cache"


def answer(model: BaseModel, status: int = 200, *, location: str = "") -> Response:
    """Return a model as JSON; `location` is the address of what was made."""
    response = Response(model.model_dump_json(), status, mimetype="application/json")
    if location:
        response.headers["Location"] = location
    return response


class Accepted(BaseModel):
    """A command that was stored. What becomes of it is at `/api/v1/commands/NUMBER`, which the header Location names, too."""

    model_config = ConfigDict(frozen=True)

    number: int = Field(ge=1)


def accepted(number: int) -> Response:
    """Return that a command was stored: the scheduler, or a supervisor, carries it out."""
    return answer(Accepted(number=number), 202, location=f"/api/v1/commands/{number}")


def with_etag(response: Response) -> Response:
    """Return a response to a reading request with the mark of its body, or 304 where the reader has that very body."""
    if request.method not in ("GET", "HEAD") or response.status_code != 200 or response.is_streamed:
        return response
    response.add_etag()
    response.headers.setdefault("Cache-Control", _CACHE)
    made = response.make_conditional(request)
    assert isinstance(made, Response)
    return made

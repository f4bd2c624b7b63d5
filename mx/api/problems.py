"""How does the API say that something went wrong? A problem document (RFC 9457) for every error, with what to do about it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus

from flask import Response, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException

from system import errors as ours
from system.errors import BrokerError, ConfigError, HorariumError, NotFound, ScheduleError, StoreError, TimeperiodError, Unavailable
from system.hidden import hide

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_S = 5
_DETAILS = {
    401: "no valid login came with the request: send `Authorization: Bearer TOKEN`, with a token that `launch.py token add` gave",
    403: "the role of this login may not do that: ask an admin for a token of a higher role",
    404: "there is nothing at this address: the OpenAPI document at /api/v1/openapi.json lists what there is",
    405: "this address does not know that method: the header Allow names those that it knows",
    413: "the request's body is too large: send it in smaller parts",
    415: "the request's body must be JSON, with the header `Content-Type: application/json`",
    429: "too many requests came from there: wait as long as the header Retry-After says",
    500: "the server failed over this request, and nothing was changed by what failed; mx's log says more",
}


class Fault(BaseModel):
    """What is wrong with one value of a request. `where` names it, such as `why` or `limit`; `body` is the whole."""

    model_config = ConfigDict(frozen=True)

    where: str
    what: str


class Problem(BaseModel):
    """What went wrong (RFC 9457). `detail` says what was asked, what was found and what to do."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(default="about:blank", description="The kind of problem; about:blank where the status says it all.")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(default="", description="The path that was asked for.")
    faults: tuple[Fault, ...] = ()


class Refused(HTTPException):
    """A request that the API does not carry out; `detail` says why, and what to do."""

    def __init__(self, status: int, detail: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.code = status
        self.faults = tuple(faults)


def problem(status: int, detail: str, faults: Sequence[Fault] = ()) -> Response:
    """Return the response that says so."""
    told = Problem(title=HTTPStatus(status).phrase, status=status, detail=hide(detail), instance=request.path, faults=tuple(faults))
    response = Response(told.model_dump_json(), status, mimetype=MEDIA_TYPE)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(RETRY_S)
    response.headers["Cache-Control"] = "no-store"
    return response


def of_http(error: HTTPException) -> Response:
    """Return the problem that an HTTP error is, with the headers that belong to it (Allow, Retry-After, WWW-Authenticate)."""
    if error.response is not None and error.response.mimetype == MEDIA_TYPE:
        assert isinstance(error.response, Response)
        return error.response
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:  # a redirect
        made = Response.force_type(error.get_response(request.environ), request.environ)  # werkzeug's own where a path is mended
        assert isinstance(made, Response)
        return made
    is_own = isinstance(error, Refused) or error.description != type(error).description
    detail = error.description if is_own and error.description else _DETAILS.get(status, error.description or HTTPStatus(status).phrase)
    response = problem(status, detail, getattr(error, "faults", ()))
    for name, value in error.get_response(request.environ).headers:
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def of_ours(error: HorariumError) -> Response:
    """Return the problem that an error of ours is."""
    return problem(_status_of(error), str(error))


def of_validation(error: ValidationError) -> Response:
    """Return the problem of a request whose values are not as the OpenAPI document says."""
    faults = [
        Fault(where=".".join(map(str, found["loc"])) or "body", what=found["msg"].removeprefix("Value error, "))
        for found in error.errors(include_url=False)
    ]
    said = "; ".join(f"{fault.where}: {fault.what}" for fault in faults[:3])
    more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
    return problem(422, f"the request is not as it should be: {said}{more}", faults)


def of_fault(error: Exception) -> Response:
    """Return the problem of a fault of ours, which goes into the log with its traceback and to nobody else."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem(500, _DETAILS[500])


def _status_of(error: HorariumError) -> int:
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, TimeperiodError):  # also in an address: there is no such job
        return 404 if request.view_args and "timeperiod" in request.view_args else 422
    if isinstance(error, ours.Refused):
        return 409
    if isinstance(error, ScheduleError | ConfigError):
        return 422
    if isinstance(error, Unavailable | BrokerError):
        return 503
    return 500 if isinstance(error, StoreError) else 422

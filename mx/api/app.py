"""What is the API built on? A Flask app that documents what it serves, and answers by problem documents where something goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_type_hints

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.info import Info
from flask_openapi3.models.tag import Tag
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel
from werkzeug.exceptions import HTTPException

from mx.api import problems
from mx.api.answers import with_etag
from mx.api.problems import Fault, Refused
from mx.desk import Desk
from mx.security.roles import is_steering
from system.errors import HorariumError

PREFIX = "/api/v1"
VERSION = "1.0.0"
_ALONE = ("/healthz", "/readyz", "/metrics")
# A request says what to do in a few words; a plan answers with thousands of rows.
MOST_BODY = 65_536

Area = Callable[[Desk], "Part"]


def is_api(path: str) -> bool:
    """Say whether a path is the API's, so that what goes wrong there is said to a program."""
    return path.startswith("/api/") or path in _ALONE


class ApiApp(OpenAPI):
    """Flask with OpenAPI. Errors under the API's paths are problem documents, whatever pages say of theirs."""

    def __init__(self, import_name: str, **given: Any) -> None:
        info = Info(title="Horarium", version=VERSION, description="Look at a deployment of Horarium, and steer it.")
        super().__init__(import_name, info=info, doc_ui=False, validation_error_callback=problems.of_validation, **given)
        self.described: dict[str, Any] | None = None
        self.answered: dict[str, dict[str, type[BaseModel]]] = {}
        self.taken: dict[str, type[BaseModel]] = {}
        self.steering: set[str] = set()
        self.before_request(_check_body)
        self.after_request(_finish)

    def handle_user_exception(self, error: Exception) -> ResponseReturnValue:
        """Answer an error."""
        if not is_api(request.path):
            return super().handle_user_exception(error)
        if isinstance(error, HTTPException):
            return problems.of_http(error)
        return problems.of_ours(error) if isinstance(error, HorariumError) else problems.of_fault(error)


class Part(APIBlueprint):
    """A part of the API. Remembers by operation which models are answered and taken, as the library names two of one name alike."""

    def __init__(self, name: str, **given: Any) -> None:
        self.answered: dict[str, dict[str, type[BaseModel]]] = {}
        self.taken: dict[str, type[BaseModel]] = {}
        self.steering: set[str] = set()
        super().__init__(name, __name__, **given)

    def _collect_openapi_info(self, rule: str, func: Callable[..., Any], **told: Any) -> Any:
        operation: str = told["operation_id"]
        responses: dict[int, Any] = told.get("responses") or {}
        self.answered[operation] = {str(status): each for status, each in responses.items() if isinstance(each, type)}
        if body := get_type_hints(func).get("body"):
            self.taken[operation] = body
        if is_steering(func):
            self.steering.add(operation)
        return super()._collect_openapi_info(rule, func, **told)


def area(name: str, about: str) -> Part:
    """Return the empty part of the API that a file fills."""
    security: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
    return Part(f"api_{name}", url_prefix=PREFIX, abp_tags=[Tag(name=name, description=about)], abp_security=security)


def _check_body() -> None:
    """Refuse what is no JSON object before anybody reads values out of it."""
    if not request.path.startswith("/api/") or request.method in ("GET", "HEAD", "OPTIONS"):
        return
    if (request.content_length or 0) > MOST_BODY:
        raise Refused(413, f"the body has {request.content_length:,} bytes, and {MOST_BODY:,} are taken: send it in smaller parts")
    data = request.get_data(cache=True)
    if len(data) > MOST_BODY:
        raise Refused(413, f"the body has over {MOST_BODY:,} bytes: send it in smaller parts")
    if not data:
        return
    if not request.is_json:
        raise Refused(415, f"the body is {request.mimetype or 'of no type'}: send JSON, with the header `Content-Type: application/json`")
    found = request.get_json(silent=True)
    if not isinstance(found, dict):
        why = "is no JSON" if found is None and data.strip() != b"null" else "is JSON, but no object"
        status = 400 if found is None and data.strip() != b"null" else 422
        raise Refused(status, f'the body {why}: send an object such as {{"why": "late data"}}', [Fault(where="body", what=why)])


def _finish(response: Response) -> Response:
    return with_etag(response) if request.path.startswith("/api/") else response


def register(app: ApiApp, desk: Desk, areas: Sequence[Area]) -> None:
    """Add the API's areas to `app`."""
    for each in areas:
        part = each(desk)
        app.register_api(part)
        app.answered |= part.answered
        app.taken |= part.taken
        app.steering |= part.steering

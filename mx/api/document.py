"""What does the OpenAPI document say? It is made from the code that answers, and completed by what holds for every operation."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mx.api.app import ApiApp
from mx.api.idempotency import HEADER
from mx.api.problems import MEDIA_TYPE, Problem

_REF = "#/components/schemas/"
_PROBLEMS = {
    "401": "No login, or one that is over.",
    "403": "A login whose role may not do that.",
    "404": "There is no such thing.",
    "422": "A value is not as it should be.",
    "429": "Too many requests.",
    "500": "The server failed over it.",
    "503": "The store or the broker is away; Retry-After says when to ask again.",
}
_OF_BODIES = {"400": "The body is no JSON.", "413": "The body is too large.", "415": "The body is not said to be JSON."}
_KEY = {
    "name": HEADER, "in": "header", "required": False,
    "description": "A text that is new for each thing that is to be done, such as a UUID: with the same one the same answer comes, and "
    "nothing is done again, for a day.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"},
}  # fmt: skip
_LOGIN = "The login of the browser; the port in its name is mx's own. What changes something takes the header X-CSRF-Token with it."
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token that an admin gave."},
    "session": {"type": "apiKey", "in": "cookie", "name": "horarium-8642-login", "description": _LOGIN},
}


def document(app: ApiApp) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of all that `app` serves; made once, as nothing of it depends on who asks."""
    if app.described is None:
        app.described = _made(app)
    return app.described


def _made(app: ApiApp) -> dict[str, Any]:
    made: dict[str, Any] = deepcopy(app.api_doc)
    made.pop("servers", None)  # the one that serves it
    models: dict[tuple[type[BaseModel], Literal["serialization", "validation"]], None] = {}
    models |= {(model, "serialization"): None for answered in app.answered.values() for model in answered.values()}
    models |= {(model, "validation"): None for model in app.taken.values()}
    models[Problem, "serialization"] = None
    names, schemas = models_json_schema(list(models), ref_template=_REF + "{model}")
    made["components"] = {"schemas": dict(sorted(schemas["$defs"].items())), "securitySchemes": _SECURITY}
    for path, item in made["paths"].items():
        for method, operation in item.items():
            _refer(operation, app, names)
            _complete(operation, method, path, takes_key=method != "get" and operation["operationId"] in app.steering)
    made["paths"] = dict(sorted(made["paths"].items()))
    return made


def _refer(operation: dict[str, Any], app: ApiApp, names: Mapping[Any, Any]) -> None:
    """Let an operation refer to the models that it answers and takes."""
    for status, model in app.answered[operation["operationId"]].items():
        operation["responses"][status]["content"] = {"application/json": {"schema": names[model, "serialization"]}}
    if body := app.taken.get(operation["operationId"]):
        operation["requestBody"]["content"] = {"application/json": {"schema": names[body, "validation"]}}


def _complete(operation: dict[str, Any], method: str, path: str, *, takes_key: bool) -> None:
    """Add to one operation what all answer."""
    responses = operation.setdefault("responses", {})
    responses.pop("422", None)
    said = _PROBLEMS | (_OF_BODIES if "requestBody" in operation else {})
    if takes_key:
        said |= {"409": "Another request with the same key is being carried out."}
        operation.setdefault("parameters", []).append(_KEY)
    elif method != "get":
        said |= {"409": "It can't be answered as things stand."}
    else:
        responses["304"] = {"description": "It is what If-None-Match says."}
    for status, what in said.items():
        content = {MEDIA_TYPE: {"schema": {"$ref": f"{_REF}Problem"}}}
        responses.setdefault(status, {"description": what, "content": content})
    operation["responses"] = dict(sorted(responses.items()))
    for parameter in operation.get("parameters", []):
        parameter.get("schema", {}).pop("title", None)
    if path.count("{") and "parameters" not in operation:
        raise AssertionError(f"{method} {path} has places in its path that nothing describes")

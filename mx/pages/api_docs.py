"""Where does a person read what the API can do, and try it? A page over the library's own files, so it works without the internet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from mx.api.app import PREFIX, ApiApp
from mx.api.document import document


def page(app: ApiApp) -> Blueprint:
    """Return `/api` and the document that it shows."""
    bp = Blueprint("api_docs", __name__, static_folder=str(_files()), static_url_path="/api/files")

    @bp.get("/api")
    def docs() -> str:
        return render_template("api.html", document=f"{PREFIX}/openapi.json", operations=_operations(document(app)))

    @bp.get(f"{PREFIX}/openapi.json")
    def openapi() -> Response:
        """Return the OpenAPI document."""
        return jsonify(document(app))

    return bp


def _operations(described: dict[str, Any]) -> list[dict[str, str]]:
    """Return the operations as a table has them, for whoever reads without scripts."""
    return [
        {"method": method.upper(), "path": path, "summary": operation.get("summary", "")}
        for path, item in described["paths"].items()
        for method, operation in item.items()
    ]


def _files() -> Path:
    """Return the folder of Swagger UI's script and style sheet."""
    found = find_spec("flask_openapi3_swagger")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "templates" / "swagger"

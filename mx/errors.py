"""What does somebody see when something can't be answered? A page that says what was asked, what was found, and what to do."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from mx.frame import wants_fragment
from system.errors import HorariumError, NotFound, Unavailable
from system.hidden import hide

log = logging.getLogger(__name__)

_TITLES = {
    400: "This can't be done",
    401: "Log in first",
    403: "You may not do that",
    404: "Not found",
    405: "Not this way",
    413: "Too large",
    500: "A fault of ours",
    503: "The store is away",
}


def status_of(error: Exception) -> int:
    """Return the HTTP status that tells of an error."""
    if isinstance(error, HTTPException):
        return error.code or 500
    if isinstance(error, Unavailable):
        return 503
    if isinstance(error, NotFound):
        return 404
    return 400 if isinstance(error, HorariumError) else 500


def text_of(error: Exception) -> str:
    """Return what the error says, without passwords."""
    if isinstance(error, HTTPException):
        return error.description or ""
    if isinstance(error, HorariumError):
        return hide(str(error))
    return "This is an error that nobody foresaw. Its traceback is in the log of mx; the scheduler goes on by itself."


def register(app: Flask) -> None:
    """Have `app` answer errors by pages."""

    @app.errorhandler(HorariumError)
    @app.errorhandler(HTTPException)
    @app.errorhandler(Exception)
    def _answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException) and (error.code or 500) < 400:
            return error  # a redirect
        status = status_of(error)
        if status >= 500 and not isinstance(error, HorariumError):
            log.exception("could not answer %s %s", request.method, request.path, exc_info=error)
        facts = {"status": status, "title": _TITLES.get(status, "Refused"), "text": text_of(error)}
        return render_template("_error.html" if wants_fragment() else "error.html", **facts), status

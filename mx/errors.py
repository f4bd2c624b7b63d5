"""What does somebody see when something can't be answered? A page that says what was asked, what was found, and what to do."""

from __future__ import annotations

import logging

from flask import Flask, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from mx.desk_about import AboutDesk
from mx.frame import wants_fragment
from mx.models.about import BareStatus
from system.errors import BrokerAway, BrokerError, ConfigError, HorariumError, NotFound, QueueMissing, Unavailable
from system.hidden import hide

log = logging.getLogger(__name__)

_TITLES = {
    400: "This can't be done",
    401: "Log in first",
    403: "You may not do that",
    404: "Not found",
    405: "Not this way",
    413: "Too large",
    415: "Not in this form",
    429: "Too many at once",
    500: "A fault of ours",
    503: "The store is away",
}
# Where Werkzeug's own sentence does not help.
_TEXTS = {
    404: "There is no page at this address.",
    405: "This address does not take that: pages are opened by links, and changed by the forms that are on them.",
    413: "What was sent is larger than 1 MB, which no form here needs. Nothing was changed.",
    429: "Too many requests came from there in a short time. Wait a minute, then try again.",
}
# Pages whose forms may be sent again: each is carried out once.
_SENT_ONCE = ("plans", "triggers", "trigger_details", "boxes")


class Unusable(Unavailable):
    """The store is there and can't be used as it is, such as one of a newer version; it is looked for again all the same."""


class Busy(Unavailable):
    """Neither store nor broker is away, and the answer takes too long all the same; the same question may be answered later."""


class BrokerUnusable(BrokerAway):
    """The broker is there and can't be used as it is, such as one that refuses the password; it is asked again all the same."""


# The first one that an error is; what is only Unavailable goes by its status.
_TITLES_OF = {
    Unusable: "The store can't be used",
    BrokerUnusable: "The broker can't be used",
    BrokerAway: "The broker is away",
    Busy: "This takes too long",
    QueueMissing: _TITLES[400],
    BrokerError: "The broker can't be used",
}


def status_of(error: Exception) -> int:
    """Return the HTTP status that tells of an error."""
    if isinstance(error, HTTPException):
        return error.code or 500
    if isinstance(error, Unavailable) or (isinstance(error, BrokerError) and not isinstance(error, QueueMissing)):
        return 503
    if isinstance(error, NotFound):
        return 404
    return 400 if isinstance(error, HorariumError) else 500


def text_of(error: Exception) -> str:
    """Return what the error says, without passwords."""
    if isinstance(error, HTTPException):
        is_own = error.description != type(error).description  # else it is Werkzeug's
        return str(error.description) if is_own and error.description else _TEXTS.get(error.code or 500, error.description or "")
    if isinstance(error, HorariumError):
        return hide(str(error))
    return "This is an error that nobody foresaw. Its traceback is in the log of mx; the scheduler goes on by itself."


def title_of(error: Exception, status: int) -> str:
    """Return the head of an error's page."""
    return next((title for kind, title in _TITLES_OF.items() if isinstance(error, kind)), _TITLES.get(status, "Refused"))


def register(app: Flask, desk: AboutDesk) -> None:
    """Have `app` answer errors by pages."""

    @app.errorhandler(HorariumError)
    @app.errorhandler(HTTPException)
    @app.errorhandler(Exception)
    def _answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, HTTPException) and (error.code or 500) < 400:
            return error  # a redirect
        status, bare = status_of(error), _bare(desk, error)
        if status >= 500 and not isinstance(error, HorariumError):
            log.exception("could not answer %s %s", request.method, request.path, exc_info=error)
        if bare is not None:
            facts = {"status": 503, "title": "The context can't be read", "text": bare.fault}
        else:
            facts = {"status": status, "title": title_of(error, status), "text": text_of(error)}
        facts["is_of_broker"] = isinstance(error, BrokerAway | BrokerError)
        facts["is_busy"] = isinstance(error, Busy)
        facts["is_sent_once"] = request.method == "POST" and request.blueprint in _SENT_ONCE
        shown = render_template("_error.html" if wants_fragment() else "error.html", bare=bare, error=type(error).__name__, **facts)
        return shown, int(str(facts["status"])), _headers(error)


def _bare(desk: AboutDesk, error: Exception) -> BareStatus | None:
    """Return how all stands where the error is that the context can't be read; None for every other one."""
    if not isinstance(error, ConfigError) or g.get("user") is None:
        return None
    try:
        return desk.bare_status()
    except HorariumError as other:
        log.warning("could not tell how all stands without a context: %s", other)
        return None


def _headers(error: Exception) -> list[tuple[str, str]]:
    """Return the headers that belong to an error: which methods are allowed, when to try again."""
    if not isinstance(error, HTTPException):
        return []
    return [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After", "WWW-Authenticate")]

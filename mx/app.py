"""How is the dashboard put together? One Flask app over a desk: the gate before everything, then pages and API, then errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from flask import Blueprint, Flask, Response, g, request
from flask.typing import ResponseReturnValue

from mx import errors, frame
from mx.api.app import ApiApp, is_api, register
from mx.api.areas import AREAS
from mx.api.idempotency import Idempotency
from mx.desk import Desk
from mx.fragments import Fragments
from mx.live import Live
from mx.pages import (
    about,
    api_docs,
    audit,
    boxes,
    commands,
    graph,
    job,
    logs,
    overview,
    plans,
    process,
    queues,
    runs,
    search,
    timetable,
    trees,
    trigger_details,
    triggers,
)
from mx.pages import live as live_page
from mx.security.notices import keep_notices
from mx.security.route_check import routes_of

Page = Callable[[Desk], Blueprint]

# One function a page; each makes its Blueprint.
PAGES: Sequence[Page] = (
    overview.page,
    timetable.page,
    plans.page,
    commands.page,
    audit.page,
    triggers.page,
    trigger_details.page,
    boxes.page,
    queues.page,
    logs.page,
    search.page,
    about.page,
    job.page,
    process.page,
    trees.page,
    graph.page,
    runs.page,
)


class Gate(Protocol):
    """Who decides who may do what."""

    def guard(self, app: Flask) -> None:
        """Stand before every request of `app`: `g.user` is set after it, or the request is refused."""
        ...


class _NotShared(Exception):
    """An answer for the one who asked: a whole page holds the visitor's name, and what was flashed."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


class Dashboard(ApiApp):
    """The app of the API, with pages beside; the changing parts of pages are rendered once a moment for all who read them."""

    def __init__(self, fragments: Fragments, live: Live) -> None:
        super().__init__("mx", static_folder="static", template_folder="templates")
        self._fragments, self._live = fragments, live

    def dispatch_request(self) -> ResponseReturnValue:
        """Answer a request; a fragment is taken from what was rendered for somebody of the same role."""
        if request.method != "GET" or not frame.wants_fragment() or is_api(request.path) or g.get("user") is None:
            return super().dispatch_request()
        key = (request.full_path, g.user.role, self._live.number)
        try:
            body = self._fragments.get(key, self._part)
        except _NotShared as answer:
            return answer.response
        response = Response(body, mimetype="text/html")
        response.add_etag()
        return response.make_conditional(request)

    def _part(self) -> str:
        """Return the part that was asked for; raises _NotShared where the view answers by something else: a whole page, a redirect."""
        response = self.make_response(super().dispatch_request())
        body = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
        if response.status_code != 200 or not body or "<html" in body:
            raise _NotShared(response)
        return body


def create_app(desk: Desk, gate: Gate, *, monotonic: Callable[[], float], live: Live | None = None) -> ApiApp:
    """Return the dashboard over `desk`. `monotonic` gives seconds. Raises UnguardedRoute where a route doesn't say who may call it."""
    live = live or Live(desk)
    app = Dashboard(Fragments(monotonic), live)
    app.config["MAX_CONTENT_LENGTH"] = 1_000_000
    keep_notices(app)
    frame.dress(app, desk)
    gate.guard(app)
    for page in PAGES:
        app.register_blueprint(page(desk))
    app.register_blueprint(live_page.page(desk, live))
    register(app, desk, AREAS)
    app.register_blueprint(api_docs.page(app))
    Idempotency(desk, desk.now).guard(app)
    errors.register(app, desk)
    routes_of(app)
    return app

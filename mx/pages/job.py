"""One job: how it stands, why it is not running, what it printed, what it waits for, and what happened to it."""

from __future__ import annotations

from flask import Blueprint, Response, g, jsonify, render_template, request

from mx import press
from mx.desk import Desk
from mx.drawing.durations import beside
from mx.drawing.neighbourhood import neighbourhood, shortened
from mx.frame import shown, wants_fragment
from mx.models.job import JobDetail
from mx.security.roles import Role

_EVENTS = 60


def page(desk: Desk) -> Blueprint:
    """Return `/job/<process>/<timeperiod>` and what it loads of the log."""
    bp = Blueprint("job", __name__)

    @bp.get("/job/<process>/<timeperiod>")
    def job(process: str, timeperiod: str) -> str:
        found = desk.job(process, timeperiod)
        near = desk.neighbours(process, timeperiod)
        is_finished = found.state in ("state_processed", "state_noop", "state_skipped")
        may_act = g.user.may(Role.OPERATOR)
        return shown(
            "job",
            job=found,
            actions=press.of_job(found) if may_act else [],
            presses=lambda why: press.of_reason(why, may_act=may_act),
            near=near,
            drawing=neighbourhood(near, is_finished=is_finished),
            lasted=_lasted(found),
            events=desk.job_events(process, timeperiod, _EVENTS),
            most_events=_EVENTS,
            shortened=shortened,
            printed=None if wants_fragment() else _printed(desk, process, timeperiod),
        )

    @bp.get("/job/<process>/<timeperiod>/printed")
    def printed(process: str, timeperiod: str) -> str | Response:
        """Return what was printed: what is new from `begin` on as JSON, else the end of it as a page's part."""
        if "begin" not in request.args:
            return render_template("_printed.html", printed=_printed(desk, process, timeperiod), process=process, timeperiod=timeperiod)
        fence = request.args.get("fence", 0, int)
        begin = max(0, request.args.get("begin", 0, int))
        found = desk.printed(process, timeperiod, uow=request.args.get("uow", ""), fence=fence, begin=begin)
        return jsonify(found.model_dump(include={"uow", "fence", "text", "end", "is_running"}))

    @bp.get("/job/<process>/<timeperiod>/log.txt")
    def log(process: str, timeperiod: str) -> Response:
        """Return all that is kept of what a unit of work printed, as a file."""
        text = desk.printed_whole(process, timeperiod, uow=request.args.get("uow", ""))
        headers = {"Content-Disposition": f'attachment; filename="{_file_name(process)}-{_file_name(timeperiod)}.txt"'}
        return Response(text, mimetype="text/plain", headers=headers)

    return bp


def _printed(desk: Desk, process: str, timeperiod: str) -> object:
    fence = request.args.get("fence", 0, int)
    return desk.printed(process, timeperiod, uow=request.args.get("uow", ""), fence=max(0, fence))


def _lasted(job: JobDetail) -> object:
    """Return the last attempt beside what is usual; None where there is nothing to show."""
    seconds = job.attempts[0].seconds if job.attempts else None
    if seconds is None and job.usual is None:
        return None
    return beside(seconds, job.usual.seconds if job.usual else None, job.usual.long_s if job.usual else None)


def _file_name(text: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in text)

"""What do all templates share? Words for times and numbers, the navigation, and how a page or its changing part is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Flask, g, render_template, request
from markupsafe import Markup

from mx.desk import HeadDesk
from mx.fragments import HEADER
from mx.models.head import Pulse
from mx.security.csrf import FIELD, MARKER
from mx.security.roles import Role
from system.errors import HorariumError


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the navigation: its endpoint, its path, its name."""

    path: str
    name: str


# In the order in which somebody on call needs them.
PLACES = (
    Place("/", "Overview"),
    Place("/timetable", "Timetable"),
    Place("/trees", "Trees"),
    Place("/graph", "Graph"),
    Place("/runs", "Runs"),
    Place("/triggers", "Triggers"),
    Place("/boxes", "Boxes"),
    Place("/queues", "Queues"),
    Place("/commands", "Commands"),
    Place("/audit", "Audit"),
    Place("/logs", "Logs"),
)


def shown(name: str, **facts: object) -> str:
    """Return a page, or its changing part `_NAME.html` alone where a fragment is asked for. `name` has no suffix."""
    folder, _, last = name.rpartition("/")
    part = f"{folder}/_{last}.html" if folder else f"_{last}.html"
    return render_template(part if wants_fragment() else f"{name}.html", **facts)


def wants_fragment() -> bool:
    """Say whether the request asks for the changing part of a page only."""
    return request.headers.get(HEADER) == "1" or request.args.get("fragment") == "1"


def csrf_field() -> Markup:
    """Return the hidden field that every form that changes something must hold. The gate fills its marker in."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, MARKER)


def csrf_token() -> str:
    """Return what a script of ours sends in the header X-CSRF-Token. The gate fills its marker in, as for a form."""
    return MARKER


def instant(at: datetime | None) -> Markup:
    """Return a moment as people read it, in UTC to the second; a dash for none."""
    if at is None:
        return Markup('<span class="none">–</span>')
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(timespec="seconds"), at.isoformat(" ", "milliseconds")[:-6], at.strftime("%Y-%m-%d %H:%M:%S")
    )


def lasting(seconds: float | None) -> str:
    """Return a duration in its largest unit or two: `40 ms`, `1.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`; a dash for none."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{max(0.0, seconds) * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = int(seconds)
    for (unit, size), (finer, step) in ((("d", 86_400), ("h", 3_600)), (("h", 3_600), ("min", 60)), (("min", 60), ("s", 1))):
        if whole >= size:
            rest = whole % size // step
            return f"{whole // size} {unit} {rest} {finer}" if rest else f"{whole // size} {unit}"
    return f"{whole} s"


def _ago(seconds: float) -> str:
    """Return an age: nobody reads milliseconds of it."""
    return f"{lasting(seconds)} ago" if seconds >= 1 else "just now"


def number(count: float | None) -> str:
    """Return a count with its thousands apart; a dash for none."""
    return "–" if count is None else f"{count:,}"


def state_word(label: str) -> str:
    """Return a state as people say it: `state_in_progress` is `in progress`."""
    return label.removeprefix("state_").replace("_", " ")


def state_class(label: str) -> str:
    """Return the style's class of a state: `state_in_progress` is `s-in_progress`."""
    return f"s-{label.removeprefix('state_')}"


def ticked(text: str) -> Markup:
    """Return a sentence with what stands between backticks as code: what is to be typed."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one of them stands alone
        return Markup("{}").format(text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if at % 2 else Markup("{}").format(part) for at, part in enumerate(parts))


_CUTS = {"yearly": 4, "monthly": 6, "daily": 8, "hourly": 10, "real_time": 14}


def period(timeperiod: str, qualifier: str = "") -> str:
    """Return a period's id as people read it: `2013110413` is `2013-11-04 13:00`; as it is where it can't be one of `qualifier`."""
    cut = _CUTS.get(qualifier.lstrip("_"), 0)
    if not cut or len(timeperiod) < cut or not timeperiod.isdigit():
        return timeperiod
    parts = [timeperiod[:4], *(timeperiod[at : at + 2] for at in range(4, cut, 2))]
    clock = [*parts[3:], "00"] if cut == 10 else parts[3:]
    return "-".join(parts[:3]) + (f" {':'.join(clock)}" if clock else "")


def pulse_of(desk: HeadDesk) -> Pulse | None:
    """Return whether anything is scheduled; None where the store is away, which the page itself says."""
    try:
        return desk.pulse()
    except HorariumError:
        return None


def dress(app: Flask, desk: HeadDesk) -> None:
    """Give the templates of `app` what they share."""
    app.jinja_env.filters.update(instant=instant, lasting=lasting, number=number, state_word=state_word, state_class=state_class)
    app.jinja_env.filters["period"] = period
    app.jinja_env.filters["ticked"] = ticked
    app.jinja_env.globals.update(csrf_field=csrf_field, csrf_token=csrf_token, places=PLACES, Role=Role)
    app.jinja_env.globals.update(now=desk.now, pulse_now=lambda: pulse_of(desk))
    app.jinja_env.filters["ago"] = lambda at: _ago((desk.now() - at).total_seconds()) if at else "–"
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def _visitor() -> dict[str, object]:
        return {"user": g.get("user")}

"""Is everything there that should be, once, and in order? `launch.py audit`"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime

import click
from rich.markup import escape

from launcher import named
from launcher.parts import Roof, scheduler_settings
from launcher.say import say
from launcher.screen import json_option, printable, show, show_json
from scheduler.audit import MISSING, OVERLAP, Finding
from scheduler.audit_range import Audit, RangeAudit
from system.context import Context
from system.errors import TimeperiodError
from system.timeperiod import QUALIFIERS, parse

_LOOKS, _LOOK_S = 3, 1.0
_SHOWN = 50
_WHEN = "PERIOD"


@click.command("audit")
@click.argument("process", metavar="[PROCESS]", required=False)
@click.option("--from", "low", metavar=_WHEN, help="The first period: of PROCESS, or an hour (YYYYMMDDHH) where all are meant.")
@click.option("--to", "high", metavar=_WHEN, help="The first period that is left out.")
@click.option("--all", "show_all", is_flag=True, help=f"Show every finding, not only the first {_SHOWN}.")
@json_option
@click.pass_obj
def audit_command(roof: Roof, process: str | None, *, low: str | None, high: str | None, show_all: bool, as_json: bool) -> int:
    """Compare the periods that should exist with those that do: missing, late, ran twice, out of order. Exit code 1 where there are any."""
    names = [named.managed(roof.context, process).name] if process else list(roof.context.managed)
    begin, end = (_moment(roof.context, process, text) for text in (low, high))
    if begin and end and end <= begin:
        raise named.BadName(f"--to {high} does not come after --from {low}: nothing is between them")
    with roof.joined() as parts:
        auditor = RangeAudit(roof.desk_over(parts), parts.store, roof.context, scheduler_settings(roof.settings))
        audit = auditor.look(auditor.spans(names, begin, end, roof.clock.now()), roof.clock.now())
        _settle(roof, auditor, audit)
    if as_json:
        show_json({**{name: getattr(audit, name) for name in ("is_led", "periods", "finished", "archived")}, "findings": audit.findings})
    else:
        _show(audit, show_all=show_all)
    return 1 if audit.findings else 0


def _settle(roof: Roof, auditor: RangeAudit, audit: Audit) -> None:
    """Look again at what may have been in motion: only what stays is a finding."""
    moving = [found for found in audit.findings if found.kind == MISSING]
    for _ in range(_LOOKS if moving and audit.is_led else 0):
        roof.clock.sleep(_LOOK_S)
        moving = auditor.still(moving, roof.clock.now())
    audit.findings = [*(found for found in audit.findings if found.kind != MISSING), *moving]


def _moment(context: Context, process: str | None, text: str | None) -> datetime | None:
    """Return when a period begins that was named; BadName where it can't be read."""
    if text is None:
        return None
    if process:
        entry = context.managed[process]
        ordinal = parse(entry.qualifier, named.period(entry, text)).ordinal
        return context.calendar_of(process).start(entry.qualifier, ordinal)
    try:
        return parse(QUALIFIERS["_hourly"], text).start
    except TimeperiodError as error:
        raise named.BadName(f"without a PROCESS, --from and --to are hours: {error}") from error


def _show(audit: Audit, *, show_all: bool) -> None:
    counts = Counter(found.kind for found in audit.findings)
    said = ", ".join(f"{count:,} {kind}" for kind, count in counts.items()) or "nothing to find fault with"
    archived = f", {audit.archived:,} of them without a record: archived" if audit.archived else ""
    shown = audit.findings if show_all else audit.findings[:_SHOWN]
    for found in shown:
        _show_one(found)
    if len(shown) < len(audit.findings):
        say(f"... and {len(audit.findings) - len(shown):,} more; --all shows them")
    say(f"{audit.periods:,} periods, {audit.finished:,} finished{archived}: {said}")
    if not audit.is_led and audit.finished < audit.periods:
        say("no scheduler leads, so nothing is owed to the periods that are not finished (launch.py up)")


def _show_one(found: Finding) -> None:
    style = "yellow" if found.kind == OVERLAP else "red"
    found = replace(found, what=printable(found.what), evidence=tuple(map(printable, found.evidence)))
    show(f"[{style}]! {escape(found.process)} {found.timeperiod} {found.kind}[/{style}]: {escape(found.what)}")
    for line in found.evidence:
        show(f"    {escape(line)}")
    show(f"    [cyan]{escape(found.look)}[/cyan]")

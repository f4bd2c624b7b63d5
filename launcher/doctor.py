"""What is wrong with this deployment, and what is to be done about it? `launch.py doctor`"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

import click
from rich.markup import escape

from launcher.doctor_checks import CHECKS, Check
from launcher.doctor_look import Look, look
from launcher.doctor_seen import Finding, Gravity, Seen
from launcher.parts import Roof
from launcher.say import counted, say
from launcher.screen import json_option, printable, show, show_json
from system.errors import ConfigError
from system.hidden import hide

log = logging.getLogger(__name__)

_STYLES = {Gravity.WRONG: "red", Gravity.WARNING: "yellow", Gravity.NOTE: "dim"}


@click.command("doctor")
@json_option
@click.pass_obj
def doctor_command(roof: Roof, *, as_json: bool) -> int:
    """Look for what is wrong with this deployment, and say what to do about it. Changes nothing.

    Exit code 1 where something needs a person; a warning does not.
    """
    try:
        findings = diagnose(look(roof))
    except ConfigError as error:
        findings = [Finding("settings", Gravity.WRONG, str(error), "`launch.py settings` shows what is set, and where it came from")]
    count = sum(finding.gravity is Gravity.WRONG for finding in findings)
    if as_json:
        show_json({"is_well": not count, "findings": [{**_plain(finding)} for finding in findings]})
    else:
        _show(findings)
    return int(count > 0)


def diagnose(found: Look, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """Return what was found, the gravest first."""
    findings = [*found.failed, *(finding for check in checks for finding in _judged(check, found.seen))]
    order = list(Gravity)
    return sorted(findings, key=lambda finding: order.index(finding.gravity))


def _judged(check: Check, seen: Seen) -> list[Finding]:
    try:
        return list(check(seen))
    except Exception as error:
        # The edge: a check that is wrong itself must not hide what the others find.
        log.exception("the check %s failed itself", check.__name__)
        text = f"the check failed itself: {type(error).__name__}: {error}"
        return [Finding(check.__name__, Gravity.WRONG, text, "look at that by hand; a fault of this program should be reported")]


def _plain(finding: Finding) -> dict[str, str]:
    text, fix = hide(finding.text), hide(finding.fix)
    return {"check": finding.check, "gravity": finding.gravity.value, "text": text, "fix": fix.replace("`", "")}


def _show(findings: Sequence[Finding]) -> None:
    for finding in findings:
        style, told = _STYLES[finding.gravity], _plain(finding)
        mark = "-" if finding.gravity is Gravity.NOTE else "!"
        show(f"[{style}]{mark} {finding.check}: {escape(printable(told['text']))}[/{style}]")
        if told["fix"]:
            show(f"    [cyan]{escape(printable(told['fix']))}[/cyan]")
    counts = {gravity: sum(finding.gravity is gravity for finding in findings) for gravity in Gravity}
    if counts[Gravity.WRONG]:
        say(f"{counted(counts[Gravity.WRONG], 'thing')} wrong, {counted(counts[Gravity.WARNING], 'warning')}")
    else:
        say(f"nothing is wrong, {counted(counts[Gravity.WARNING], 'warning')}")
    say("what needs a person in the timetable is on `launch.py status`")

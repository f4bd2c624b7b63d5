"""What would run when? `launch.py simulate --from --to`: the context on a virtual clock; nothing is stored, no job is run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime

import click

from launcher import named
from launcher.history import usual_of
from launcher.parts import Roof
from launcher.say import counted, say
from launcher.screen import json_option, moment, show_json
from scheduler.durations import Usual
from scheduler.rehearsal import Attempt, Guess, Rehearsal
from system.clock import FIRST_YEAR, LAST_YEAR, moment_of
from system.context import Context
from system.errors import HorariumError, TimeperiodError
from system.timeperiod import HOURLY, parse

_DEFAULT_S = 60.0
# How many periods that were not done are named.
_SHOWN = 10


class Moment(click.ParamType[datetime]):
    """A moment in UTC: an hourly timeperiod, a day, or both with a T between."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the moment; fails with the forms that are taken."""
        text = str(value)
        with suppress(TimeperiodError):
            text = parse(HOURLY, text).start.isoformat()
        try:
            return moment_of(text)
        except ValueError:
            years = f"of the years {FIRST_YEAR} to {LAST_YEAR}"
            self.fail(f"{value!r} is no moment: write 2026112013, 2026-11-20 or 2026-11-20T13:30, in UTC, {years}", param, ctx)


MOMENT = Moment()


@click.command("simulate")
@click.option("--from", "begin", type=MOMENT, required=True, help="When to begin, in UTC; every earlier period counts as done.")
@click.option("--to", "end", type=MOMENT, required=True, help="What becomes due before this moment is played to its end.")
@click.option("--slots", type=click.IntRange(1, 10_000), metavar="N", help="Attempts at once; default: the slots of this deployment.")
@click.option("--takes", multiple=True, metavar="[PROCESS=]SECONDS",
              help=f"How long attempts take on average; default: as they usually did, {_DEFAULT_S:g} without history.")
@click.option("--fails", multiple=True, metavar="[PROCESS=]SHARE", help="Which share of attempts fails, 0 to 0.9; default 0.")
@click.option("--seed", default=1, show_default=True, metavar="N", help="Another seed draws other durations and failures.")
@click.option("--speed", type=click.FloatRange(min=0, min_open=True), metavar="N",
              help="Seconds of the play per real second; default: all at once.")  # fmt: skip
@click.option("--summary", is_flag=True, help="Only what it came to, not every attempt.")
@json_option
@click.pass_obj
def simulate_command(  # noqa: PLR0913  one for each option
    roof: Roof, begin: datetime, end: datetime, slots: int | None, takes: tuple[str, ...], fails: tuple[str, ...], seed: int,
    speed: float | None, *, summary: bool, as_json: bool,
) -> int:  # fmt: skip
    """Play the timetable on a virtual clock: what would run when, with drawn durations and failures.

    The engine itself decides, in memory: nothing is written, no job is run. Attempts take as long as they usually did, where the store
    knows, unless --takes says how long. Exit code 1 where something that was due is not done at the end.
    """
    if end <= begin:
        raise click.UsageError(f"--to {moment(end)} is not after --from {moment(begin)}")
    settings, means = roof.settings, _by_process(roof.context, takes, 0.001, 10**9, "takes")
    shares, usual = _by_process(roof.context, fails, 0.0, 0.9, "fails"), _usual_of(roof, means)
    played = Rehearsal(
        roof.context, begin, end, slots=slots or settings.slots * settings.workers, seed=seed,
        guesses=guesses_of(roof.context, means, shares, usual), default_start=settings.timetable_start,
    )  # fmt: skip
    attempts = _paced(roof, played.play(), begin, speed)
    if as_json:
        kept = [_row(attempt) for attempt in attempts]
        show_json({"attempts": [] if summary else kept, "totals": played.totals, "usual": usual})
    else:
        _print(attempts, summary=summary)
        _print_totals(played)
        if usual:
            say(f"{counted(len(usual), 'process', 'processes')} went as usual: as long as the last runs in the store took")
    return 1 if played.totals.unfinished else 0


def _usual_of(roof: Roof, takes: Mapping[str, float]) -> dict[str, Usual]:
    """Return what attempts usually take of which `takes` says nothing. A store that can't be asked is said, and stops no play."""
    try:
        return {} if "" in takes else {name: usual for name, usual in usual_of(roof).items() if name not in takes}
    except HorariumError as error:
        say(f"! what attempts usually take is not known, {_DEFAULT_S:g} s are taken: {error}", err=True)
        return {}


def guesses_of(
    context: Context, takes: Mapping[str, float], fails: Mapping[str, float], usual: Mapping[str, Usual]
) -> dict[str, Guess]:
    """Return how each process's attempts go: as they are said to, else as they usually did. What names no process holds for all others."""
    guesses: dict[str, Guess] = {}
    for name in dict.fromkeys(process.name for process in context.processes):
        share = fails.get(name, fails.get("", 0.0))
        mean_s = takes.get(name, takes.get("", _DEFAULT_S))
        guesses[name] = Guess.after(usual[name], failures=share) if name in usual else Guess(mean_s, failures=share)
    return guesses


def _by_process(context: Context, given: Iterable[str], least: float, most: float, option: str) -> Mapping[str, float]:
    """Return the numbers of an option, the one that names no process under the empty name. Raises BadName or a usage error."""
    found: dict[str, float] = {}
    for text in given:
        name, _, value = text.rpartition("=")
        if name and all(p.name != name for p in context.processes):
            named.managed(context, name)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not least <= number <= most:
            raise click.UsageError(f"--{option} {text}: expected a number from {least:g} to {most:g}, or PROCESS=NUMBER")
        found[name] = number
    return found


def _paced(roof: Roof, attempts: Iterator[Attempt], begin: datetime, speed: float | None) -> Iterator[Attempt]:
    """Yield the attempts no earlier than a clock of that speed would."""
    began_s = roof.clock.monotonic()
    for attempt in attempts:
        if speed is not None:
            ahead_s = (attempt.ended_at - begin).total_seconds() / speed - (roof.clock.monotonic() - began_s)
            roof.clock.sleep(max(0.0, ahead_s))
        yield attempt


def _print(attempts: Iterable[Attempt], *, summary: bool) -> None:
    for attempt in attempts:
        if not summary:
            say(_line(attempt))


def _line(attempt: Attempt) -> str:
    took_s = (attempt.ended_at - attempt.began_at).total_seconds()
    ending = f"attempt {attempt.number} fails" if attempt.failed else "done"
    waited = f", waited {_span(attempt.waited_s)} for a slot" if attempt.number == 1 and attempt.waited_s >= 1 else ""
    return f"{moment(attempt.began_at)}  {attempt.process} {attempt.timeperiod}  {ending} after {_span(took_s)}{waited}"


def _print_totals(played: Rehearsal) -> None:
    totals = played.totals
    if not totals.attempts and not totals.unfinished:
        say("nothing becomes due in that time")
        return
    failed = f", {totals.failed:,} of them failed" if totals.failed else ""
    say(f"{counted(totals.attempts, 'attempt')}{failed}, {_span(totals.busy_s)} of work")
    longest = _span(totals.longest_wait_s)
    say(f"{totals.peak:,} at once at most, first at {moment(totals.peak_at)}; the longest wait for a slot was {longest}")
    if totals.unfinished:
        more = f" and {len(totals.unfinished) - _SHOWN:,} more" if len(totals.unfinished) > _SHOWN else ""
        say(f"not done at the end: {', '.join(totals.unfinished[:_SHOWN])}{more}")


def _span(seconds: float) -> str:
    """Return a span of time in the two largest units that it has."""
    left = round(seconds)
    if left < 60:
        return f"{seconds:.3g} s"
    parts = [(left // 86_400, "d"), (left // 3_600 % 24, "h"), (left // 60 % 60, "min"), (left % 60, "s")]
    first = next(place for place, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def _row(attempt: Attempt) -> dict[str, object]:
    return {
        "process": attempt.process, "timeperiod": attempt.timeperiod, "attempt": attempt.number, "due_at": attempt.due_at,
        "requested_at": attempt.asked_at, "began_at": attempt.began_at, "ended_at": attempt.ended_at, "is_failed": attempt.failed,
    }  # fmt: skip

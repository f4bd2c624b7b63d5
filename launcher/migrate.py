"""How does a deployment move to another store? `launch.py migrate`: nothing may run meanwhile, and the source is left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from db.migration import COPYING, VERIFIED, Refused, begin, copy, verify
from db.store import Store
from db.urls import open_store, sqlite_path
from launcher.alone import lock_path, only_one
from launcher.database import refuse_while_running
from launcher.named import BadName
from launcher.parts import Roof, make_writable
from launcher.say import counted, say
from launcher.screen import json_option, show_json
from settings import PREFIX, Settings, store_from
from system.clock import RealClock
from system.errors import ConfigError, Unavailable
from system.hidden import hide

_CLOCK = RealClock()  # beats and patience are of this machine, also in a trial
_LOOK_S = 0.5
_TELL_S = 2.0


@click.command("migrate")
@click.option("--from", "source_url", default="", metavar="URL", help="The store that is moved; STORE_URL by default.")
@click.option("--to", "target_url", default="", metavar="URL", help="The empty store that it is moved to; STORE_URL by default.")
@json_option
@click.pass_obj
def migrate_command(roof: Roof, *, source_url: str, target_url: str, as_json: bool) -> int:
    """Move all that a store holds to another one, of whatever kind, and compare both.

    Refused while anything runs over either. Broken off, the same command goes on where it stopped. The source is left as it was.
    """
    settings = roof.settings
    if not source_url and not target_url:
        raise BadName("say which stores: --from URL, --to URL, or one of them, where the other is STORE_URL")
    here = Path.cwd()
    ways = store_from(source_url or settings.store_url, here), store_from(target_url or settings.store_url, here)
    if ways[0] == ways[1]:
        raise BadName(f"--from and --to are the same store, {hide(ways[0])}")
    make_writable(settings.folder)
    with only_one(lock_path(settings.folder)):
        refuse_while_running(settings)
        with _opened(*ways) as (source, target):
            told = _Told(is_quiet=as_json)
            _refuse_while_beating(source, target, settings, told)
            counts, how = _move(source, target, hide(ways[0]), told)
    _report(ways, counts, how, as_json=as_json)
    return 0


@contextmanager
def _opened(source_url: str, target_url: str) -> Iterator[tuple[Store, Store]]:
    """Open both; the target is made ready, the source must be."""
    path = sqlite_path(source_url)
    if path is not None and not path.exists():
        raise ConfigError(f"there is no store {path}: name the one that is to be moved by --from")
    if "memory:" in (source_url, target_url):
        raise ConfigError("memory: lives in one process only: nothing can be moved from or to it")
    with closing(open_store(source_url)) as source, closing(open_store(target_url)) as target:
        facts = source.describe()
        if facts.schema != facts.known or facts.is_broken:
            raise ConfigError(
                f"the source has schema {facts.schema}, and this program moves schema {facts.known}: "
                f"`launch.py db --update` with {PREFIX}STORE_URL set to it first"
            )
        target.prepare()
        yield source, target


def _refuse_while_beating(source: Store, target: Store, settings: Settings, told: _Told) -> None:
    """Watch open sessions for a lease: one that does not beat in that is of nobody. Raises Refused where one does."""
    stores = (source, target)
    before = {s.id: s.beat for store in stores for s in store.sessions()}
    if before:
        told.say(f"watching {counted(len(before), 'open session')} for {settings.lease_s:g} s: nothing may run over either store")
    until_s = _CLOCK.monotonic() + settings.lease_s
    while before and _CLOCK.monotonic() < until_s:
        _CLOCK.sleep(min(_LOOK_S, settings.lease_s / 10))
        beating = [s for store in stores for s in store.sessions() if before.get(s.id) != s.beat]
        if beating:
            who = ", ".join(sorted({f"{session.kind} on {session.box}" for session in beating}))
            raise Refused(f"{who} runs: nothing was moved; `launch.py stop` on every box first")


def _move(source: Store, target: Store, origin: str, told: _Told) -> tuple[dict[str, int], str]:
    """Move and compare; returns how many records of each kind there are, and whether that was begun, gone on with or done before."""
    try:
        begun = begin(source, target, origin)
        how = "moved before" if begun.phase == VERIFIED else "gone on with" if begun.kind or begun.phase != COPYING else "moved"
        return dict(verify(source, target, copy(source, target, begun, told), told)), how
    except Unavailable as error:
        raise Unavailable(f"{error}; what was copied so far is kept: the same command goes on from there") from error


def _report(ways: tuple[str, str], counts: dict[str, int], how: str, *, as_json: bool) -> None:
    source, target = map(hide, ways)
    if as_json:
        show_json({"from": source, "to": target, "how": how, "records": counts})
        return
    say(f"{sum(counts.values()):,} records are the same in both: " + ", ".join(f"{n:,} {kind}" for kind, n in counts.items() if n))
    say(f"next: set {PREFIX}STORE_URL (or store_url in the settings) to {target} on every box, then `launch.py start`")
    if sqlite_path(ways[1]) is None:
        say(f"with it {PREFIX}BROKER_URL: a queue in the store's file (embedded:) is for an SQLite store")
    say("messages were not moved: what is requested and not taken is sent anew by the scheduler within moments")
    say(f"{source} is as it was: never start it again beside the other, or all would be done twice; remove it once all is well")


class _Told:
    """Tells on stderr how far it is, now and then."""

    def __init__(self, *, is_quiet: bool) -> None:
        self._is_quiet = is_quiet
        self._last_s = _CLOCK.monotonic()

    def say(self, text: str) -> None:
        if not self._is_quiet:
            say(text, err=True)

    def __call__(self, what: str, kind: str, done: int) -> None:
        if _CLOCK.monotonic() - self._last_s >= _TELL_S:
            self._last_s = _CLOCK.monotonic()
            self.say(f"{what} {done:,} {kind} ...")

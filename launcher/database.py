"""How is the store brought up to date, or begun anew? `launch.py db`"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

import click

from db.urls import erase_store, open_store, sqlite_path
from launcher import store_mark
from launcher.alone import lock_path, only_one, running, singles
from launcher.asking import sure
from launcher.keeping import archive_now, show_sizes
from launcher.named import BadName
from launcher.parts import Roof, make_writable, open_parts, opened_store
from launcher.say import say
from launcher.screen import json_option, show_json
from launcher.web.address import server_of
from settings import Settings
from supervisor.local_crew import folder_id
from system import processes
from system.errors import ConfigError, StoreError
from system.hidden import hide
from system.processes import Identity

_BESIDE = ("", "-wal", "-shm", "-journal")  # what SQLite keeps of one database


@click.command("db")
@click.option("--update", "is_update", is_flag=True, help="Create what is missing, and migrate what an older version wrote.")
@click.option("--reset", "is_reset", is_flag=True, help="Forget everything and begin anew. Asks first.")
@click.option("--sizes", "is_asked", is_flag=True, help="Show how much is kept.")
@click.option("--archive", "is_archived", is_flag=True, help="Archive at once what is older than the settings say.")
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@json_option
@click.pass_obj
def db_command(roof: Roof, *, is_update: bool, is_reset: bool, is_asked: bool, is_archived: bool, is_sure: bool, as_json: bool) -> int:
    """Bring the store up to date, reset it, see how much it keeps, or archive what is old.

    --update and --reset are refused while anything of this deployment runs on this box.
    """
    if is_update + is_reset + is_asked + is_archived != 1:
        raise BadName("say what to do: --update, --reset, --sizes or --archive")
    settings = roof.settings
    if is_asked or is_archived:
        return show_sizes(roof, as_json=as_json) if is_asked else archive_now(roof, as_json=as_json)
    make_writable(settings.folder)
    with only_one(lock_path(settings.folder)):
        refuse_while_running(settings)
        _refuse_while_open(settings)
        if is_reset and not _reset(settings, is_sure=is_sure):
            return 1
        with open_parts(settings) as parts:
            parts.store.mend()
            parts.broker.mend()
    done, store = "reset" if is_reset else "updated", hide(settings.store_url)
    if as_json:
        show_json({"store": store, "done": done})
    else:
        say(f"{store} is {'empty, and ready' if is_reset else 'up to date'}: `launch.py up` may start")
    return 0


def _reset(settings: Settings, *, is_sure: bool) -> bool:
    file = sqlite_path(settings.store_url)
    is_done = _remove_file(file.absolute(), is_sure=is_sure) if file else _erase(settings.store_url, is_sure=is_sure)
    if is_done:
        store_mark.forget(settings)
        # Units of work get the same ids again: what their namesakes printed must not be taken for theirs.
        shutil.rmtree(settings.folder / "output", ignore_errors=True)
    return is_done


def _remove_file(path: Path, *, is_sure: bool) -> bool:
    files = [found for end in _BESIDE if (found := path.with_name(path.name + end)).exists()]
    size = sum(file.stat().st_size for file in files)
    if not sure(f"forget all that was ever done, and remove {path} ({size / 1e6:,.1f} MB)?", is_sure=is_sure):
        return False
    for file in files:
        file.unlink()
    return True


def _erase(url: str, *, is_sure: bool) -> bool:
    """Forget what a server keeps. Other boxes may run over it, which only a person can know: a session may be a dead one's."""
    store = open_store(url)
    try:
        store.prepare()
        open_ones = sorted({f"{session.kind} on {session.box}" for session in store.sessions()})
    finally:
        store.close()
    although = f" although sessions are open ({', '.join(open_ones)})" if open_ones else ""
    if not sure(f"forget all that was ever done, and remove what Horarium keeps in {hide(url)}{although}?", is_sure=is_sure):
        return False
    erase_store(url)
    return True


def refuse_while_running(settings: Settings) -> None:
    """Raise ConfigError where a process of this folder runs: also one that outlived its `up` must not lose its store."""
    var, mine = settings.folder, f"{folder_id(settings.folder)}."
    found = [identity for identity, mark in processes.all_marked() if mark.startswith(mine)]
    # Who was started without a supervisor took its mark after its start, which nobody else can read: its pid file names it.
    found += [said.identity for name in singles(var) if (said := running(var, name))]
    if server := server_of(var):
        found.append(server)
    _refuse_beside(found)


def _refuse_while_open(settings: Settings) -> None:
    """Raise ConfigError where a process of this box that runs has a session in the store. One that can't be read may be reset."""
    file = sqlite_path(settings.store_url)
    if file is not None and not file.exists():
        return
    with suppress(StoreError), closing(opened_store(settings)) as store:
        here = [Identity(each.pid, each.created_s) for each in store.sessions() if each.box == settings.box]
        _refuse_beside([who for who in here if processes.is_alive(who)])


def _refuse_beside(found: Iterable[Identity]) -> None:
    if pids := ", ".join(map(str, sorted({who.pid for who in found}))):
        raise ConfigError(f"processes of this deployment still run (pid {pids}): end them first, by `launch.py stop` or where they began")

"""How is a deployment made ready? `launch.py install`: folders, store, context, and what to do next."""

from __future__ import annotations

import click

from launcher.box import begin, places
from launcher.context_check import counts_of
from launcher.parts import Roof, make_writable, open_parts
from launcher.say import say
from launcher.screen import json_option, show_json
from system.hidden import hide

_FOLDERS = ("log", "run", "daemons", "output")


@click.command("install")
@json_option
@click.pass_obj
def install_command(roof: Roof, *, as_json: bool) -> None:
    """Make this box ready: create the folders, prepare the store, check the context. May be repeated."""
    settings, context = roof.settings, roof.context
    for folder in (settings.folder, *(settings.folder / name for name in _FOLDERS)):
        make_writable(folder)
    with open_parts(settings) as parts:
        begin(roof, parts)
    kept = {place.process: place.instances for place in places(roof)}
    store = hide(settings.store_url)
    if as_json:
        show_json({"box": settings.box, "var": settings.var, "store": store, "context": settings.context, "keeps": kept})
        return
    say(f"folders:  {settings.var} ({', '.join(_FOLDERS)})")
    say(f"store:    {store} is up to date")
    say(f"context:  {settings.context} is sound: {counts_of(context)}")
    say(f"this box: {settings.box} keeps {', '.join(f'{count} x {name}' for name, count in kept.items()) or 'nothing'}")
    say("next:     `launch.py start` runs it as a daemon, `launch.py up` in this terminal; `launch.py settings` shows what can be set")

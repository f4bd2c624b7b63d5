"""Where does a person see all of it in a browser? `launch.py mx` serves the dashboard; `launch.py up` and `start` have it served, too."""

from __future__ import annotations

import json

import click

from launcher.alone import SUPERVISOR, running
from launcher.parts import Roof, make_writable
from launcher.say import say
from launcher.web.address import NONE, told
from supervisor.places import MX
from system import logs
from system.errors import ConfigError
from system.processes import stand_back


@click.group("mx", invoke_without_command=True)
@click.pass_context
def mx_group(ctx: click.Context) -> None:
    """See all of it in a browser. Alone it is `mx serve`."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(serve_command)


@mx_group.command("serve")
@click.pass_obj
def serve_command(roof: Roof) -> None:
    """Serve the dashboard in the foreground, until Ctrl-C.

    `up` and `start` keep one by themselves.
    """
    settings = roof.settings
    if settings.mx_listen == NONE:
        raise ConfigError(f"HORARIUM_MX_LISTEN is {NONE}: unset it, or set it to HOST:PORT such as 127.0.0.1:8642")
    make_writable(settings.folder)
    if url := told(settings.folder):
        how = "; `launch.py super --stop mx` ends the one that the supervisor keeps" if running(settings.folder, SUPERVISOR) else ""
        raise ConfigError(f"a dashboard over {settings.folder} is there already: {url}{how}")
    stand_back()
    from launcher.web.server import serve  # late: no other command needs a web server

    logs.set_up(MX, settings.folder / "log", max_bytes=settings.log_bytes, count=settings.log_count)
    serve(roof, said=say)


@mx_group.command("openapi")
@click.pass_obj
def openapi_command(roof: Roof) -> None:
    """Print the OpenAPI document of the REST API."""
    from launcher.web.document import described  # late, as above

    click.echo(json.dumps(described(roof), indent=2, ensure_ascii=False))

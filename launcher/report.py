"""What has the timetable produced? `launch.py report` calls the report that the context names."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType

import click

from launcher.parts import Roof
from launcher.screen import json_option
from system.errors import ConfigError

_HOW = 'write report = "module.function" in the context; it is called as function(out_json=..., facts={...}) and returns an exit code'


@click.command("report")
@json_option
@click.pass_obj
def report_command(roof: Roof, *, as_json: bool) -> int:
    """Print the report that the process context names."""
    folder = roof.context.folder
    # The report may import its neighbours, now and later: its folder stays on the path.
    sys.path.insert(0, folder)
    with redirect_stdout(sys.stderr):  # as when it was checked
        dotted = getattr(_module(roof.settings.context), "report", None)
    if not isinstance(dotted, str) or "." not in dotted:
        raise ConfigError(f"the process context {roof.settings.context} names no report: {_HOW}")
    module_name, _, function_name = dotted.rpartition(".")
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the report {dotted!r} can't be loaded from {folder}: {error}; {_HOW}") from error
    with roof.desk() as desk:
        facts = {**desk.totals(), "seconds": round(desk.seconds(), 3)}
    return int(function(out_json=as_json, facts=facts) or 0)


def _module(where: str) -> ModuleType:
    """Return the context's module. It was checked before, so it loads."""
    if not where.endswith(".py"):
        return importlib.import_module(where)
    spec = importlib.util.spec_from_file_location("_context_of_the_report", Path(where))
    if spec is None or spec.loader is None:
        raise ConfigError(f"the process context {where} can't be read")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

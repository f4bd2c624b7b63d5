"""Which function does a class path name? Imported as Python does it, from the folder that is first on the path.

Standard library only, and little of it: a daemon's start reads this, too.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any


def resolve(classname: str) -> Callable[[Any], object]:
    """Return what `classname` names: `package.module.function`, or `package.module.Class.method` on a fresh object of the class."""
    parts = classname.split(".")
    for count in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:count])
        try:
            found: Any = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
                continue
            raise
        return _member(found, parts[count:])
    raise ModuleNotFoundError(f"no module for {classname!r} in the user's folder or the Python path")


def _member(found: Any, names: list[str]) -> Callable[[Any], object]:
    for name in names[:-1]:
        found = getattr(found, name)
    name = names[-1]
    member: Callable[[Any], object] = getattr(found, name)
    if not (inspect.isclass(found) and inspect.isfunction(inspect.getattr_static(found, name))):
        return member

    def method(work: Any) -> object:
        return getattr(found(), name)(work)

    return method

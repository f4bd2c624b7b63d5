"""Where do the settings come from? A TOML file, the environment, the command line: later ones overrule earlier ones.

The file is the one that HORARIUM_SETTINGS names, else `settings.toml` beside the context, where there is one.
"""

from __future__ import annotations

import shlex
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from settings import COMMAND_LINE, FILE, FILE_VARIABLE, NO_FILE, PLACES_VARIABLE, TABLE, Layer, Settled, from_environment, settled
from system.errors import ConfigError
from system.hidden import has_password

FILE_NAME = "settings.toml"


def settle(environ: Mapping[str, str], given: Sequence[str], here: Path) -> Settled:
    """Return the settings and where each came from; `given` are NAME=VALUE of the command line. Raises ConfigError with every fault."""
    above = [from_environment(environ), command_line(given)]
    path = settings_file(environ, above, here)
    found = settled([*([file_layer(path, is_beside=FILE_VARIABLE not in environ)] if path else []), *above], here)
    told = environ.get(PLACES_VARIABLE)
    return found.as_told(told) if told else found


def command_line(given: Sequence[str]) -> Layer:
    """Return the layer of `--set NAME=VALUE`; raises ConfigError where one has no `=`."""
    pairs = [text.partition("=") for text in given]
    faults = tuple(f"--set {name}: expected NAME=VALUE, such as --set slots=4" for name, equals, _ in pairs if not equals or not name)
    if faults:
        raise ConfigError("\n".join(faults), faults)
    return Layer(COMMAND_LINE, {name.strip().lower(): value for name, _, value in pairs}, Path.cwd())


def settings_file(environ: Mapping[str, str], above: Sequence[Layer], here: Path) -> Path | None:
    """Return the file to read, None where there is none; one that is named must be there, else ConfigError."""
    named = environ.get(FILE_VARIABLE, "")
    if named == NO_FILE:
        return None
    if FILE_VARIABLE in environ:
        path = Path.cwd() / Path(named).expanduser()
        if not named.strip() or not path.is_file():
            raise ConfigError(
                f"{FILE_VARIABLE} is {named!r}, and no such file is there: name a TOML file, write `{NO_FILE}`, or unset it "
                f"for the {FILE_NAME} beside the context"
            )
        return path
    context = next((layer.values["context"] for layer in reversed(above) if "context" in layer.values), "")
    place = Path.cwd() / Path(str(context)).expanduser() if context else here / str(TABLE["context"].default)
    beside = place.parent / FILE_NAME
    return beside if place.suffix == ".py" and beside.exists() else None


def file_layer(path: Path, *, is_beside: bool) -> Layer:
    """Return what a settings file says; raises ConfigError where it can't be read, or holds secrets that others can read."""
    import tomllib  # late: most have no such file

    try:
        with path.open("rb") as file:
            others = stat.S_IMODE(path.stat().st_mode) & 0o077
            values = tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"the settings file {path} can't be read ({error.strerror}): make it readable for this user") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the settings file {path} is no TOML: {error}; write lines such as slots = 4") from error
    passwords = [name for name, f in TABLE.items() if f.metadata["may_hold_password"] and has_password(str(values.get(name, "")))]
    secrets = [*passwords, *(name for name, f in TABLE.items() if f.metadata["is_secret"] and values.get(name))]
    if secrets and others:
        raise ConfigError(
            f"the settings file {path} holds a password ({', '.join(secrets)}), and others than its owner may use the file: "
            f"type `chmod 600 {shlex.quote(str(path))}`"
        )
    if is_beside and "context" in values:
        raise ConfigError(
            f"context in {path} can't be used: the file itself was found beside a context; name it in {FILE_VARIABLE}, or take it out"
        )
    return Layer(FILE, values, path.resolve().parent, str(path))

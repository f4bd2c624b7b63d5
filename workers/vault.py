"""Which secrets and connections may a job ask for by name, and what must never be shown of them?

From the environment (`HORARIUM_SECRET_<NAME>`, `HORARIUM_CONNECTION_<NAME>`) and from a TOML file with the tables `secrets` and
`connections`; the environment goes first. Read where a job runs, when it asks. Standard library only: slots use it too.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

PREFIXES = {"secrets": "HORARIUM_SECRET_", "connections": "HORARIUM_CONNECTION_"}
MASK = "***"
LEAST_CHARACTERS = 4  # what is shorter would be found in any text
_LEAST_LINE = 8  # of a secret of several lines, such as a key, each line that is not shorter is masked too


NOTHING: Mapping[str, str] = MappingProxyType({})


class UnknownName(LookupError):
    """A job asked for a secret or a connection that is not there. Says which names there are, never a value."""


class BadSecretsFile(RuntimeError):
    """The secrets file can't be used: not there, no TOML, or others than its owner may read it."""


def read_file(path: str) -> dict[str, dict[str, str]]:
    """Return the tables of a secrets file, names in capitals; raises BadSecretsFile."""
    try:
        with Path(path).open("rb") as file:
            facts = os.fstat(file.fileno())
            if stat.S_IMODE(facts.st_mode) & 0o077 or facts.st_uid != os.geteuid():
                why = "is another user's, or others than its owner may use it"
                raise BadSecretsFile(f"the secrets file {path} {why}: type `chmod 600 {path}`")
            found = tomllib.load(file)
    except OSError as error:
        raise BadSecretsFile(f"the secrets file {path} can't be read: {error.strerror or type(error).__name__}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        # Without the parser's words, which may quote the file.
        raise BadSecretsFile(f'the secrets file {path} is no TOML: write [secrets], then lines such as name = "value"') from None
    return {kind: _table(found, kind, path) for kind in PREFIXES}


def _table(found: Mapping[str, object], kind: str, path: str) -> dict[str, str]:
    strange = sorted(set(found) - set(PREFIXES))
    table = found.get(kind, {})
    if strange or not isinstance(table, dict):
        raise BadSecretsFile(f"the secrets file {path} holds {', '.join(strange) or kind}: expected the tables [secrets] and [connections]")
    wrong = sorted(name for name, value in table.items() if not isinstance(value, str))
    if wrong:
        raise BadSecretsFile(f"the secrets file {path}: {', '.join(wrong)} in [{kind}] must be texts, in quotes")
    return {name.upper(): value for name, value in table.items()}


class Vault:
    """What there is just now, in a file (empty: none) and an environment. The file is read again when it has changed."""

    def __init__(self, path: str = "", environ: Mapping[str, str] = NOTHING) -> None:
        self.path = path
        self._given = {
            kind: {name.removeprefix(prefix): value for name, value in environ.items() if name.startswith(prefix)}
            for kind, prefix in PREFIXES.items()
        }
        self._hidden: list[str] | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._tables: dict[str, dict[str, str]] = {kind: {} for kind in PREFIXES}

    def get(self, kind: str, name: str) -> str:
        """Return a value of `kind` (`secrets` or `connections`); raises UnknownName or BadSecretsFile."""
        values = self._all(kind)
        try:
            return values[name.upper()]
        except KeyError:
            known = ", ".join(sorted(values)) or "none at all"
            raise UnknownName(
                f"there is nothing by the name {name!r} among the {kind}; there are: {known}. Set {PREFIXES[kind]}{name.upper()} for the "
                f"workers, or add it under [{kind}] in the file that the setting secrets_file names"
            ) from None

    def values(self) -> list[str]:
        """Return every text that must not be shown, the longest first; what can't be read just now is left out."""
        with suppress(BadSecretsFile):  # a job that asks is told; here what was read before stays hidden
            self._refresh()
        if self._hidden is None:
            self._hidden = self._gather()
        return self._hidden

    def from_file(self) -> dict[str, str]:
        """Return what the file holds as variables of an environment; raises BadSecretsFile."""
        self._refresh()
        return {PREFIXES[kind] + name: value for kind, table in self._tables.items() for name, value in table.items()}

    def _gather(self) -> list[str]:
        found = [*self._given["secrets"].values(), *self._tables["secrets"].values()]
        for url in (*self._given["connections"].values(), *self._tables["connections"].values()):
            found += [url, *_passwords(url)]
        lines = [line.strip() for value in found if "\n" in value for line in value.splitlines() if len(line.strip()) >= _LEAST_LINE]
        return sorted({v for v in (*found, *(f.strip() for f in found), *lines) if len(v) >= LEAST_CHARACTERS}, key=len, reverse=True)

    def _all(self, kind: str) -> dict[str, str]:
        self._refresh()
        return {**self._tables[kind], **self._given[kind]}

    def _refresh(self) -> None:
        if not self.path:
            return
        try:
            facts = os.stat(self.path)  # noqa: PTH116  asked for each piece of output
            stamp = (facts.st_mtime_ns, facts.st_ino, facts.st_mode)
        except OSError:
            stamp = None
        if stamp is None or stamp != self._stamp:
            self._tables = read_file(self.path)
            self._stamp, self._hidden = stamp, None


def _passwords(url: str) -> list[str]:
    """Return the password in a URL, as it is written there and as it is meant."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        return []
    return [password, unquote(password)]


class Masks:
    """Replaces what a vault holds by `***`, in texts and in output that comes in pieces."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._values: list[str] = []
        self._printed: list[bytes] = []  # as they come in output
        self._text: re.Pattern[str] | None = None
        self._bytes: re.Pattern[bytes] | None = None

    def text(self, text: str) -> str:
        """Return `text` with every value masked."""
        if not text:
            return text
        self._learn()
        return self._text.sub(MASK, text) if self._text else text

    def data(self, data: bytes) -> bytes:
        """Return output with every value masked."""
        self._learn()
        return self._bytes.sub(MASK.encode(), data) if self._bytes else data

    def held_back(self, data: bytes) -> int:
        """Return how many bytes at the end of `data` may be the beginning of a value, whose rest has not come yet."""
        self._learn()
        longest = 0
        for value in self._printed:
            for count in range(min(len(value) - 1, len(data)), longest, -1):
                if data.endswith(value[:count]):
                    longest = count
                    break
        return longest

    def broken_start(self, data: bytes) -> int:
        """Return how many bytes at the start of `data` may be the end of a value whose beginning was cut out."""
        self._learn()
        longest = 0
        for value in self._printed:
            for count in range(min(len(value) - 1, len(data)), max(longest, LEAST_CHARACTERS - 1), -1):
                if data.startswith(value[-count:]):
                    longest = count
                    break
        return longest

    def _learn(self) -> None:
        values = self._vault.values()
        if values is not self._values:
            # A value need not be UTF-8: then a command prints its bytes, and a function prints `\udc..` for them.
            escaped = {value.encode("utf-8", "backslashreplace") for value in values}
            texts = sorted({*values, *(form.decode() for form in escaped)}, key=len, reverse=True)
            self._printed = sorted({*escaped, *(value.encode("utf-8", "surrogateescape") for value in values)}, key=len, reverse=True)
            self._text = re.compile("|".join(map(re.escape, texts))) if values else None
            self._bytes = re.compile(b"|".join(map(re.escape, self._printed))) if values else None
            self._values = values  # last: whatever fails above must not pass for learned

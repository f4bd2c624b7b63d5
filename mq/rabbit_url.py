"""What does a URL of RabbitMQ say? `amqp://user:password@host:5672/vhost?option=value`, and `amqps://` for TLS."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from system.errors import ConfigError

SCHEMES = {"amqp": 5672, "amqps": 5671}
QUEUE_TYPES = ("quorum", "classic")
_MOST = 10**6
# RabbitMQ takes names of 255 bytes: a queue's own of 200, and 16 for the endings of its lane and of what is urgent.
_MOST_PREFIX = 39


@dataclass(frozen=True, slots=True)
class RabbitPlace:
    """Where the server is, who asks, and the options, which are what follows `vhost`.

    `queue_type` is that of queues that are created. `delivery_limit`: how often a message of a quorum queue comes back before it becomes
    a dead letter. `heartbeat_s`: after about twice as long without a sign the other side counts as gone. `wait_s`: how long a call
    waits for the server. `prefix` stands before the names of all queues and exchanges, so that several deployments share a vhost.
    `ca_file` is whom to trust instead of the system's authorities, `server_name` the name that the server's certificate must have instead
    of `host`; `cert_file` and `key_file` are for a server that asks who we are.
    """

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    vhost: str
    is_tls: bool = False
    queue_type: str = "quorum"
    delivery_limit: int = 50
    heartbeat_s: int = 30
    wait_s: int = 10
    prefix: str = ""
    ca_file: str = ""
    server_name: str = ""
    cert_file: str = ""
    key_file: str = ""

    @property
    def shown(self) -> str:
        """The place as a message may name it: without the password."""
        return f"{'amqps' if self.is_tls else 'amqp'}://{self.user}@{self.host}:{self.port}{'' if self.vhost == '/' else '/' + self.vhost}"


# By option: the least number it may be; None for a text.
OPTIONS: dict[str, int | None] = {
    "queue_type": None, "delivery_limit": 1, "heartbeat_s": 1, "wait_s": 1, "prefix": None,
    "ca_file": None, "server_name": None, "cert_file": None, "key_file": None,
}  # fmt: skip
_OF_TLS = ("ca_file", "server_name", "cert_file", "key_file")


def place_of(url: str) -> RabbitPlace:
    """Return what `url` says; raises ConfigError that names every fault and never the password."""
    faults: list[str] = []
    parts = urlsplit(url)
    options = _options(parts, faults)
    try:
        port = parts.port or SCHEMES[parts.scheme]
    except ValueError:
        port = 0
        faults.append("the port is no number from 1 to 65535")
    vhost = unquote(parts.path[1:]) or "/"
    if "/" in parts.path[1:]:
        faults.append(f"the vhost {parts.path[1:]!r} holds a slash: write it as %2F")
    if parts.fragment:
        faults.append("it holds a #: write it as %23")
    if bool(options.get("cert_file")) != bool(options.get("key_file")):
        faults.append("cert_file and key_file go together")
    if faults:
        raise ConfigError(f"the broker's URL can't be used: {'; '.join(faults)}", tuple(faults))
    user, password = unquote(parts.username or "guest"), unquote(parts.password or "guest")
    return RabbitPlace(parts.hostname or "localhost", port, user, password, vhost, parts.scheme == "amqps", **options)


def _options(parts: SplitResult, faults: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, given in parse_qsl(parts.query, keep_blank_values=True):
        if name not in OPTIONS:
            faults.append(f"there is no option {name!r}; options are {', '.join(OPTIONS)}")
        elif (least := OPTIONS[name]) is not None:
            if given.isdecimal() and least <= int(given) <= _MOST:
                found[name] = int(given)
            else:
                faults.append(f"{name} is {given!r}: a whole number is expected, {least} or more")
        else:
            found[name] = given
            faults.extend(_text_faults(name, given, parts.scheme))
    return found


def _text_faults(name: str, given: str, scheme: str) -> list[str]:
    if name == "queue_type" and given not in QUEUE_TYPES:
        return [f"queue_type is {given!r}: expected {' or '.join(QUEUE_TYPES)}"]
    if name == "prefix" and len(given.encode("utf-8", "replace")) > _MOST_PREFIX:
        return [f"prefix is {given!r}: {_MOST_PREFIX} bytes at most are expected"]
    if name in _OF_TLS and scheme != "amqps":
        return [f"{name} is for amqps://, and this is {scheme}://"]
    if name == "server_name" and not given:
        return ["server_name is empty: the name in the server's certificate is expected"]
    if name.endswith("_file") and not Path(given).is_file():
        return [f"{name} is {given!r}: there is no such file"]
    return []


assert {f.name for f in fields(RabbitPlace)} >= set(OPTIONS)

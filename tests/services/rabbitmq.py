"""How does a RabbitMQ for tests run? One node, known to nobody else: it has a name server (epmd) and a certificate of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pika

from tests.services.machine import give, run
from tests.services.server import LOOPBACK, PASSWORD, USER, Server

TLS_NAME = "mq.test"  # in its certificate, beside its address
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")


class RabbitMQ(Server):
    """An administrator `horarium`. It speaks TLS too, and asks for a client's certificate, but needs none.

    `settings` are lines of its configuration, such as {"consumer_timeout": "60000"}.
    """

    name, url_name, user, may_be_root = "rabbitmq", "AMQP_URL", "rabbitmq", True
    tls_url_name: ClassVar[str] = "AMQPS_URL"

    def __init__(
        self, folder: Path, *, address: str = LOOPBACK, prefix: Sequence[str] = (), settings: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(folder, address=address, prefix=prefix)
        self.settings = dict(settings or {})

    @property
    def url(self) -> str:
        """The vhost `/`; a test gives its queues a prefix of their own."""
        return f"amqp://{USER}:{PASSWORD}@{self.address}:{self.port()}/"

    @property
    def tls_url(self) -> str:
        """The same by TLS, as Horarium's broker takes it: with whom to trust."""
        return f"amqps://{USER}:{PASSWORD}@{self.address}:{self.port('tls')}/?ca_file={self.folder / 'tls' / 'ca.pem'}"

    @classmethod
    def missing_packages(cls) -> list[str]:
        """Return what is not installed."""
        programs = {"rabbitmq-server": (_PROGRAMS / "rabbitmq-server").exists(), "openssl": shutil.which("openssl")}
        return [package for package, is_there in programs.items() if not is_there]

    def ask(self) -> None:
        """Log in and open a channel, by TLS too."""
        for url in (self.url, self.tls_url):
            parameters = pika.URLParameters(url.partition("?")[0])
            parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = 2
            if url == self.tls_url:
                parameters.ssl_options = pika.SSLOptions(self.authority.client(self.own_certificate("client")), self.address)
            connection = pika.BlockingConnection(parameters)
            connection.channel()
            connection.close()

    def control(self, *words: str) -> str:
        """Return what `rabbitmqctl` answers to `words`, such as `control("list_queues", "name", "messages")`."""
        return run([*self._as_its_user(), str(_PROGRAMS / "rabbitmqctl"), "--quiet", *words], env=self._node())

    def _set_up(self) -> None:
        own = self.own_certificate("server", f"IP:{self.address}", f"DNS:{TLS_NAME}")
        settings = {
            "default_user": USER, "default_pass": PASSWORD, "default_user_tags.administrator": "true",
            "vm_memory_high_watermark.absolute": "2GB", "disk_free_limit.absolute": "100MB",
            "log.console": "true", "log.console.level": "error",
            "listeners.ssl.1": f"{self.address}:{self.port('tls')}", "ssl_options.cacertfile": str(self.authority.file),
            "ssl_options.certfile": str(own.file), "ssl_options.keyfile": str(own.key),
            "ssl_options.verify": "verify_peer", "ssl_options.fail_if_no_peer_cert": "false", **self.settings,
        }  # fmt: skip
        self._write("rabbitmq.conf", "".join(f"{name} = {value}\n" for name, value in settings.items()))
        self._write("advanced.config", "[].\n")
        self._write("enabled_plugins", "[].\n")
        self._write("rabbitmq-env.conf", "")  # else the one in /etc is read

    def _launch(self) -> None:
        self._spawn("epmd", ["epmd"], env=self._node())
        self._spawn("rabbitmq", [str(_PROGRAMS / "rabbitmq-server")], env=self._node())

    def _write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)
        give(self.folder / name, self.user)

    def _node(self) -> dict[str, str]:
        inside = {
            "MNESIA_BASE": "mnesia", "LOG_BASE": "log", "PID_FILE": "pid", "CONFIG_FILE": "rabbitmq.conf",
            "ADVANCED_CONFIG_FILE": "advanced.config", "ENABLED_PLUGINS_FILE": "enabled_plugins", "CONF_ENV_FILE": "rabbitmq-env.conf",
        }  # fmt: skip
        return self._environ({
            **{f"RABBITMQ_{name}": str(self.folder / path) for name, path in inside.items()},
            "RABBITMQ_NODENAME": "horarium@localhost", "RABBITMQ_NODE_IP_ADDRESS": self.address,
            "RABBITMQ_NODE_PORT": str(self.port()), "RABBITMQ_DIST_PORT": str(self.port("nodes")),
            "ERL_EPMD_ADDRESS": LOOPBACK, "ERL_EPMD_PORT": str(self.port("names")),
            "detached": "yes",  # the node itself is the process that was started, no shell before it
        })  # fmt: skip

"""Does the server stand as the settings say: who is asked to log in, by which link the first admin comes, by TLS or not?"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from launcher.doctor_seen import MxSeen
from launcher.parts import ROOT
from launcher.web.address import Address
from launcher.web.first_link import link_path
from launcher.web.gate import gate_settings, tls_of, warn_of_plain_passwords
from launcher.web.guarded import seen_of
from settings import Settings
from system.clock import RealClock
from system.errors import ConfigError
from tests.support.certificates import certificate_in
from tests.support.gates import CONTEXT
from tests.support.waiting import wait_until

LOOPBACK, EVERYWHERE = Address("127.0.0.1", 8642), Address("0.0.0.0", 8642)


def settings_of(**given: str) -> Settings:
    environ = {f"HORARIUM_{name.upper()}": value for name, value in {"settings": "none", "box": "Box-1", **given}.items()}
    return Settings.load({name: value for name, value in environ.items() if name != "HORARIUM_SETTINGS"}, ROOT)


@pytest.mark.parametrize(
    ("address", "login", "is_asked"),
    [(LOOPBACK, "auto", False), (LOOPBACK, "always", True), (EVERYWHERE, "auto", True), (Address("::1", 1), "auto", False),
     (Address("10.0.0.1", 1), "auto", True), (Address("example.org", 1), "auto", True)],
)  # fmt: skip
def test_a_login_is_asked_for_wherever_others_can_come(address: Address, login: str, is_asked: bool) -> None:
    assert gate_settings(settings_of(mx_login=login), address).has_login is is_asked


def test_the_names_are_those_of_the_settings_and_where_others_can_come_the_boxs() -> None:
    hosts = settings_of(mx_hosts="MX.example.org, mx2")
    assert gate_settings(hosts, LOOPBACK).hosts == {"mx.example.org", "mx2"}
    assert gate_settings(hosts, EVERYWHERE).hosts == {"mx.example.org", "mx2", "box-1", socket.gethostname().lower()}


def test_any_name_will_do_where_a_login_is_asked_for_and_none_is_set() -> None:
    assert gate_settings(settings_of(), EVERYWHERE).hosts == {"*"}
    assert gate_settings(settings_of(), LOOPBACK).hosts == frozenset()


@pytest.mark.parametrize(
    ("given", "says"),
    [({"mx_hosts": "a b"}, "MX_HOSTS is 'a b'"), ({"mx_trusted_proxies": "proxy.local"}, "MX_TRUSTED_PROXIES is 'proxy.local'")],
)
def test_a_setting_that_can_not_be_read_is_named(given: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        gate_settings(settings_of(**given), LOOPBACK)


def test_a_word_that_is_no_choice_is_refused() -> None:
    with pytest.raises(ConfigError, match="HORARIUM_MX_LOGIN is 'never': expected auto or always"):
        settings_of(mx_login="never")


def test_passwords_in_clear_text_are_warned_of() -> None:
    gate = gate_settings(settings_of(), EVERYWHERE)
    assert "clear text" in warn_of_plain_passwords(gate, EVERYWHERE, None)
    assert warn_of_plain_passwords(gate, LOOPBACK, None) == ""


# -- TLS


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    return certificate_in(tmp_path_factory.mktemp("tls"))


def test_a_key_that_others_may_read_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    open_key = tmp_path / "open.pem"
    open_key.write_bytes(key.read_bytes())
    for mode in (0o640, 0o604, 0o660):
        open_key.chmod(mode)
        with pytest.raises(ConfigError, match=r"MX_KEY: .*open.pem may be read by others than its owner: `chmod 600"):
            tls_of(settings_of(mx_certificate=str(certificate), mx_key=str(open_key)))


def test_half_a_pair_and_a_wrong_one_are_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    (tmp_path / "empty.pem").touch(mode=0o600)
    for given, says in (
        ({"mx_certificate": str(certificate)}, "MX_KEY is not set"),
        ({"mx_key": str(key)}, "MX_CERTIFICATE is not set"),
        ({"mx_certificate": str(certificate), "mx_key": str(tmp_path / "none.pem")}, "none.pem: No such file"),
        ({"mx_certificate": str(certificate), "mx_key": str(tmp_path / "empty.pem")}, "can't be used"),
    ):
        with pytest.raises(ConfigError, match=says):
            tls_of(settings_of(**given))
    assert tls_of(settings_of()) is None


# -- a server that runs


@contextmanager
def served(folder: Path, **settings: str) -> Iterator[str]:
    """Serve a dashboard; yields what it says of itself, once it has said it all."""
    environ = {"HORARIUM_VAR": str(folder), "HORARIUM_CONTEXT": str(CONTEXT), "HORARIUM_SETTINGS": "none"}
    environ["HORARIUM_MX_LISTEN"] = "127.0.0.1:0"
    environ |= {f"HORARIUM_{name.upper()}": value for name, value in settings.items()}
    out = folder / "said"
    folder.mkdir(exist_ok=True)
    with out.open("w") as file:
        server = subprocess.Popen([sys.executable, str(ROOT / "launch.py"), "mx", "serve"], env=environ, stdout=file, stderr=file)
    try:
        wait_until(lambda: "to make the first admin" in out.read_text() or server.poll() is not None, within_s=60, what="the first link")
        assert server.poll() is None, out.read_text()
        yield out.read_text()
    finally:
        server.terminate()
        server.wait(30)


def test_the_first_admin_comes_by_a_link_that_is_said_once_and_by_tls(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    with served(tmp_path / "var", mx_login="always", mx_certificate=str(certificate), mx_key=str(key)) as said:
        (port, link) = re.findall(r"https://127.0.0.1:(\d+)(/welcome/\S+)", said)[0]
        assert link_path(tmp_path / "var").read_text().strip().endswith(link)
        context = ssl.create_default_context(cafile=str(certificate))
        browser = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
        answers = {}
        for path in ("/", link, "/welcome/" + "x" * 43, "/healthz"):
            browser.request("GET", path)
            answer = browser.getresponse()
            answers[path] = answer.status
            assert "max-age" in answer.headers["Strict-Transport-Security"]
            body = answer.read().decode()
            assert path != link or "Make the admin" in body
        browser.close()
        assert list(answers.values()) == [303, 200, 404, 200]
        plain = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
        plain.request("GET", "/")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
        plain.close()
    assert not link_path(tmp_path / "var").exists()


def test_the_doctor_sees_how_long_a_certificate_is_good_and_who_is_locked_out(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    tls = {"mx_certificate": str(certificate), "mx_key": str(key)}
    now = RealClock().now()
    seen = seen_of(settings_of(mx_listen="0.0.0.0:1", **tls), 0, now)
    assert (seen.fault, seen.plain, seen.is_locked) == ("", "", True)
    assert 86_400 < (seen.left_s or 0) <= 2 * 86_400
    assert seen_of(settings_of(mx_listen="0.0.0.0:1", **tls), 1, now).is_locked is False
    assert "clear text" in seen_of(settings_of(mx_listen="0.0.0.0:1"), 1, now).plain
    assert seen_of(settings_of(), 0, now) == MxSeen()
    assert "MX_KEY" in seen_of(settings_of(mx_certificate=str(certificate)), 0, now).fault

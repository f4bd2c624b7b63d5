"""Which names, callers, targets and tokens of forms does the gate believe? Each by itself, without an app."""

from __future__ import annotations

import pytest

from mx.security import csrf
from mx.security.headers import security_headers
from mx.security.hosts import host_name, may_be_called
from mx.security.proxies import Caller, caller, is_forwarded, read_networks
from mx.security.redirects import local_target
from mx.security.secrets import digest, is_same, new_id, new_secret, new_token, read_token

# -- Host


@pytest.mark.parametrize("host", ["localhost", "localhost:80", "127.0.0.1:8642", "127.9.9.9", "[::1]:1", "a.localhost", "LocalHost."])
def test_this_machines_names_are_always_answered(host: str) -> None:
    assert may_be_called(host, frozenset(), has_login=False)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "[2001:db8::1]",
                                  "a b", "a/b", "user@localhost", "localhost:999999", "127.0.0.1, evil.example"])  # fmt: skip
def test_other_names_are_not_answered_without_a_login(host: str) -> None:
    assert not may_be_called(host, frozenset(), has_login=False)


def test_names_of_the_settings_and_addresses_are_answered_with_a_login() -> None:
    names = frozenset({"mx.example.org"})
    asked = ["mx.example.org:443", "MX.example.org", "10.0.0.1:8642", "evil.example", "mx.example.org.evil.example"]
    assert [may_be_called(host, names, has_login=True) for host in asked] == [True, True, True, False, False]
    assert may_be_called("evil.example", frozenset({"*"}), has_login=True)
    assert not may_be_called("a b", frozenset({"*"}), has_login=True)


def test_a_hosts_name_is_without_port_and_brackets() -> None:
    assert [host_name(host) for host in ("[::1]:80", "A.b:1", "x.", "x y")] == ["::1", "a.b", "x", ""]


# -- proxies

DIRECT = {"REMOTE_ADDR": "10.0.0.9", "wsgi.url_scheme": "http", "HTTP_HOST": "mx:8642"}
TOLD = {
    "HTTP_X_FORWARDED_FOR": "6.6.6.6, 8.8.8.8, 10.0.0.1",
    "HTTP_X_FORWARDED_PROTO": "http, https",
    "HTTP_X_FORWARDED_HOST": "a, mx.example.org",
}


def test_a_proxy_that_is_not_trusted_is_not_believed() -> None:
    assert caller(DIRECT | TOLD, ()) == Caller("10.0.0.9", "http", "mx:8642")
    assert caller(DIRECT | TOLD, read_networks("10.0.1.0/24")) == Caller("10.0.0.9", "http", "mx:8642")
    assert is_forwarded(DIRECT | TOLD)
    assert is_forwarded(DIRECT | {"HTTP_VIA": "1.1 proxy"})
    assert is_forwarded(DIRECT | {"HTTP_X_REAL_IP": "8.8.8.8"})
    assert not is_forwarded(DIRECT)


def test_of_a_chain_the_last_that_is_no_proxy_counts() -> None:
    assert caller(DIRECT | TOLD, read_networks("10.0.0.0/24")) == Caller("8.8.8.8", "https", "mx.example.org")


def test_a_trusted_proxy_that_tells_nothing_is_the_caller() -> None:
    assert caller(DIRECT, read_networks("10.0.0.9")) == Caller("10.0.0.9", "http", "mx:8642")
    assert caller(DIRECT | {"HTTP_X_FORWARDED_PROTO": "gopher"}, read_networks("10.0.0.9")).scheme == "http"


def test_what_is_no_network_is_refused_with_what_is_expected() -> None:
    assert [str(found) for found in read_networks("127.0.0.1, ::1,10.1.0.0/16")] == ["127.0.0.1/32", "::1/128", "10.1.0.0/16"]
    with pytest.raises(ValueError, match="expected addresses or networks"):
        read_networks("proxy.example.org")


# -- where a login leads


@pytest.mark.parametrize("wanted", ["/", "/job/a/2024010100?fragment=1", "/search?q=a%20b", "/a//b"])
def test_a_path_of_ours_is_a_target(wanted: str) -> None:
    assert local_target(wanted) == wanted


@pytest.mark.parametrize("wanted", ["", "a", "//evil.example", "/\\evil.example", "///a", "http://a/", "/a\\b", "/a\r\nX: a", "/ a",
                                    "/" + "a" * 3000, "javascript:alert(1)"])  # fmt: skip
def test_anything_else_is_none(wanted: str) -> None:
    assert local_target(wanted) == "/"


# -- tokens of forms


def test_a_forms_token_is_good_for_its_cookie_only_and_differs_each_time() -> None:
    first, again = csrf.token("key", "cookie"), csrf.token("key", "cookie")
    assert first != again
    assert csrf.is_token(first, "key", "cookie")
    assert csrf.is_token(again, "key", "cookie")
    for text, key, bound in ((first, "key", "other"), (first, "other", "cookie"), (first[:-1], "key", "cookie"), ("", "key", "cookie"),
                             ("x.ü", "key", "cookie"), (csrf.token("key", ""), "key", "")):  # fmt: skip
        assert not csrf.is_token(text, key, bound)


def test_the_marker_is_known_to_nobody() -> None:
    assert len(csrf.MARKER) > 30


# -- API tokens


def test_a_token_is_read_as_it_was_written() -> None:
    made = new_token()
    assert read_token(made.text) == made
    assert made.text.startswith("hor_")
    assert is_same(made.secret, digest(made.secret))
    assert not is_same(made.secret + "x", digest(made.secret))


@pytest.mark.parametrize(
    "text", ["", "hor_", "hor_abc_def", "hor_abcdefghijkm_" + "a" * 42, "hor_abcdefghijkm_" + "a" * 43 + "\n", "ü" * 60]
)
def test_what_is_no_token_is_none(text: str) -> None:
    assert read_token(text) is None


def test_secrets_are_long_and_ids_are_easily_read() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert all(len(new_secret()) == 43 for _ in range(10))
    assert not set("01lo") & set("".join(new_id() for _ in range(100)))


# -- headers


def test_what_is_private_is_stored_nowhere_and_tls_stays_tls() -> None:
    plain, private = security_headers(is_tls=False, is_private=False), security_headers(is_tls=True, is_private=True)
    assert "Cache-Control" not in plain
    assert "Strict-Transport-Security" not in plain
    assert private["Cache-Control"] == "no-store"
    assert "unsafe" not in private["Content-Security-Policy"]

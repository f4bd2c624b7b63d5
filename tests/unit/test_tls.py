"""Is it told what to do about each way in which TLS with a store's server does not come about?"""

from __future__ import annotations

import psycopg
import pymysql
import pytest
import sqlalchemy as sa
from pymongo.errors import ServerSelectionTimeoutError

from db.mongo_errors import translating
from system.errors import Unavailable
from system.sqlmysql import MySql
from system.sqlpostgres import Postgres
from system.tls import TlsOptions, key_files, tls_advice

OPTIONS = TlsOptions("ca=..", "cert=..")
URL = sa.make_url("mysql://db/x")
VERIFY = "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed:"


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        (f"{VERIFY} certificate has expired (_ssl.c:1006)", "put another certificate in place on the server"),
        (f"{VERIFY} certificate is not yet valid (_ssl.c:1006)", "see whether the clocks"),
        (f"{VERIFY} Hostname mismatch, certificate is not valid for 'db'. (_ssl.c:1006)", "name the host in the URL"),
        (f"{VERIFY} IP address mismatch, certificate is not valid for '10.0.0.1'.", "name the host in the URL"),
        ('server certificate for "db1" does not match host name "db"', "name the host in the URL"),
        (f"{VERIFY} self-signed certificate in certificate chain", "by ca=..;"),
        ("SSL error: certificate verify failed", "by ca=..;"),
        ('root certificate file "/var/lib/postgresql/.postgresql/root.crt" does not exist', "by ca=..;"),
        ("server does not support SSL, but SSL was required", "the server speaks no TLS"),
        ("SSL is required but the server doesn't support it", "the server speaks no TLS"),
        ("SSL error: tlsv13 alert certificate required", "by cert=.."),
        ("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca (_ssl.c:2580)", "by cert=.."),
        ("connection requires a valid client certificate", "by cert=.."),
    ],
)
def test_what_is_said_of_tls_comes_with_what_to_do(said: str, advice: str) -> None:
    assert advice in tls_advice(said, OPTIONS)


@pytest.mark.parametrize("said", ["[Errno 111] Connection refused", "password authentication failed", "Lost connection to MySQL server"])
def test_of_what_is_not_about_tls_nothing_is_said(said: str) -> None:
    assert tls_advice(said, OPTIONS) == ""


def test_each_kind_of_store_names_its_own_options_and_goes_on_by_itself() -> None:
    said = f"{VERIFY} self-signed certificate"
    mysql = MySql().meaning(pymysql.err.OperationalError(2003, said), URL)
    postgres = Postgres().meaning(psycopg.OperationalError(said), URL)
    assert ("?ssl_ca=" in mysql.advice, mysql.is_passing) == (True, True)
    assert ("sslrootcert=" in postgres.advice, postgres.is_passing) == (True, True)
    with pytest.raises(Unavailable, match="by tlsCAFile="), translating():
        raise ServerSelectionTimeoutError(f"db:27017: {said}, Timeout: 1s")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("amqps://ann:pass@mq/?ca_file=/ca.pem&cert_file=/box.pem&key_file=/box.key", ["/box.key"]),
        ("mongodb://db/x?tls=true&tlsCAFile=/ca.pem&tlsCertificateKeyFile=%2Fa%20b.pem", ["/a b.pem"]),
        ("postgresql://db/x?sslmode=verify-full&sslcert=/box.pem&sslkey=/box.key", ["/box.key"]),
        ("mysql://db/x?ssl_ca=/ca.pem&ssl_cert=/box.pem&ssl_key=/box.key", ["/box.key"]),
        ("sqlite:////srv/horarium.db", []),
        ("embedded:", []),
        ("amqps://[mq/?key_file=/box.key", []),
    ],
)
def test_the_files_with_our_private_keys_are_read_off_a_url(url: str, found: list[str]) -> None:
    assert key_files(url) == found

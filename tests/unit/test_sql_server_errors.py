"""Is each error of a server's driver told as what it is: over soon, over at once, or for a person to mend?"""

from __future__ import annotations

import psycopg
import pymysql
import pytest
import sqlalchemy as sa

from system.sqlkind import Meaning
from system.sqlmysql import MySql
from system.sqlpostgres import Postgres

URL = sa.make_url("postgresql://ann:secret@box/shop")


def of_postgres(code: str) -> Meaning:
    """Return what a code of PostgreSQL means."""
    return Postgres().meaning(psycopg.errors.lookup(code)("words"), URL)


def of_mysql(code: int) -> Meaning:
    """Return what a code of MariaDB means."""
    return MySql().meaning(pymysql.OperationalError(code, "words"), URL)


@pytest.mark.parametrize("code", ["40001", "40P01"])
def test_postgresql_has_writes_that_crossed_made_again(code: str) -> None:
    assert (of_postgres(code).again, of_postgres(code).is_passing) == (True, True)


@pytest.mark.parametrize("code", ["55P03", "57014", "57P01", "57P03", "08006", "25006", "25P03", "53100", "53300", "58030"])
def test_postgresql_may_be_there_again_later(code: str) -> None:
    assert (of_postgres(code).again, of_postgres(code).is_passing) == (False, True)


@pytest.mark.parametrize("code", ["42P01", "42703", "42501", "22001", "23505", "XX000"])
def test_what_postgresql_refuses_for_good_is_not_tried_again(code: str) -> None:
    assert (of_postgres(code).again, of_postgres(code).is_passing) == (False, False)


@pytest.mark.parametrize("code", [1213, 1020])
def test_mariadb_has_writes_that_crossed_made_again(code: int) -> None:
    assert (of_mysql(code).again, of_mysql(code).is_passing) == (True, True)


@pytest.mark.parametrize("code", [0, 1021, 1040, 1053, 1114, 1205, 1290, 1317, 1927, 1969, 2002, 2003, 2006, 2013, 3024, 4031])
def test_mariadb_may_be_there_again_later(code: int) -> None:
    assert (of_mysql(code).again, of_mysql(code).is_passing) == (False, True)


@pytest.mark.parametrize("code", [1044, 1045, 1049, 1054, 1062, 1146, 1153, 1406])
def test_what_mariadb_refuses_for_good_is_not_tried_again(code: int) -> None:
    assert (of_mysql(code).again, of_mysql(code).is_passing) == (False, False)


def test_an_error_without_a_code_is_refused_by_mariadb() -> None:
    assert not MySql().meaning(pymysql.OperationalError("words"), URL).is_passing
    assert not MySql().meaning(pymysql.OperationalError(), URL).is_passing


@pytest.mark.parametrize(
    ("text", "advice", "is_passing"),
    [
        ('FATAL:  database "shop" does not exist', "CREATE DATABASE \"shop\" ENCODING 'UTF8'", False),
        ('FATAL:  role "ann" does not exist', 'CREATE ROLE "ann" LOGIN', False),
        ('FATAL:  password authentication failed for user "ann"', "check user and password", False),
        ("fe_sendauth: no password supplied", "check user and password", False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.7"', "pg_hba.conf", False),
        ("FATAL:  sorry, too many clients already", "max_connections", True),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", "max_connections", True),
        ("FATAL:  the database system is starting up", "is it running", True),
        ("Connection refused", "is it running", True),
    ],
)
def test_postgresql_without_a_connection_is_told_by_its_words(text: str, advice: str, *, is_passing: bool) -> None:
    meaning = Postgres().meaning(psycopg.OperationalError(f"connection failed: {text}"), URL)
    assert advice in meaning.advice
    assert meaning.is_passing is is_passing
    assert "secret" not in meaning.advice


def test_a_missing_database_of_mariadb_is_told_with_the_statement_that_makes_it() -> None:
    assert of_mysql(1049).advice == "make it: CREATE DATABASE `shop` CHARACTER SET utf8mb4"

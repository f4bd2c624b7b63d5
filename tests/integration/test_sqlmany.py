"""Does a statement that is compiled once do what it did when it was compiled each time?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from system.errors import StoreError
from system.sqlfile import SqlFile
from system.sqlmany import Many, Prepared

table = sa.Table("word", sa.MetaData(), sa.Column("text", sa.Text, primary_key=True), sa.Column("after", sa.Text))
INSERT = Many(sa.insert(table), ("text", "after"))
FIND = Prepared(
    sa.select(table.c.text, sa.literal(7))
    .where(table.c.text != sa.bindparam("but"), table.c.text.in_(sa.bindparam("ids", expanding=True)))
    .order_by(table.c.text)
)
MARK = Prepared(
    sa.update(table)
    .where(table.c.text.in_(sa.bindparam("ids", expanding=True)), table.c.text > "b")
    .values(after=sa.bindparam("to") + table.c.text)
)

@pytest.fixture
def file(tmp_path: Path) -> Iterator[SqlFile]:
    opened = SqlFile(tmp_path / "words.db")
    opened.write(table.create)
    yield opened
    opened.close()


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 500])
def test_a_prepared_statement_finds_what_is_listed_and_nothing_else(file: SqlFile, count: int) -> None:
    words = [f"{number:03}" for number in range(count)]
    file.write(lambda conn: INSERT(conn, [(word, None) for word in (*words, "other")]))
    for _ in range(2):  # the second time as it was compiled
        assert file.read(lambda conn: FIND(conn, words, but="000")) == [(word, 7) for word in words[1:]]


def test_a_prepared_statement_changes_what_is_listed(file: SqlFile) -> None:
    file.write(lambda conn: INSERT(conn, [(word, None) for word in ("aa", "bb", "bbb", "cc", "ccc")]))
    assert file.write(lambda conn: MARK(conn, ["aa", "bb", "cc"], to="")) == []
    found = file.read(lambda conn: conn.execute(sa.select(table.c.text).where(table.c.after.is_not(None))).scalars().all())
    assert sorted(found) == ["bb", "cc"]


def test_a_prepared_statement_tells_a_fault_as_any_other(file: SqlFile) -> None:
    file.write(lambda conn: conn.exec_driver_sql("DROP TABLE word"))
    with pytest.raises(StoreError, match="no such table: word"):
        file.read(lambda conn: FIND(conn, ["a"], but=""))
    with pytest.raises(StoreError, match="no such table: word"):
        file.write(lambda conn: INSERT(conn, [("a", None)]))

"""What does an SQL database tell of itself: which tables, columns and indexes of ours are missing?"""

from __future__ import annotations

import sqlalchemy as sa

from db.facts import StoreFacts
from db.sql_schema import PART, STEPS, metadata
from db.store import Store
from system.sqldatabase import Database
from system.sqlschema import grow, missing_of


class SqlFacts(Store):
    """What `SqlStore` tells of itself."""

    database: Database

    def describe(self) -> StoreFacts:
        """See Store."""
        found = self.database.version(PART)
        # An older one lacks what its update will bring.
        missing = self.database.read(_missing) if found == len(STEPS) else ()
        product = self.database.product()
        return StoreFacts(product.name, found, len(STEPS), product.unsupported, missing, product.now)

    def mend(self) -> None:
        """See Store."""
        self.database.write_long(lambda conn: grow(conn, metadata))


def _missing(conn: sa.Connection) -> tuple[str, ...]:
    return tuple(missing_of(conn, metadata))

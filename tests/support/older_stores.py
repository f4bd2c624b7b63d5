"""Which files did earlier versions write? Their schemas as they were, so that today's program can be shown one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from db.sql import SqlStore
from system.sqlfile import SqlFile

VERSION_1 = """
CREATE TABLE meta (name VARCHAR(64) NOT NULL, value BIGINT NOT NULL, PRIMARY KEY (name));
CREATE TABLE turn (number INTEGER NOT NULL, session VARCHAR(190) NOT NULL, decided_at VARCHAR(40) NOT NULL, body TEXT NOT NULL,
PRIMARY KEY (number));
CREATE TABLE job (process VARCHAR(190) NOT NULL, timeperiod VARCHAR(20) NOT NULL, state INTEGER NOT NULL, changed_at VARCHAR(40)
NOT NULL, turn BIGINT NOT NULL, generation BIGINT NOT NULL, run BIGINT NOT NULL, fence BIGINT NOT NULL, uow_state VARCHAR(20),
opened_turn BIGINT NOT NULL, inputs_turn BIGINT NOT NULL, failures BIGINT NOT NULL, failing_since VARCHAR(40), retry_at
VARCHAR(40), held TEXT NOT NULL, reason TEXT NOT NULL, next_event VARCHAR(20), PRIMARY KEY (process, timeperiod));
CREATE INDEX job_active ON job (process) WHERE state <= 2;
CREATE TABLE chunk (process VARCHAR(190) NOT NULL, number BIGINT NOT NULL, first BIGINT NOT NULL, states BLOB NOT NULL, turn
BIGINT NOT NULL, PRIMARY KEY (process, number));
CREATE TABLE uow (id VARCHAR(190) NOT NULL, process TEXT NOT NULL, timeperiod VARCHAR(20) NOT NULL, queue TEXT NOT NULL,
start_timeperiod VARCHAR(20) NOT NULL, end_timeperiod VARCHAR(20) NOT NULL, opened_at VARCHAR(40) NOT NULL, turn BIGINT NOT NULL,
state VARCHAR(20) NOT NULL, fence BIGINT NOT NULL, session VARCHAR(190) NOT NULL, failures BIGINT NOT NULL, losses BIGINT NOT
NULL, cancel_requested SMALLINT NOT NULL, rows BIGINT, reason TEXT NOT NULL, started_at VARCHAR(40), finished_at VARCHAR(40),
PRIMARY KEY (id));
CREATE INDEX uow_to_end ON uow (session) WHERE cancel_requested = 1 AND state = 'state_in_progress';
CREATE TABLE session (id VARCHAR(190) NOT NULL, kind TEXT NOT NULL, box TEXT NOT NULL, pid BIGINT NOT NULL, created_s DOUBLE NOT
NULL, opened_at VARCHAR(40) NOT NULL, beat BIGINT NOT NULL, slots BIGINT NOT NULL, queues TEXT NOT NULL, facts TEXT NOT NULL,
is_open SMALLINT NOT NULL, PRIMARY KEY (id));
CREATE INDEX session_open ON session (id) WHERE is_open = 1;
CREATE TABLE command (number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, verb TEXT NOT NULL, process TEXT NOT NULL, timeperiod
TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, given_at VARCHAR(40) NOT NULL, until TEXT NOT NULL, state VARCHAR(20) NOT
NULL, answer TEXT NOT NULL, turn BIGINT NOT NULL);
CREATE INDEX command_open ON command (number) WHERE state = 'open';
CREATE TABLE output (uow_id VARCHAR(190) NOT NULL, fence BIGINT NOT NULL, "offset" BIGINT NOT NULL, text TEXT NOT NULL, PRIMARY
KEY (uow_id, fence, "offset"));
CREATE TABLE process (name VARCHAR(190) NOT NULL, start VARCHAR(20) NOT NULL, shape TEXT NOT NULL, registered_at VARCHAR(40) NOT
NULL, PRIMARY KEY (name));
"""


def write_version_1(path: Path) -> None:
    """Write a store of version 1 with a process, a job under way, its unit of work and the turn that opened it."""
    moment = "2024-01-01T12:30:00+00:00"
    uow_id = "flights_hourly/2024010105/1/1"
    conn = sqlite3.connect(path)
    conn.executescript(VERSION_1)
    conn.executemany("INSERT INTO meta VALUES (?, ?)", [("store_version", 1), ("projected_turn", 1)])
    conn.execute("INSERT INTO process VALUES ('flights_hourly', '2024010100', '{}', ?)", (moment,))
    job = ("flights_hourly", "2024010105", 1, moment, 1, 1, 1, 0, "state_requested", 1, 0, 0, None, None, "", "", None)
    conn.execute(f"INSERT INTO job VALUES ({', '.join('?' * len(job))})", job)
    uow = (uow_id, "flights_hourly", "2024010105", "queue_flights_hourly", "2024010105", "2024010106", moment, 1, "state_requested",
           0, "", 0, 0, 0, None, "", None, None)
    conn.execute(f"INSERT INTO uow VALUES ({', '.join('?' * len(uow))})", uow)
    conn.execute("INSERT INTO turn VALUES (1, 'scheduler-1', ?, ?)", (moment, f'[1,1,"scheduler-1","{moment}",[],[],[],[],[],[]]'))
    conn.commit()
    conn.close()


def write_version_4(path: Path) -> None:
    """Write an empty store of version 4 as it was first: without the index of what began when."""
    store = SqlStore(SqlFile(path))
    store.prepare()
    store.close()
    conn = sqlite3.connect(path)
    conn.executescript("DROP INDEX uow_begun; UPDATE meta SET value = 4 WHERE name = 'store_version'")
    conn.close()

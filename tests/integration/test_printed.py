"""Does a printed file stay bounded, whoever else holds it?"""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

from tests.support.waiting import wait_until
from workers.printed import MARK_BYTES, BoundedFile, locked

LIMIT = 1_000


def test_a_writer_waits_for_a_reader_instead_of_growing_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out.log"
    ours, theirs = (os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT) for _ in range(2))
    out = BoundedFile(ours, LIMIT)
    writer = Thread(target=lambda: [out.write(b"x" * 100) for _ in range(1_000)])
    with locked(theirs):
        writer.start()
        wait_until(lambda: path.stat().st_size >= 2 * LIMIT, what="it is beyond its limit")
        writer.join(0.2)
        assert writer.is_alive()
        assert path.stat().st_size <= 2 * LIMIT + 100
    writer.join(10)
    assert path.stat().st_size <= 2 * LIMIT + MARK_BYTES
    for descriptor in (ours, theirs):
        os.close(descriptor)

"""Can a person read the logs of this box, and nothing but them?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from launcher.web.desk import WebDesk
from launcher.web.log_files import Asked, part_of, text_of
from tests.support.mx import client_over
from tests.support.steered import SECRET, steered

LINES = f"""2026-11-21T02:00:00.123Z info    scheduler scheduler.service: posted sales_hourly/2026112101/1/1
2026-11-21T02:00:01.123Z warning scheduler x: <script>alert(1)</script>
2026-11-21T02:00:02.123Z error   scheduler db.sql: could not reach postgresql://app:{SECRET}@db/x
    Traceback (most recent call last):
    OSError: refused
2026-11-21T02:00:03.123Z info    scheduler x: goes on
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of logs, with files beside that are none."""
    made = tmp_path / "var" / "log"
    made.mkdir(parents=True)
    (made / "scheduler.log").write_text(LINES)
    (made / "scheduler.log.1").write_text("older\n")
    (made / "worker.1.out").write_text("printed\n")
    (tmp_path / "secret.log").write_text("the secret\n")
    (made / "link.log").symlink_to(tmp_path / "secret.log")
    (made / "notes.txt").write_text("the secret\n")
    (made / "folder.log").mkdir()
    os.mkfifo(made / "pipe.log")
    return made


@pytest.fixture
def desk(tmp_path: Path, folder: Path) -> Iterator[WebDesk]:
    """A desk over that folder."""
    assert folder.is_dir()
    with steered(tmp_path) as opened:
        yield opened


@pytest.fixture
def client(desk: WebDesk) -> FlaskClient:
    """A browser."""
    return client_over(desk)


def test_the_logs_of_this_box_are_listed_and_those_of_others_said_where_to_find(desk: WebDesk, client: FlaskClient) -> None:
    assert [file.name for file in desk.logs().files] == ["scheduler.log", "scheduler.log.1", "worker.1.out"]
    page = client.get("/logs").text
    assert "The logs of b2 lie there" in page
    assert not any(name in page for name in ("link.log", "notes.txt", "folder.log", "pipe.log"))


def test_a_log_is_shown_as_text_with_passwords_hidden(client: FlaskClient) -> None:
    page = client.get("/logs/scheduler.log").text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "postgresql://app:***@db/x" in page
    assert SECRET not in page
    assert SECRET not in client.get("/logs/scheduler.log/text").text


def test_lines_are_kept_by_level_and_words_with_what_belongs_to_them(folder: Path) -> None:
    def kept(**asked: str) -> list[str]:
        part = part_of(folder, "scheduler.log", Asked(64, asked.get("level", ""), asked.get("words", ""), 100))
        return [line.text.strip().partition(" ")[0] for line in part.lines]

    assert kept(level="error") == ["2026-11-21T02:00:02.123Z", "Traceback", "OSError:"]
    assert kept(words="REFUSED") == ["2026-11-21T02:00:02.123Z", "Traceback", "OSError:"]
    assert len(kept(level="warning")) == 4
    assert kept(words="nothing") == []


def test_only_the_end_of_a_long_log_is_read_and_begins_with_a_whole_line(folder: Path) -> None:
    (folder / "long.log").write_text("".join(f"2026-11-21T02:00:00.123Z info    a b: line {n}\n" for n in range(50_000)))
    part = part_of(folder, "long.log", Asked(64, "", "", 100))
    assert part.read_bytes <= 65_536
    assert (part.lines[-1].text[-10:], len(part.lines), part.found > 100) == ("line 49999", 100, True)
    part = part_of(folder, "long.log", Asked(64, "", "", 5_000))
    assert part.lines[0].text.startswith("2026-11-21")


def test_a_password_is_hidden_wherever_a_piece_of_the_download_ends(folder: Path) -> None:
    line = f"see postgresql://app:{SECRET}@db/x now\n"
    for before in range(65_500, 65_540, 3):
        (folder / "a.log").write_text("x" * before + "\n" + line + "end")
        text = "".join(text_of(folder, "a.log"))
        assert SECRET not in text
        assert text.endswith("see postgresql://app:***@db/x now\nend")


@pytest.mark.parametrize("name", [
    "../../secret.log", "..%2f..%2fsecret.log", "%2e%2e/%2e%2e/secret.log", "link.log", "folder.log", "pipe.log", "notes.txt",
    "nothing.log", "scheduler.log%00.txt", ".log", "/etc/passwd", "scheduler.log/../link.log", "..\\secret.log", "scheduler.log.1/../../x",
])  # fmt: skip
@pytest.mark.parametrize("end", ["", "/text"])
def test_no_name_leads_out_of_the_folder(client: FlaskClient, name: str, end: str) -> None:
    answer = client.get(f"/logs/{name}{end}")
    assert answer.status_code in (404, 308)
    assert "the secret" not in answer.text
    assert "root:" not in answer.text


def test_logs_are_read_when_the_store_is_away(tmp_path: Path, folder: Path) -> None:
    assert folder.is_dir()
    with steered(tmp_path, is_furnished=False, store_url="postgresql://nobody@127.0.0.1:1/none") as away:
        client = client_over(away)
        assert "goes on" in client.get("/logs/scheduler.log").text
        assert "scheduler.log" in client.get("/logs").text

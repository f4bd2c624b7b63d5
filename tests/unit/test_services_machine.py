"""What do the servers for tests make of apt's sources, of the packages that there are, and of a MongoDB client's bytes?"""

from __future__ import annotations

import struct
from pathlib import Path

import bson
import pytest

from tests.services.documentdb_root import _packages, mirror
from tests.services.gateway_wire import HEAD, OP_MSG, OP_QUERY, Malformed, Request, answer, parse
from tests.services.machine import NoServer


def write(root: Path, name: str, text: str) -> Path:
    path = root / "etc/apt" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return root


def test_the_mirror_is_read_from_the_newer_form_of_sources(tmp_path: Path) -> None:
    root = write(tmp_path, "sources.list.d/debian.sources", "Types: deb\n# http://not.this\nURIs: http://mirror.test/debian\nSuites: a\n")
    assert mirror(root) == "http://mirror.test/debian"


def test_the_mirror_is_read_from_the_older_form_of_sources(tmp_path: Path) -> None:
    root = write(tmp_path, "sources.list", "# deb http://not.this/ a main\ndeb [trusted=yes] https://mirror.test/debian a main\n")
    assert mirror(root) == "https://mirror.test/debian"


def test_a_machine_without_a_mirror_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(NoServer, match="no mirror of Debian"):
        mirror(write(tmp_path, "sources.list", "deb cdrom:[Debian]/ a main\n"))


def test_the_newest_document_extension_is_taken() -> None:
    names = ["postgresql-9-documentdb", "postgresql-18", "postgresql-18-documentdb", "postgresql-documentdb-doc"]
    assert _packages(names) == ["postgresql-18", "postgresql-18-documentdb"]
    with pytest.raises(NoServer, match="has no package"):
        _packages(["postgresql-18"])


def message(flags: int, *sections: bytes) -> bytes:
    return struct.pack("<I", flags) + b"".join(sections)


def sequence(name: bytes, *documents: bytes) -> bytes:
    body = name + b"\0" + b"".join(documents)
    return b"\x01" + struct.pack("<i", 4 + len(body)) + body


def test_a_command_and_its_documents_are_told_apart() -> None:
    documents = [bson.encode({"_id": n}) for n in range(2)]
    request = parse(7, OP_MSG, message(0, b"\0" + bson.encode({"insert": "a"}), sequence(b"documents", *documents)))
    assert request == Request(7, OP_MSG, {"insert": "a"}, {"documents": b"".join(documents)})


def test_what_came_as_bytes_and_goes_as_bytes_is_not_written_anew() -> None:
    raw = bson.encode({"find": "a", "$db": "b"})
    request = parse(7, OP_MSG, message(0, b"\0" + raw))
    assert request.raw == raw
    assert answer(request, 9, raw).endswith(b"\0" + raw)


def test_a_checksum_is_no_section_and_more_to_come_wants_no_answer() -> None:
    request = parse(7, OP_MSG, message(1 | 2, b"\0" + bson.encode({"ping": 1})) + b"sum!")
    assert (request.document, request.wants_answer) == ({"ping": 1}, False)


def test_an_old_greeting_is_answered_in_its_own_form() -> None:
    request = parse(7, OP_QUERY, struct.pack("<i", 0) + b"admin.$cmd\0" + struct.pack("<ii", 0, 1) + bson.encode({"isMaster": 1}))
    told = answer(request, 9, {"ok": 1.0})
    assert HEAD.unpack_from(told) == (len(told), 9, 7, 1)
    assert bson.decode(told[HEAD.size + 20 :]) == {"ok": 1.0}


def test_an_unknown_operation_is_refused() -> None:
    with pytest.raises(Malformed, match="operation 9999"):
        parse(1, 9999, b"")

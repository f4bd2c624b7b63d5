"""What may a job ask for by name, and is none of it shown?"""

from __future__ import annotations

import os
import re
from pathlib import Path
from unittest.mock import Mock

import pytest

from workers.vault import BadSecretsFile, Masks, UnknownName, Vault, read_file

ENVIRON = {"HORARIUM_SECRET_API_KEY": "from-environ", "HORARIUM_CONNECTION_LAKE": "postgresql://ann:p%40ss-word@db/lake", "PATH": "/bin"}
TEXT = '[secrets]\napi_key = "from-file"\nother = "in-the-file"\n[connections]\nlake = "sqlite:///x"\n'


def secrets_file(folder: Path, text: str = TEXT, mode: int = 0o600) -> str:
    """Write a secrets file and return its path."""
    path = folder / "secrets.toml"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def masks(*values: str) -> Masks:
    """Return masks over secrets."""
    return Masks(Vault("", {f"HORARIUM_SECRET_{n}": value for n, value in enumerate(values)}))


def test_the_environment_goes_before_the_file_and_names_are_found_in_any_case(tmp_path: Path) -> None:
    vault = Vault(secrets_file(tmp_path), ENVIRON)
    assert [vault.get("secrets", name) for name in ("api_key", "API_KEY", "other")] == ["from-environ", "from-environ", "in-the-file"]
    assert vault.get("connections", "lake").startswith("postgresql://")


def test_an_unknown_name_is_answered_with_the_names_there_are_and_no_value(tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        Vault(secrets_file(tmp_path), ENVIRON).get("secrets", "apikey")
    text = str(caught.value)
    assert "there are: API_KEY, OTHER" in text
    assert "HORARIUM_SECRET_APIKEY" in text
    assert not any(value in text for value in ("from-environ", "from-file", "in-the-file"))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(BadSecretsFile, match="chmod 600"):
        read_file(secrets_file(tmp_path, mode=mode))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("secret-words", "is no TOML"), ("[secrets]\nn = 5", "n in"), ("[other]\na = 'b'", "holds other"), ("secrets = 'b'", "holds secrets")],
)
def test_a_file_with_other_things_in_it_is_refused_without_quoting_it(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(BadSecretsFile, match=expected) as caught:
        read_file(secrets_file(tmp_path, text))
    assert "secret-words" not in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSecretsFile, match="can't be read: No such file"):
        Vault(str(tmp_path / "none.toml"), {}).get("secrets", "a")


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    vault = Vault(secrets_file(tmp_path), {})
    assert vault.get("secrets", "other") == "in-the-file"
    secrets_file(tmp_path, '[secrets]\nother = "changed"\n')
    assert (vault.get("secrets", "other"), vault.values()) == ("changed", ["changed"])


def test_passwords_of_connections_are_hidden_as_they_are_written_and_as_they_are_meant() -> None:
    found = Masks(Vault("", ENVIRON))
    assert found.text("p%40ss-word, p@ss-word, postgresql://ann:p%40ss-word@db/lake, from-environ") == "***, ***, ***, ***"
    assert found.data(b"key from-environ!") == b"key ***!"


def test_short_values_are_left_alone_and_long_ones_go_first() -> None:
    assert masks("a", "abcd", "abcdef").text("a abcd abcdef") == "a *** ***"


def test_each_longer_line_of_a_key_is_hidden_too() -> None:
    assert masks("-----BEGIN\nMIIEvQIBADAN\nab\n").text("line MIIEvQIBADAN and ab") == "line *** and ab"


def test_what_may_be_the_beginning_or_the_end_of_a_value_is_known() -> None:
    found = masks("swordfish")
    assert [found.held_back(text) for text in (b"say sword", b"yes", b"swordfish", b"")] == [5, 1, 0, 0]
    assert [found.broken_start(text) for text in (b"fish!", b"ish!", b"no")] == [4, 0, 0]


def test_without_secrets_everything_stays_as_it_is() -> None:
    found = masks()
    assert (found.text("any"), found.data(b"any"), found.held_back(b"any")) == ("any", b"any", 0)


def test_a_value_that_is_no_utf_8_is_hidden_however_it_is_printed() -> None:
    raw = b"sword\xfffish"
    found = masks("hidden-too", os.fsdecode(raw))
    assert [found.data(b"say " + form) for form in (raw, rb"sword\udcfffish", b"hidden-too")] == [b"say ***"] * 3
    assert [found.text(form) for form in (os.fsdecode(raw), r"sword\udcfffish")] == ["***", "***"]
    assert (found.held_back(b"say sword\xff"), found.broken_start(b"d\xfffish!")) == (6, 6)


def test_what_could_not_be_learned_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    found = masks("swordfish")
    with monkeypatch.context() as patched:
        patched.setattr(re, "compile", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            found.data(b"swordfish")
    assert found.data(b"swordfish") == b"***"

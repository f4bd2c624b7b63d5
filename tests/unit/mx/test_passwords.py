"""Are weak passwords refused, good ones kept so that nobody can read them, and wrong ones refused as slowly as those of nobody?"""

from __future__ import annotations

from threading import BoundedSemaphore

import pytest

from mx.security import passwords
from mx.security.errors import Refusal, Throttled
from mx.security.passwords import hashed, is_dated, is_right, refuse_weak


@pytest.mark.parametrize(
    "password",
    ["", "short", "elevenchars", "x" * 201, "aaaaaaaaaaaaaaa", "abababababab", "password1234", "PasswordPassword", "horarium2026!",
     "annannannann", "Ann-ann-ann-1", "qwertyuiop12"],
)  # fmt: skip
def test_what_is_tried_first_is_refused(password: str) -> None:
    with pytest.raises(Refusal):
        refuse_weak(password, "ann")


@pytest.mark.parametrize(
    "password", ["four words and a comma", "correct horse battery", "ärgerlich schöne Häuser", "j7#kQ9!mZ2@x", "x1y2z3" * 33]
)
def test_what_is_long_enough_is_taken(password: str) -> None:
    refuse_weak(password, "ann")
    assert len(password) >= 12


def test_a_password_is_kept_by_scrypt_with_salt_and_known_again() -> None:
    kept, again = hashed("four words and a comma"), hashed("four words and a comma")
    assert kept != again
    assert kept.startswith("scrypt:32768:8:3$")
    assert "four words" not in kept
    assert is_right("four words and a comma", kept)
    assert not is_right("four words and a coma", kept)


def test_an_umlaut_is_the_same_however_the_keyboard_writes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_METHOD", "pbkdf2:sha256:1")
    assert is_right("scho\u0308ne Ha\u0308user", hashed("sch\u00f6ne H\u00e4user"))


def test_nobodys_password_is_checked_like_any_other_and_never_right(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def checked(kept: str, _: str) -> bool:
        asked.append(kept)
        return True

    monkeypatch.setattr(passwords, "check_password_hash", checked)
    assert not is_right("four words and a comma", "")
    assert [kept.partition("$")[0] for kept in asked] == ["scrypt:32768:8:3"]


def test_a_hash_of_another_method_is_dated() -> None:
    assert is_dated("scrypt:32768:8:1$salt$00")
    assert is_dated("pbkdf2:sha256:1$salt$00")
    assert not is_dated("scrypt:32768:8:3$salt$00")


def test_a_crowd_of_guesses_waits_in_line_and_is_sent_away_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = BoundedSemaphore(1)
    monkeypatch.setattr(passwords, "_AT_ONCE", taken)
    monkeypatch.setattr(passwords, "_PATIENCE_S", 0)
    with taken, pytest.raises(Throttled):
        is_right("four words and a comma", "")
    assert not is_right("four words and a comma", "")

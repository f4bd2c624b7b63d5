"""Are accounts, tokens, links and logins made, changed and ended as they should be, by several mx over one store?"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from db.memory import MemoryStore
from db.model_papers import Paper
from mx.security import journal as journal_module
from mx.security import passwords
from mx.security.accounts import Accounts, valid_name
from mx.security.errors import NoEntry, Refusal, Throttled
from mx.security.journal import FAILED, Journal
from mx.security.logins import Lasting, Logins
from mx.security.records import SecurityEvent
from mx.security.roles import Role
from mx.security.secrets import digest
from system.clock import ManualClock
from system.errors import StoreError
from tests.support.builders import NOW
from tests.support.gates import PASSWORD, cheap_passwords
from tests.support.stores import race

HERE = "10.0.0.7"


@pytest.fixture(autouse=True)
def _cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    cheap_passwords(monkeypatch)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def accounts(store: MemoryStore, clock: ManualClock) -> Accounts:
    made = Accounts(store, clock)
    made.add_user("root", Role.ADMIN, PASSWORD, who="test")
    made.add_user("ann", Role.OPERATOR, PASSWORD, who="test")
    return made


@pytest.fixture
def logins(store: MemoryStore, accounts: Accounts, clock: ManualClock) -> Logins:
    return Logins(store, accounts, clock, Lasting(timedelta(hours=24), timedelta(hours=8)))


# -- users


def test_no_store_holds_a_password_or_a_token(store: MemoryStore, accounts: Accounts, logins: Logins) -> None:
    _, token = accounts.add_token("ann", "ci", Role.VIEWER, 0, who="test")
    link = accounts.add_link("ann", who="test")
    entry = logins.log_in("ann", PASSWORD, where=HERE)
    kept = "".join(f"{paper.key}{paper.text}" for paper in store._papers.values())
    assert [secret for secret in (PASSWORD, token.secret, link, entry.secret) if secret in kept] == []


@pytest.mark.parametrize("name", ["", " ", "-x", "a b", "a/b", "<script>", "x" * 65, "ünal", "a\nb", "../etc"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="can't name a user"):
        valid_name(name)


def test_a_name_is_in_small_letters_and_taken_once(accounts: Accounts) -> None:
    assert accounts.add_user(" Bob@Example.org ", Role.VIEWER, "", who="test").name == "bob@example.org"
    with pytest.raises(Refusal, match="there is a user ann already"):
        accounts.add_user("ANN", Role.ADMIN, "", who="test")


def test_the_last_admin_stays(accounts: Accounts) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: accounts.remove_user("root", who="test"),
        lambda: accounts.set_role("root", Role.VIEWER, who="test"),
        lambda: accounts.disable("root", is_disabled=True, who="test"),
    ]
    for deed in deeds:
        with pytest.raises(Refusal, match="last admin"):
            deed()
    accounts.set_role("ann", Role.ADMIN, who="test")
    accounts.remove_user("root", who="test")
    assert [user.name for user in accounts.users()] == ["ann"]


def test_who_is_not_there_is_named(accounts: Accounts) -> None:
    deeds: list[Callable[[], object]] = [
        lambda: accounts.remove_user("eve", who="test"),
        lambda: accounts.set_role("eve", Role.VIEWER, who="test"),
        lambda: accounts.set_password("eve", PASSWORD, who="test"),
        lambda: accounts.add_token("eve", "ci", Role.VIEWER, 1, who="test"),
        lambda: accounts.add_link("eve", who="test"),
    ]
    for deed in deeds:
        with pytest.raises(Refusal, match="no user eve"):
            deed()


def test_two_changes_at_once_both_last(accounts: Accounts) -> None:
    before = accounts.user("ann")
    race(8, lambda _: accounts.end_logins("ann", who="test"))
    ann = accounts.user("ann")
    assert ann is not None
    assert before is not None
    assert ann.epoch == before.epoch + 8


def test_an_account_of_the_same_name_is_another_one(accounts: Accounts, logins: Logins) -> None:
    secret, link = logins.log_in("ann", PASSWORD, where=HERE).secret, accounts.add_link("ann", who="test")
    accounts.remove_user("ann", who="root")
    accounts.add_user("ann", Role.ADMIN, PASSWORD, who="root")
    accounts.set_password("ann", PASSWORD, who="root")
    assert logins.user_of(secret) is None
    assert accounts.link(link) is None


@pytest.mark.parametrize("deed", ["another link", "a password", "shut out"])
def test_an_older_link_of_a_user_is_good_no_more_after(deed: str, accounts: Accounts) -> None:
    older, of_admin = accounts.add_link("ann", who="test"), accounts.add_link("", who="test")
    deeds: dict[str, Callable[[], object]] = {
        "another link": lambda: accounts.add_link("ann", who="test"),
        "a password": lambda: accounts.set_password("ann", PASSWORD, who="test"),
        "shut out": lambda: accounts.disable("ann", is_disabled=True, who="test"),
    }
    deeds[deed]()
    assert accounts.link(older) is None
    assert accounts.link(of_admin) is not None


def test_a_record_that_is_damaged_is_said_without_what_it_holds(store: MemoryStore, accounts: Accounts) -> None:
    store.put_paper(Paper("user", "bad", 1, '{"password":"scrypt:secret"}'))
    with pytest.raises(StoreError) as caught:
        accounts.users()
    assert "user 'bad' can't be read" in str(caught.value)
    assert "secret" not in str(caught.value)


# -- tokens


def test_a_token_may_no_more_than_its_user(accounts: Accounts) -> None:
    with pytest.raises(Refusal, match="can't be more than its user"):
        accounts.add_token("ann", "ci", Role.ADMIN, 1, who="test")
    for days, name in ((-1, "ci"), (4000, "ci"), (1, ""), (1, "x" * 61), (1, "a\nb")):
        with pytest.raises(Refusal):
            accounts.add_token("ann", name, Role.VIEWER, days, who="test")


def test_a_token_ends(accounts: Accounts, clock: ManualClock) -> None:
    _, brief = accounts.add_token("ann", "brief", Role.VIEWER, 1, who="test")
    _, lasting = accounts.add_token("ann", "lasting", Role.VIEWER, 0, who="test")
    assert accounts.token_user(brief) is not None
    clock.jump(86_400)
    assert accounts.token_user(brief) is None
    assert accounts.token_user(lasting) is not None


def test_the_last_use_of_a_token_is_known_roughly(accounts: Accounts, clock: ManualClock) -> None:
    made, secret = accounts.add_token("ann", "ci", Role.VIEWER, 0, who="test")
    seen = []
    for wait_s in (0, 60, 600):
        clock.jump(wait_s)
        accounts.token_user(secret)
        token = accounts.token(made.id)
        assert token is not None
        assert token.used_at is not None
        seen.append((token.used_at - NOW).total_seconds())
    assert seen == [0, 0, 660]


def test_a_token_goes_with_its_user(accounts: Accounts) -> None:
    _, secret = accounts.add_token("ann", "ci", Role.VIEWER, 0, who="test")
    accounts.remove_user("ann", who="test")
    assert (accounts.token_user(secret), accounts.tokens()) == (None, [])
    accounts.add_user("ann", Role.VIEWER, "", who="test")
    assert accounts.token_user(secret) is None


# -- links


def test_a_link_is_good_once_also_when_many_use_it_at_once(accounts: Accounts) -> None:
    secret = accounts.add_link("", who="test")
    won: list[str] = []

    def use(number: int) -> None:
        with suppress(Refusal):
            won.append(accounts.use_link(secret, f"admin{number}", PASSWORD).name)

    race(8, use)
    assert len(won) == 1
    assert [user.name for user in accounts.users() if user.name.startswith("admin")] == won


def test_a_refused_password_leaves_the_link(accounts: Accounts, clock: ManualClock) -> None:
    secret = accounts.add_link("ann", who="test")
    with pytest.raises(Refusal, match="characters"):
        accounts.use_link(secret, "", "short")
    assert accounts.use_link(secret, "ignored", "some other long words").name == "ann"
    later = accounts.add_link("ann", who="test")
    clock.jump(86_401)
    assert accounts.link(later) is None
    with pytest.raises(Refusal, match="too old"):
        accounts.use_link(later, "", PASSWORD)


def test_a_link_to_make_an_admin_takes_no_account_over(accounts: Accounts) -> None:
    secret = accounts.add_link("", who="test")
    with pytest.raises(Refusal, match="there is a user ann already"):
        accounts.use_link(secret, "ann", PASSWORD)
    accounts.drop_admin_links()
    assert accounts.link(secret) is None


# -- logins


def test_a_login_ends_after_a_day_however_much_it_is_used(logins: Logins, clock: ManualClock) -> None:
    secret = logins.log_in("ann", PASSWORD, where=HERE).secret
    alive = []
    for _ in range(25):
        clock.jump(3600)
        alive.append(logins.user_of(secret) is not None)
    assert alive == [True] * 23 + [False] * 2


def test_a_login_that_nobody_uses_ends_sooner(logins: Logins, clock: ManualClock) -> None:
    secret = logins.log_in("ann", PASSWORD, where=HERE).secret
    clock.jump(8 * 3600)
    assert logins.user_of(secret) is None


def test_an_open_page_keeps_no_login_alive(logins: Logins, clock: ManualClock) -> None:
    secret = logins.log_in("ann", PASSWORD, where=HERE).secret
    for _ in range(8):
        clock.jump(3599)
        assert logins.user_of(secret, is_active=False) is not None
    clock.jump(60)
    assert logins.user_of(secret, is_active=False) is None


def test_an_unknown_name_and_a_wrong_password_are_told_the_same_and_take_the_same_way(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []

    def is_right(_: str, kept: str) -> bool:
        checked.append(kept)
        return False

    monkeypatch.setattr(passwords, "is_right", is_right)
    said = set()
    for name in ("ann", "nobody", ""):
        with pytest.raises(NoEntry) as caught:
            logins.log_in(name, "wrong", where=HERE)
        said.add(str(caught.value))
    assert (len(said), len(checked)) == (1, 3)


def test_who_is_disabled_can_not_log_in(accounts: Accounts, logins: Logins) -> None:
    accounts.disable("ann", is_disabled=True, who="test")
    with pytest.raises(NoEntry):
        logins.log_in("ann", PASSWORD, where=HERE)


def test_of_many_guesses_at_once_few_are_looked_at(logins: Logins) -> None:
    looked: list[int] = []

    def guess(number: int) -> None:
        try:
            logins.checked("ann", f"guess {number}", where=f"10.0.{number}.1")
        except Throttled:
            pass
        except NoEntry:
            looked.append(number)

    race(16, guess)
    assert len(looked) <= 5


def test_an_address_that_tries_many_names_is_slowed(logins: Logins) -> None:
    refused = 0
    for number in range(30):
        try:
            logins.checked(f"user{number}", "guess", where=HERE)
        except Throttled:
            refused += 1
        except NoEntry:
            pass
    assert refused == 10
    with pytest.raises(Throttled):
        logins.log_in("ann", PASSWORD, where=HERE)
    assert logins.log_in("ann", PASSWORD, where="10.0.0.8").user.name == "ann"


def test_an_account_of_his_own_frees_nobody_who_tries_others(logins: Logins) -> None:
    refused = 0
    for number in range(60):
        try:
            logins.checked("ann", PASSWORD, where=HERE)
            logins.checked(f"user{number}", "guess", where=HERE)
        except Throttled:
            refused += 1
        except NoEntry:
            pass
    assert refused > 30


def test_who_waits_gets_in(logins: Logins, clock: ManualClock) -> None:
    for _ in range(5):
        with pytest.raises(NoEntry):
            logins.checked("ann", "guess", where=HERE)
    with pytest.raises(Throttled) as caught:
        logins.checked("ann", PASSWORD, where=HERE)
    clock.jump(caught.value.wait_s)
    assert logins.checked("ann", PASSWORD, where=HERE).name == "ann"
    with pytest.raises(NoEntry):
        logins.checked("ann", "one slip is free again", where=HERE)


def test_a_password_of_an_older_method_is_kept_anew_at_login(accounts: Accounts, logins: Logins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_METHOD", "pbkdf2:sha256:2")
    before = accounts.user("ann")
    assert before is not None
    logins.log_in("ann", PASSWORD, where=HERE)
    ann = accounts.user("ann")
    assert ann is not None
    assert ann.password.startswith("pbkdf2:sha256:2$")
    assert ann.epoch == before.epoch


def test_own_logins_are_listed_and_old_ones_swept(store: MemoryStore, accounts: Accounts, logins: Logins, clock: ManualClock) -> None:
    logins.log_in("ann", PASSWORD, where=HERE, agent="Firefox")
    clock.jump(25 * 3600)
    entry = logins.log_in("ann", PASSWORD, where=HERE)
    assert [kept.key for kept in logins.of(entry.user)] == [digest(entry.secret)]
    assert len(store.papers("login", "", 10)) == 1


# -- the journal


def test_the_journal_has_the_latest_first_and_is_bounded(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "_MOST_FAILED", 10)
    journal = Journal(store)
    journal.write(SecurityEvent(at=NOW, what="user added", who="root", whom="ann"))
    for number in range(200):
        journal.write(SecurityEvent(at=NOW + timedelta(seconds=number), what=FAILED, who=f"guess{number}"))
    assert len(store.papers("failed", "", 1000)) <= 10 + 50
    latest = journal.latest(1000)
    assert latest[0].who == "guess199"
    assert latest[-1].what == "user added", "what strangers do pushes nothing else out"


def test_changes_of_accounts_are_told_with_who_and_whom(accounts: Accounts, clock: ManualClock) -> None:
    clock.jump(1)
    accounts.set_role("ann", Role.ADMIN, who="root", where=HERE)
    last = accounts.journal.latest(1)[0]
    assert (last.what, last.who, last.whom, last.address, last.text) == ("role set", "root", "ann", HERE, "to admin")

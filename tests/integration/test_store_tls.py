"""Is a store on a server spoken to by TLS, and its certificate looked at? The servers of PostgreSQL and MariaDB are of this file's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from db.urls import open_store
from system.errors import ConfigError, HorariumError, StoreError, Unavailable
from tests.services.certificates import Authority
from tests.services.mariadb import MariaDB
from tests.services.postgresql import PostgreSQL
from tests.support.builders import turn
from tests.support.link import Link
from tests.support.mongo_server import own_mongodb
from tests.support.services import service_url

# A server that refuses us may reset the connection before the handshake: Python's ssl then leaves its socket to the garbage collector.
pytestmark = [pytest.mark.service, pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")]


class PostgresByTls(PostgreSQL):
    """One that speaks TLS, too."""

    speaks_tls = True


class MariaDBByTls(MariaDB):
    """One that speaks TLS, too."""

    speaks_tls = True


@dataclass(frozen=True, slots=True)
class Place:
    """A store's URL without options, who vouches for the server, and how its URL says whom to trust, and who we are."""

    url: str
    authority: Authority
    trusting: str
    showing: str

    def by(self, options: str, *, authority: Authority | None = None) -> str:
        """Return the URL with options, in which {ca} stands for the authority's file."""
        return self.url + options.format(ca=(authority or self.authority).file)


def postgresql(folder: Path, stack: ExitStack) -> Place:
    service_url("POSTGRES_URL")
    server = PostgresByTls(folder / "postgresql")
    stack.callback(server.remove)
    return Place(server.start().url, server.authority, "?sslmode=verify-full&sslrootcert={ca}", "&sslcert={cert}&sslkey={key}")


def mariadb(folder: Path, stack: ExitStack) -> Place:
    service_url("MARIADB_URL")
    server = MariaDBByTls(folder / "mariadb")
    stack.callback(server.remove)
    return Place(server.start().url, server.authority, "?ssl_ca={ca}", "&ssl_cert={cert}&ssl_key={key}")


def mongodb(folder: Path, stack: ExitStack) -> Place:
    authority = Authority(folder / "tls")
    plain = stack.enter_context(own_mongodb())
    link = stack.enter_context(Link(plain, tls=authority.server(authority.certificate("server", ["IP:127.0.0.1"]))))
    return Place(link.url, authority, "?tls=true&serverSelectionTimeoutMS=2000&tlsCAFile={ca}", "&tlsCertificateKeyFile={both}")


@pytest.fixture(scope="module", params=[postgresql, mariadb, mongodb], ids=lambda make: make.__name__)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Each server in turn."""
    make: Callable[[Path, ExitStack], Place] = request.param
    with ExitStack() as stack:
        yield make(tmp_path_factory.mktemp("servers"), stack)


@pytest.fixture
def stranger(tmp_path: Path) -> Authority:
    """Somebody else's authority."""
    return Authority(tmp_path / "stranger", "somebody else")


def refusal_of(url: str) -> HorariumError:
    with pytest.raises(HorariumError) as refusal, closing(open_store(url)) as store:
        store.prepare()
    assert "horarium:horarium" not in str(refusal.value)
    return refusal.value


def test_a_server_that_the_authority_vouches_for_keeps_a_store(place: Place) -> None:
    with closing(open_store(place.by(place.trusting))) as store:
        store.prepare()
        store.insert_turn(turn(1))
        assert [found.number for found in store.turns_after(0, 9)] == [1]


def test_another_authority_is_not_trusted_and_the_option_is_named(place: Place, stranger: Authority) -> None:
    refusal = refusal_of(place.by(place.trusting, authority=stranger))
    option = place.trusting.partition("={ca}")[0].rpartition("&")[2].removeprefix("?")
    assert type(refusal) is Unavailable
    assert "name the authority that signed the server's certificate by " in str(refusal)
    assert f"{option}=/path/of/ca.pem" in str(refusal)


def test_a_certificate_for_another_host_is_refused(place: Place) -> None:
    refusal = refusal_of(place.by(place.trusting).replace("127.0.0.1", "localhost"))
    assert type(refusal) is Unavailable
    assert "name the host in the URL as the server's certificate does" in str(refusal)


def test_a_certificate_of_ours_is_shown(place: Place, stranger: Authority) -> None:
    def shown(authority: Authority) -> str:
        own = authority.certificate("horarium")
        both = authority.folder / "both.pem"
        both.write_text(own.file.read_text() + own.key.read_text())
        return place.by(place.trusting) + place.showing.format(cert=own.file, key=own.key, both=both)

    with closing(open_store(shown(place.authority))) as store:
        store.prepare()
    if "mongodb" not in place.url:  # before which nobody asks for one here
        # What the server has against it may be lost with the connection, so the words are tried elsewhere.
        assert type(refusal_of(shown(stranger))) is Unavailable


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["missing", "no PEM"])
def test_a_file_that_cannot_be_used_is_told_without_a_traceback(place: Place, tmp_path: Path, content: str | None) -> None:
    if content:
        (tmp_path / "ca.pem").write_text(content)
    refusal = refusal_of(place.url + place.trusting.format(ca=tmp_path / "ca.pem"))
    assert isinstance(refusal, ConfigError | StoreError)
    assert any(words in str(refusal) for words in ("PEM files are expected", "name the authority"))


def test_an_option_that_is_misspelt_is_refused_at_once(place: Place) -> None:
    with pytest.raises(ConfigError, match="slmode"):
        open_store(f"{place.url}?slmode=verify-full")


def test_what_would_verify_nothing_is_refused_at_once(place: Place) -> None:
    unverified = {
        "postgresql": ["?sslrootcert=ca.pem", "?sslrootcert=ca.pem&sslmode=allow"],
        "mysql": ["?ssl_cert=a.pem&ssl_key=a.key", "?ssl_ca=ca.pem&ssl_verify_cert=true", "?ssl_verify_identity=true"],
    }
    for options in unverified.get(place.url.partition(":")[0], []):
        with pytest.raises(ConfigError, match=r"can't be used: .*(add sslmode=verify-full|ssl_ca)"):
            open_store(place.url + options)


def test_a_value_that_is_misspelt_is_not_waited_for(place: Place) -> None:
    if place.url.startswith("postgresql"):
        refusal = refusal_of(f"{place.url}?sslmode=verify-all")
        assert type(refusal) is StoreError
        assert "correct what stands behind the ? of the URL" in str(refusal)


def test_mongodb_behind_tls_says_so_to_who_speaks_without_and_what_has_ended_is_not_trusted(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tls")
    ended = authority.server(authority.certificate("ended", ["IP:127.0.0.1"], days=-1))
    with Link(service_url("MONGODB_URL"), tls=ended) as link:
        options = "serverSelectionTimeoutMS=1000"
        assert "whether it wants TLS (tls=true)" in str(refusal_of(f"{link.url}/x?{options}"))
        told = str(refusal_of(f"{link.url}/x?{options}&tls=true&tlsCAFile={authority.file}"))
    assert "put another certificate in place on the server" in told

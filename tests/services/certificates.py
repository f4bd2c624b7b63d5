"""Who vouches for servers in tests? An authority of their own, made by the machine's openssl and kept in a folder."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.services.machine import run

_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
_EXTENSIONS = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"  # Python 3.13 is strict about these
_LONG_DAYS = 3650


@dataclass(frozen=True, slots=True)
class Certificate:
    """Two PEM files."""

    file: Path
    key: Path


class Authority:
    """Vouches for names. Over the same folder it is the same one; `file` is what to trust."""

    def __init__(self, folder: Path, name: str = "tests") -> None:
        self.folder = folder
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        folder.mkdir(parents=True, exist_ok=True)
        if not self.file.exists():
            fresh = folder / "ca.pem.new"
            subject = ["-days", str(_LONG_DAYS), "-subj", f"/CN=authority of {name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
            run(["openssl", "req", "-x509", *_KEY, *subject, "-keyout", str(self._key), "-out", str(fresh)])
            fresh.replace(self.file)

    def certificate(self, name: str, names: Iterable[str] = (), *, days: int = _LONG_DAYS) -> Certificate:
        """Return a certificate called `name` for `names`, such as `DNS:mq.test` and `IP:127.0.0.1`; anew each time.

        With `days` below zero it has expired.
        """
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        asked, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        run(["openssl", "req", *_KEY, "-subj", f"/CN={name}", "-keyout", str(made.key), "-out", str(asked)])
        alternatives = ",".join(names)
        extensions.write_text(_EXTENSIONS + (f"subjectAltName={alternatives}\n" if alternatives else ""))
        signing = ["-CA", str(self.file), "-CAkey", str(self._key), "-CAcreateserial", "-days", str(days), "-extfile", str(extensions)]
        run(["openssl", "x509", "-req", "-in", str(asked), *signing, "-out", str(made.file)])
        return made

    def server(self, own: Certificate, *, asks: bool = False) -> ssl.SSLContext:
        """Return how a server shows `own`, and, if it `asks`, lets in only clients that this authority vouches for."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(own.file, own.key)
        if asks:
            context.load_verify_locations(self.file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, own: Certificate | None = None) -> ssl.SSLContext:
        """Return how a client trusts this authority, and shows itself by `own`."""
        context = ssl.create_default_context(cafile=self.file)
        if own:
            context.load_cert_chain(own.file, own.key)
        return context
